import ChaosCheckers

extension FuzzTarget {
    /// Histories that `chaos check` reads.
    static let history = FuzzTarget(
        "history", "histories as JSON lines",
        seeds: [
            #"{"index":0,"type":"invoke","process":0,"f":"read","value":["k",null],"time":5}"#
                + "\n"
                + #"{"index":1,"type":"ok","process":0,"f":"read","value":["k",3],"time":9}"#
                + "\n",
            #"{"type":"info","process":"nemesis","f":"kill","value":null}"#,
        ]
    ) { bytes in
        guard let text = text(bytes), let history = try? History(parsingJSONLines: text) else {
            return
        }
        let again = try History(parsingJSONLines: history.jsonLines)
        try requireSame(again.jsonLines, history.jsonLines, "a history, written and read again")
    }
}
