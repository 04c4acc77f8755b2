import ChaosCheckers
import ChaosCore
import Testing

/// Writes histories of transactions as short scripts, one event a line:
///
/// ```
/// 0 call append x 1, r y
/// 0 ok append x 1, r y [2]
/// ```
///
/// A line with `run` is a call and its ok at once. Values of reads are lists, numbers or `nil`.
func transactionHistory(_ script: String) throws -> History {
    var history = History()
    func steps(_ text: Substring) throws -> JSONValue {
        .array(
            try text.split(separator: ",").map { step in
                let words = step.split(separator: " ", maxSplits: 2)
                var value = JSONValue.null
                if words.count > 2, words[2] != "nil" {
                    let text = words[2].split(separator: " ").joined(separator: ",")
                    value = try JSONValue(parsing: text)
                }
                return [.string(String(words[0])), .string(String(words[1])), value]
            })
    }
    func asked(_ steps: JSONValue) -> JSONValue {
        .array(
            (steps.arrayValue ?? []).map { step in
                step.arrayValue?[0] == "r"
                    ? .array(Array((step.arrayValue ?? []).prefix(2)) + [.null]) : step
            })
    }
    for line in script.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 2)
        let value = try steps(words[2])
        let kinds: [Substring: [Operation.Kind]] = [
            "call": [.invoke], "ok": [.ok], "fail": [.fail], "info": [.info],
            "run": [.invoke, .ok],
        ]
        for kind in try #require(kinds[words[1]]) {
            history.append(
                Operation(
                    index: history.operations.count, process: try #require(Int(words[0])),
                    kind: kind, function: "txn", value: kind == .invoke ? asked(value) : value,
                    time: Instant(nanoseconds: Int64(history.operations.count))))
        }
    }
    return history
}

/// All transactions of a script at once: every line but the first is one, called before any returned. What the
/// optional last paragraph says happens afterwards.
func concurrentTransactions(_ lines: [String], then after: String = "") throws -> History {
    let calls = lines.enumerated().map { "\($0.offset) call \($0.element)" }
    let ends = lines.enumerated().map { "\($0.offset) ok \($0.element)" }
    return try transactionHistory((calls + ends + [after]).joined(separator: "\n"))
}
