import ChaosCore

/// Judges logs that are appended to by `send` and read by `poll`, as in Kafka.
///
/// - **inconsistent-offsets**: two values at one offset. **duplicate**: one value at two offsets.
/// - **lost-write**: sent and acknowledged, and polls went past its offset without it. **unseen**: acknowledged, and no poll ever
///   showed it. **G1a**: polled, though its send failed. **garbage-read**: polled, though nobody sent it.
/// - **poll-skip**, **nonmonotonic-poll**: a process' next poll leaves out records, or goes back. **nonmonotonic-send**: a process'
///   later send got an earlier offset. With `int-`: inside one operation.
/// - **precommitted-read**: a transaction polled what it sent itself. **G1c**: transactions that read from each other in a circle.
///
/// Time is n·log n in the number of records.
package struct LogChecker: Checker {
    /// How many cases of one anomaly are shown.
    private static let shown = 8

    package init() {}

    package var name: String { "kafka" }

    package func check(_ history: History) -> Finding {
        let logs: LogHistory
        do {
            logs = try LogHistory(history)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        let versions = LogVersions(logs)
        var found = LogAnomalies(logs, versions).found
        found += self.cycles(logs, versions)
        var names: [String] = []
        for entry in found where !names.contains(entry.name) { names.append(entry.name) }
        let counts = names.map { name in (name: name, count: found.count { $0.name == name }) }
        let sent = logs.sends.count { $0.invocation.outcome == .ok }
        let polled = logs.polls.reduce(0) { $0 + $1.records.count }
        let verdict: Verdict =
            !names.isEmpty ? .invalid : sent == 0 || polled == 0 ? .unknown : .valid
        let summary: String =
            switch verdict {
            case .invalid: counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
            case .unknown: sent == 0 ? "no send was acknowledged" : "no poll showed anything"
            case .valid:
                "\(counted(sent, "record")) sent to \(counted(logs.keys.count, "log")) and polled in"
                    + " order"
            }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary, anomalies: names,
            evidence: counts.flatMap { entry in
                let lines = found.filter { $0.name == entry.name }.map {
                    "\(entry.name): \($0.line)"
                }
                let rest = lines.count - Self.shown
                return lines.prefix(Self.shown)
                    + (rest > 0 ? ["\(entry.name): \(rest) more"] : [])
            },
            statistics: [
                "send_count": .int(Int64(logs.sends.count)), "sent_count": .int(Int64(sent)),
                "polled_count": .int(Int64(polled)), "log_count": .int(Int64(logs.keys.count)),
                "anomaly_counts": .object(
                    JSONObject(counts.map { ($0.name, .int(Int64($0.count))) })),
            ])
    }

    /// Transactions that depend on each other in a circle. Circles of writes alone (G0) are allowed: transactions of other
    /// senders may stand between those of one.
    private func cycles(
        _ history: LogHistory, _ versions: LogVersions
    ) -> [(name: String, line: String)] {
        var graph = DependencyGraph(transactionCount: history.operationCount)
        var writers: [[JSONValue: Int]] = Array(repeating: [:], count: history.keys.count)
        for send in history.sends where send.invocation.outcome != .fail {
            writers[send.key][send.value] = send.operation
        }
        for (key, log) in versions.logs.enumerated() {
            let order = log.order.compactMap { writers[key][$0.value] }
            for (first, second) in zip(order, order.dropFirst()) {
                graph.add(
                    DependencyGraph.Edge(
                        from: Int32(first), to: Int32(second), kind: .ww, key: Int32(key)))
            }
        }
        var places: [Int: String] = [:]
        for send in history.sends {
            places[send.operation] = "index \(send.invocation.begin.index)"
        }
        for poll in history.polls {
            places[poll.operation] = "index \(poll.invocation.begin.index)"
            for record in poll.records {
                guard let writer = writers[poll.key][record.value] else { continue }
                graph.add(
                    DependencyGraph.Edge(
                        from: Int32(writer), to: Int32(poll.operation), kind: .wr,
                        key: Int32(poll.key)))
            }
        }
        let search = CycleSearch(graph, stages: [.data], budget: 10_000_000)
        return search.cycles.filter { $0.anomaly == "G1c" }.map { cycle in
            let steps = cycle.edges.map { edge in
                "\(places[Int(edge.from)] ?? "?") -\(edge.kind) \(history.keys[Int(edge.key)])→"
            }
            return (
                "G1c", (steps + [places[Int(cycle.edges[0].from)] ?? "?"]).joined(separator: " ")
            )
        }
    }
}
