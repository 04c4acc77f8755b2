import ChaosCore

/// Checks that nothing goes on after the load has stopped.
///
/// The load stops when the last operation of a client is called. From ``within`` later on
/// - no operation may still be open (**never-answered**), and
/// - samples of traffic, operations named `traffic` whose completion is the number of messages so far, may not grow (**busy**).
///
/// Linear in the history.
package struct QuiescenceChecker: Checker {
    /// How long after the load's end things may go on.
    package let within: Duration

    package init(within: Duration = .seconds(5)) { self.within = within }

    package var name: String { "quiescent" }

    package func check(_ history: History) -> Finding {
        let all = history.invocations
        let load = all.filter { $0.begin.function != "traffic" }
        guard let last = load.map(\.begin.time).max() else {
            return Finding(
                checker: self.name, verdict: .unknown, summary: "there were no operations")
        }
        let limit = last + self.within
        let over = history.operations.last?.time ?? last
        var found: [(name: String, line: String)] = []
        for invocation in load where invocation.end == nil && over >= limit {
            found.append(
                (
                    "never-answered",
                    "\(invocation.begin.function) of process \(invocation.begin.process), called at"
                        + " \(moment(invocation.begin.time))"
                ))
        }
        let samples = all.filter {
            $0.begin.function == "traffic" && $0.outcome == .ok && $0.begin.time >= limit
        }.compactMap { $0.end }
        for (first, second) in zip(samples, samples.dropFirst()) {
            guard let before = first.value.intValue, let after = second.value.intValue,
                after > before
            else { continue }
            let (count, _) = after.subtractingReportingOverflow(before)
            found.append(
                (
                    "busy",
                    "\(counted(Int(count), "message")) between \(moment(first.time)) and \(moment(second.time)),"
                        + " though the load had stopped at \(moment(last))"
                ))
        }
        let gap: String? =
            samples.count < 2
            ? over < limit
                ? "the history ends less than \(self.within.text) after the load"
                : "traffic was not sampled after the load"
            : nil
        return Finding(
            checker: self.name, found: found, gap: gap,
            praise: "no message from \(moment(limit)) on, \(self.within.text) after the load",
            statistics: [
                "sample_count": .int(Int64(samples.count)), "load_end": .int(last.nanoseconds),
            ])
    }
}
