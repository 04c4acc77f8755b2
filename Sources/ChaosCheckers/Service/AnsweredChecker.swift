import ChaosCore

/// Checks that every call ends in time, with a value or with an error: nobody is left waiting.
///
/// It judges the service and not its answers: who says at once that he cannot serve passes. Calls that
/// were open when the history ends count only where that is later than the limit. Time is linear.
package struct AnsweredChecker: Checker {
    /// How long a call may take.
    package let within: Duration

    package init(within: Duration) { self.within = within }

    package var name: String { "answered" }

    package func check(_ history: History) -> Finding {
        let last = history.operations.last?.time
        var longest = Duration.zero
        var ended = 0
        var found: [(name: String, line: String)] = []
        for invocation in history.invocations {
            let begin = invocation.begin.time
            let duration = (invocation.end?.time ?? last ?? begin) - begin
            if invocation.end != nil {
                ended += 1
                longest = max(longest, duration)
            }
            if duration <= self.within { continue }
            let value = invocation.begin.value.text
            let fate = invocation.end == nil ? "never ended" : "took \(duration.roundedText)"
            found.append(
                (
                    "unanswered",
                    "\(invocation.begin.function) \(value) for \(invocation.place) \(fate),"
                        + " allowed is \(self.within.text)"
                ))
        }
        return Finding(
            checker: self.name, found: found, gap: ended == 0 ? "no call ended" : nil,
            praise: "\(counted(ended, "call")) ended within \(longest.roundedText)",
            statistics: ["ended_count": .int(Int64(ended))])
    }
}
