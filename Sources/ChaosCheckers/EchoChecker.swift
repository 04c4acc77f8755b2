import ChaosCore

/// Checks that every answered `echo` returned exactly what was sent.
///
/// Echoes that ended as `fail` or `info` prove nothing either way; how many there may be is the
/// availability checker's business.
package struct EchoChecker: Checker {
    package init() {}

    package var name: String { "echo" }

    package func check(_ history: History) -> Finding {
        let echoes = history.invocations.filter { $0.begin.function == "echo" }
        let answered = echoes.filter { $0.outcome == .ok }
        let wrong = answered.filter { $0.end?.value != $0.begin.value }
        let verdict: Verdict = !wrong.isEmpty ? .invalid : answered.isEmpty ? .unknown : .valid
        let summary =
            switch verdict {
            case .invalid:
                "\(wrong.count) of \(counted(answered.count, "echo")) returned"
                    + " something else"
            case .unknown: "no echo was answered"
            case .valid: "\(counted(answered.count, "echo")) returned what was sent"
            }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary,
            anomalies: wrong.isEmpty ? [] : ["wrong-echo"],
            evidence: wrong.prefix(8).map { echo in
                "wrong-echo \(echo.begin.value.text):"
                    + " \(echo.begin.node ?? "the node") returned \(echo.end?.value.text ?? "null")"
            },
            statistics: [
                "echo_count": .int(Int64(echoes.count)),
                "answered_count": .int(Int64(answered.count)),
                "wrong_count": .int(Int64(wrong.count)),
            ])
    }
}
