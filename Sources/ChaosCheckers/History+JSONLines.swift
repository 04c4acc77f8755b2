import ChaosCore

extension Operation {
    /// The event as a JSON object; members that say nothing are left out.
    package var json: JSONValue {
        var object: JSONObject = [
            "index": .int(Int64(self.index)), "process": .int(Int64(self.process)),
            "type": .string(self.kind.rawValue), "f": .string(self.function),
            "value": self.value, "time": .int(self.time.nanoseconds),
        ]
        if let node = self.node { object["node"] = .string(node) }
        if self.isFinal { object["final"] = true }
        if let error = self.error { object["error"] = .string(error) }
        return .object(object)
    }

    /// The event as one line of `history.jsonl`, without the line feed.
    package var jsonLine: String { self.json.text }
}

extension History {
    /// The history as text, one event a line.
    package var jsonLines: String {
        self.operations.map { $0.jsonLine + "\n" }.joined()
    }
}
