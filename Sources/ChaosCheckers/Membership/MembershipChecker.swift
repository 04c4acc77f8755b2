import ChaosCore

/// Checks whom nodes take for alive: `members` ended with `[{node, life}]`, the node itself among them.
///
/// In the last answers of all nodes:
/// - **missing**: a node that answered is not among them.
/// - **zombie**: one is that was ended for good.
/// - **stale-life**: one is shown in another life than it says itself.
///
/// And at any time **intruder**: one of the ``strangers`` is among them, who belong to another cluster. Linear in the answers, times the nodes in
/// each. Unknown without two final answers.
package struct MembershipChecker: Checker {
    /// Nodes of another cluster.
    package let strangers: [String]
    private var absent: [String] = []

    package init(strangers: [String] = []) { self.strangers = strangers }

    package var name: String { "membership" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.absent = absent
        return copy
    }

    package func check(_ history: History) -> Finding {
        let answers = history.invocations.filter {
            $0.begin.function == "members" && $0.outcome == .ok
                && !self.strangers.contains($0.begin.node ?? "")
        }
        var last: [String: [String: Int64]] = [:]
        var found: [(name: String, line: String)] = []
        var told: Set<String> = []
        for answer in answers {
            guard let end = answer.end, let node = answer.begin.node else { continue }
            let members = Self.members(end.value)
            for stranger in self.strangers where members[stranger] != nil {
                if told.insert("\(node) \(stranger)").inserted {
                    let line = "\(node) takes \(stranger) for a member at \(moment(end.time))"
                    found.append(("intruder", line))
                }
            }
            if answer.begin.isFinal { last[node] = members }
        }
        for (node, members) in last.sorted(by: { $0.key < $1.key }) {
            for (other, itself) in last.sorted(by: { $0.key < $1.key }) {
                guard let shown = members[other] else {
                    found.append(("missing", "\(node) does not know \(other)"))
                    continue
                }
                if let life = itself[other], life != shown {
                    let line = "\(node) shows \(other) in life \(shown), which lives its \(life)"
                    found.append(("stale-life", line))
                }
            }
            for dead in self.absent where members[dead] != nil {
                found.append(("zombie", "\(node) takes \(dead) for alive"))
            }
        }
        return Finding(
            checker: self.name, found: found,
            gap: last.count < 2 ? "fewer than two nodes answered in the end" : nil,
            praise: "\(last.count) nodes know each other"
                + (self.absent.isEmpty ? "" : ", and not \(self.absent.joined(separator: ", "))"),
            statistics: ["final_answer_count": .int(Int64(last.count))])
    }

    private static func members(_ value: JSONValue) -> [String: Int64] {
        var members: [String: Int64] = [:]
        for member in value.arrayValue ?? [] {
            guard let node = member["node"]?.stringValue, let life = member["life"]?.intValue
            else { continue }
            members[node] = life
        }
        return members
    }
}
