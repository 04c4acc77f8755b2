import ChaosCore

/// Checks that every node serves clients again soon after the last disturbance has ended.
///
/// A node has recovered when an operation for it ends `ok` after that moment. Without a limit of its
/// own it has 5 s and as long as the longest cut lasted: after a cut that loses packets TCP's own
/// back-off decides when bytes flow again (RFC 6298, section 5.5: each timeout doubles the next).
///
/// `invalid` needs evidence: an operation that was open when time was up, or began later, and was
/// not `ok` in time. A node that nobody asked is `unknown`.
package struct RecoversChecker: Checker {
    /// How long recovery may take; `nil` is 5 s and the longest cut.
    package let within: Duration?
    /// What disturbed the cluster.
    package var disturbances: [Disturbance] = []
    /// Nodes that are down on purpose, from whom nothing is expected.
    package var absent: [String] = []

    /// Makes a checker that has not been told yet what happened.
    package init(within: Duration? = nil) { self.within = within }

    package var name: String { "recovers" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.disturbances = disturbances
        copy.absent = absent
        return copy
    }

    package func check(_ history: History) -> Finding {
        guard let healed = self.disturbances.map(\.end).max() else {
            return self.unknown("nothing was disturbed, so nothing had to recover")
        }
        let longest = self.disturbances.filter(\.isCut).map { $0.end - $0.begin }.max() ?? .zero
        let limit = self.within ?? .seconds(5) + longest
        let invocations = history.invocations
        var nodes: [String] = []
        for case let node? in invocations.map(\.begin.node)
        where !nodes.contains(node) && !self.absent.contains(node) {
            nodes.append(node)
        }
        if nodes.isEmpty { return self.unknown("there were no operations") }
        let recoveries = nodes.map { node in
            Recovery(
                node: node, invocations.filter { $0.begin.node == node }, healed: healed,
                limit: limit)
        }
        return self.finding(recoveries, healed: healed, limit: limit)
    }

    private func unknown(_ summary: String) -> Finding {
        Finding(checker: self.name, verdict: .unknown, summary: summary)
    }

    private func finding(_ recoveries: [Recovery], healed: Instant, limit: Duration) -> Finding {
        let verdict = Verdict.combined(recoveries.map(\.verdict))
        let late = recoveries.filter { $0.verdict == .invalid }.map(\.node)
        let unseen = recoveries.filter { $0.verdict == .unknown }.map(\.node)
        let summary: String
        switch verdict {
        case .invalid:
            summary =
                "\(late.joined(separator: ", ")) did not serve clients within \(limit.text)"
                + " of the last heal"
        case .unknown:
            summary =
                "nobody can tell whether \(unseen.joined(separator: ", ")) recovered within"
                + " \(limit.text): too few operations"
        case .valid:
            let slowest = recoveries.compactMap(\.time).max() ?? .zero
            summary =
                "\(counted(recoveries.count, "node")) served clients again within"
                + " \(slowest.roundedText) of the last heal, \(limit.text) allowed"
        }
        let order: [Verdict] = [.invalid, .unknown, .valid]
        return Finding(
            checker: self.name, verdict: verdict, summary: summary,
            anomalies: late.isEmpty ? [] : ["not-recovered"],
            evidence: order.flatMap { verdict in
                recoveries.filter { $0.verdict == verdict }.map(\.text)
            },
            statistics: [
                "healed": .int(healed.nanoseconds), "within": .int(limit.wholeNanoseconds),
                "nodes": .object(
                    JSONObject(
                        recoveries.map { recovery in
                            let time = recovery.time.map { JSONValue.int($0.wholeNanoseconds) }
                            return (recovery.node, time ?? .null)
                        })),
            ])
    }

    /// How one node came back.
    private struct Recovery {
        let node: String
        let verdict: Verdict
        /// From the heal to the first operation that ended `ok`.
        let time: Duration?
        /// One line of evidence.
        let text: String

        init(node: String, _ invocations: [Invocation], healed: Instant, limit: Duration) {
            let deadline = healed + limit
            let ends = invocations.compactMap { invocation -> Instant? in
                guard invocation.outcome == .ok, let end = invocation.end?.time else { return nil }
                return end >= healed ? end : nil
            }
            self.node = node
            self.time = ends.min().map { $0 - healed }
            if let time = self.time, time <= limit {
                self.verdict = .valid
                self.text = "\(node): first ok \(time.roundedText) after the heal"
                return
            }
            let open = invocations.first { invocation in
                // Still open when time was up, or begun later and not ok: it was not there then.
                if invocation.begin.time > deadline { return invocation.outcome != .ok }
                return invocation.end.map { $0.time > deadline } ?? false
            }
            let first = self.time.map { "first ok \($0.roundedText) after the heal" } ?? "no ok"
            guard let open else {
                self.verdict = .unknown
                self.text = "\(node): \(first), and nobody asked when time was up"
                return
            }
            self.verdict = .invalid
            let error = open.end?.error.map { ": \($0)" } ?? ""
            self.text =
                "\(node): \(first); \(open.begin.function) of process \(open.begin.process)"
                + " from \((open.begin.time - healed).roundedText) after the heal"
                + " ended \(open.outcome.rawValue)\(error)"
        }
    }
}
