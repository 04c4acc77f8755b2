import ChaosCheckers
import ChaosCore
import Testing

/// Reads a history from lines `MILLISECONDS PROCESS KIND FUNCTION VALUE [@NODE] [final]`, the value as JSON without spaces; `run` is a call and its ok at the
/// same time.
func events(_ text: String) throws -> History {
    var history = History()
    for line in text.split(separator: "\n") {
        var words = line.split(separator: " ").map(String.init)
        let isFinal = words.last == "final"
        if isFinal { words.removeLast() }
        var node: String?
        if let last = words.last, last.hasPrefix("@") {
            node = String(last.dropFirst())
            words.removeLast()
        }
        let kinds: [String: [Operation.Kind]] = [
            "call": [.invoke], "ok": [.ok], "fail": [.fail], "info": [.info],
            "run": [.invoke, .ok],
        ]
        for kind in try #require(kinds[words[2]]) {
            history.append(
                Operation(
                    index: history.operations.count, process: try #require(Int(words[1])),
                    kind: kind, function: words[3],
                    value: words.count > 4 ? try JSONValue(parsing: words[4]) : .null,
                    time: Instant(nanoseconds: try #require(Int64(words[0])) * 1_000_000),
                    node: node, isFinal: isFinal))
        }
    }
    return history
}

/// Checks a script with the check of a name.
func finding(
    _ name: String, _ parameters: JSONObject = [:], _ script: String
) throws -> Finding {
    try makeChecker(name: name, parameters: parameters).check(try events(script))
}
