import ChaosCore

/// Checks that there is one leader: never two in one term, and in the end exactly one that all nodes know.
///
/// Operations: `leader` on a node (completion: `{leader, term}`, the name of the leader that the node knows or `null`).
/// - **two-leaders**: two names for one term, from whomever. Always wrong (Ongaro and Ousterhout, Raft, 2014: election safety).
/// - **term-went-back**: a node tells an older term than before.
/// - **no-leader**, **disagreement**: ``within`` after the last heal a node still knows none, or nodes know different ones.
///
/// Linear in the history.
package struct LeaderChecker: Checker {
    /// How long an election may take after the last heal.
    package let within: Duration
    /// When the last disturbance ended.
    package var healed: Instant?
    /// Nodes that are down on purpose.
    package var absent: [String] = []

    package init(within: Duration = .seconds(5)) { self.within = within }

    package var name: String { "one-leader" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.healed = disturbances.map(\.end).max()
        copy.absent = absent
        return copy
    }

    private struct Answer {
        let invocation: Invocation
        let leader: String?
        let term: Int64
        var node: String {
            self.invocation.begin.node ?? "process \(self.invocation.begin.process)"
        }
    }

    package func check(_ history: History) -> Finding {
        let answers = history.invocations.compactMap { invocation -> Answer? in
            guard invocation.begin.function == "leader", invocation.outcome == .ok,
                let value = invocation.end?.value, let term = value["term"]?.intValue
            else { return nil }
            return Answer(
                invocation: invocation, leader: value["leader"]?.stringValue, term: term)
        }
        var found: [(name: String, line: String)] = []
        var leaders: [Int64: Answer] = [:]
        var terms: [String: Answer] = [:]
        for answer in answers {
            if let leader = answer.leader {
                if let other = leaders[answer.term], let name = other.leader, name != leader {
                    found.append(
                        (
                            "two-leaders",
                            "term \(answer.term) is led by \(name) to \(other.invocation.place), and by \(leader)"
                                + " to \(answer.invocation.place)"
                        ))
                } else {
                    leaders[answer.term] = answer
                }
            }
            if let before = terms[answer.node], before.term > answer.term,
                before.invocation.end?.index ?? 0 < answer.invocation.begin.index
            {
                found.append(
                    (
                        "term-went-back",
                        "\(answer.invocation.place) is in term \(answer.term), it had been in \(before.term)"
                    ))
            }
            if answer.term >= terms[answer.node]?.term ?? .min { terms[answer.node] = answer }
        }
        // The last answer of each node counts for the end.
        let start = (self.healed ?? .start) + self.within
        var last: [Answer] = []
        for answer in answers.reversed()
        where answer.invocation.begin.time >= start && !self.absent.contains(answer.node)
            && !last.contains(where: { $0.node == answer.node })
        {
            last.append(answer)
        }
        last.sort { $0.node < $1.node }
        for answer in last where answer.leader == nil {
            found.append(("no-leader", "\(answer.invocation.place) knows none"))
        }
        let known = last.filter { $0.leader != nil }
        if let first = known.first, let other = known.first(where: { $0.leader != first.leader }) {
            found.append(
                (
                    "disagreement",
                    "\(first.node) knows \(first.leader ?? "none") (term \(first.term)), \(other.node) knows"
                        + " \(other.leader ?? "none") (term \(other.term))"
                ))
        }
        return Finding(
            checker: self.name, found: found,
            gap: last.isEmpty ? "no node was asked in the end" : nil,
            praise: "\(known.first?.leader ?? "?") leads, say \(counted(last.count, "node"));"
                + " \(counted(leaders.count, "term")), one leader each",
            statistics: [
                "answer_count": .int(Int64(answers.count)),
                "term_count": .int(Int64(leaders.count)),
            ])
    }
}
