import ChaosCore

/// Checks that all nodes show the same some time after the last disturbance has ended.
///
/// Ok reads that were called after that time, and after every other operation had returned, must be equal for each argument; lists are
/// compared without regard to order. **diverged** names what each node showed. Linear in the size of the reads.
package struct ConvergenceChecker: Checker {
    /// How long convergence may take after the last heal.
    package let within: Duration
    /// When the last disturbance ended.
    package var healed: Instant?

    package init(within: Duration = .seconds(5)) { self.within = within }

    package var name: String { "converges" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.healed = disturbances.map(\.end).max()
        return copy
    }

    private struct Question: Hashable {
        let function: String
        let argument: JSONValue
    }

    private static let reads = ["read", "get", "r"]

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let changes = invocations.filter { !Self.reads.contains($0.begin.function) }
        // What nobody knows the end of may take effect at any time; its return is the best guess.
        let changed = changes.map { ($0.end ?? $0.begin).time }.max()
        let start = max((self.healed ?? .start) + self.within, changed ?? .start)
        var answers: [Question: [(node: String, value: JSONValue)]] = [:]
        var order: [Question] = []
        var nodes: Set<String> = []
        for invocation in invocations
        where invocation.outcome == .ok && invocation.begin.time > start
            && Self.reads.contains(invocation.begin.function)
        {
            guard let end = invocation.end else { continue }
            let question = Question(
                function: invocation.begin.function, argument: Self.argument(invocation))
            let node = invocation.begin.node ?? "process \(invocation.begin.process)"
            nodes.insert(node)
            if answers[question] == nil { order.append(question) }
            answers[question, default: []].append((node, Self.normal(end.value)))
        }
        var found: [(name: String, line: String)] = []
        for question in order {
            let told = answers[question] ?? []
            guard let first = told.first, let other = told.first(where: { $0.value != first.value })
            else { continue }
            let what = question.argument == .null ? "" : " of \(question.argument.text)"
            found.append(
                (
                    "diverged",
                    "the \(question.function)\(what) is \(Self.short(first.value)) on \(first.node) and"
                        + " \(Self.short(other.value)) on \(other.node)"
                ))
        }
        let place = self.healed == nil ? "the last change" : "the last heal"
        return Finding(
            checker: self.name, found: found,
            gap: nodes.count < 2 ? "fewer than two nodes were read after the end" : nil,
            praise: "\(nodes.count) nodes show the same within \(self.within.text) of \(place)",
            statistics: [
                "node_count": .int(Int64(nodes.count)), "question_count": .int(Int64(order.count)),
                "from": .int(start.nanoseconds),
            ])
    }

    /// The key of a pair, or the argument itself.
    private static func argument(_ invocation: Invocation) -> JSONValue {
        let value = invocation.begin.value
        if let pair = value.arrayValue, pair.count == 2, pair[1] == .null { return pair[0] }
        return value
    }

    private static func normal(_ value: JSONValue) -> JSONValue {
        guard let elements = value.arrayValue else { return value }
        return .array(elements.sorted { $0.text < $1.text })
    }

    private static func short(_ value: JSONValue) -> String {
        let text = value.text
        return text.count > 60 ? "\(text.prefix(57))…" : text
    }
}
