import ChaosCore

/// What one entry of a schedule must be beyond its shape.
struct ScheduleRules {
    private let rules: ScenarioRules
    private let entry: ScheduleEntry
    private let path: String

    init(_ rules: ScenarioRules, _ entry: ScheduleEntry, path: String) {
        self.rules = rules
        self.entry = entry
        self.path = path
    }

    func problems() -> [ScenarioRules.Problem] {
        (self.timeProblems() + self.durationProblems() + self.actionProblems()).map { key, error in
            ScenarioRules.Problem(
                path: key.isEmpty ? self.path : "\(self.path).\(key)", error: error)
        }
    }

    private typealias Found = (key: String, error: InputError)

    private func timeProblems() -> [Found] {
        switch self.entry.timing {
        case .at(let point): return self.problems(of: point, "at", mustComeBeforeEnd: true)
        case .every(_, _, let from, let until):
            var found = self.problems(of: from, "from", mustComeBeforeEnd: true)
            guard let until else { return found }
            found += self.problems(of: until, "until", mustComeBeforeEnd: false)
            let length = self.rules.length ?? .zero
            let isComparable = self.rules.length != nil || (Self.isTime(from) && Self.isTime(until))
            if isComparable, until.resolved(in: length) <= from.resolved(in: length) {
                found.append(
                    ("until", InputError("'until' comes after the first time", found: until.text)))
            }
            return found
        case .when(let trigger):
            var found: [Found] =
                (self.rules.unknownNodes(among: trigger.nodes.exactNames)
                + self.rules.emptyBlocks(among: [trigger.nodes])).map { ("when", $0) }
            if case .message = trigger.source, !self.rules.nodes.isEmpty,
                !self.rules.ports.contains(where: self.rules.isFramed)
            {
                let port = self.rules.ports.first?.text ?? "PORT"
                found.append(
                    (
                        "when",
                        InputError(
                            "a message can be seen only where a port has a framing",
                            hint: "write 'framing: { \(port): lines }' under 'network'")
                    ))
            }
            return found
        }
    }

    private static func isTime(_ point: TimePoint) -> Bool {
        if case .time = point { return true }
        return false
    }

    private func problems(of point: TimePoint, _ key: String, mustComeBeforeEnd: Bool) -> [Found] {
        guard let length = self.rules.length else {
            if Self.isTime(point) { return [] }
            return [
                (
                    key,
                    InputError(
                        "a share of a run needs to know how long it lasts", found: point.text,
                        hint: "write 'for: 60s' at the top, or a time such as '5s'")
                )
            ]
        }
        if mustComeBeforeEnd, point.resolved(in: length) >= length {
            return [
                (
                    key,
                    InputError(
                        "a schedule's time comes before the end of the run, which lasts \(length.text)",
                        found: point.text)
                )
            ]
        }
        return []
    }

    private func durationProblems() -> [Found] {
        if let duration = self.entry.duration {
            if case .process(let action, _) = self.entry.action,
                ![.kill, .stop, .pause].contains(action)
            {
                return [
                    ("for", InputError("'\(action.rawValue)' is over at once and has no 'for'"))
                ]
            }
            if case .tell = self.entry.action {
                return [("for", InputError("what a node is told has no 'for'"))]
            }
            if self.entry.action == .heal {
                return [("for", InputError("'heal' is over at once and has no 'for'"))]
            }
            return self.problems(of: duration, "for", mustComeBeforeEnd: false)
        }
        let isRepeated: Bool =
            switch self.entry.timing {
            case .at: false
            case .every: true
            case .when(let trigger): trigger.times != 1
            }
        guard isRepeated else { return [] }
        switch self.entry.action {
        case .heal, .tell, .process(.kill, _), .process(.stop, _), .process(.restart, _),
            .process(.resume, _):
            return []
        case .nemesis, .partition, .faults, .process(.pause, _):
            let rule = "what happens again and again needs 'for'"
            return [("", InputError(rule, hint: "for example 'for: 5s'"))]
        }
    }

    /// Who is told something listens for it.
    private func problems(ofTelling selector: NodeSelector) -> [Found] {
        var errors: [InputError] = []
        var nodes = self.rules.scenario.nodes
        if case .nodes(let pattern) = selector {
            errors = self.rules.unknownNodes(among: pattern.exactNames)
            errors += self.rules.emptyBlocks(among: [pattern])
            nodes = nodes.filter { pattern.matches($0.name) }
        }
        for node in nodes where !node.ports.contains(where: { $0.name == Administrator.port }) {
            errors.append(
                InputError(
                    "a node that is told something has a port 'admin'", found: node.name.text,
                    hint: "write ports: { main: auto, admin: unix }"))
        }
        if case .that = selector { return self.problemsOfThat("node") + errors.map { ("", $0) } }
        return errors.map { ("", $0) }
    }

    private func actionProblems() -> [Found] {
        switch self.entry.action {
        case .partition(let partition, let mode, let port):
            return self.problems(of: partition, mode: mode, port: port)
        case .faults(let rules):
            let key = rules.count == 1 ? "links" : "set"
            return rules.flatMap { self.rules.problems(of: $0) }.map { (key, $0) }
        case .process(let action, let selector):
            switch selector {
            case .any: return []
            case .that: return self.problemsOfThat(action.rawValue)
            case .nodes(let pattern):
                var errors = self.rules.unknownNodes(among: pattern.exactNames)
                errors += self.rules.emptyBlocks(among: [pattern])
                let servers = self.rules.scenario.externalLinks.map(\.name)
                for name in pattern.exactNames where name == .client || servers.contains(name) {
                    errors.append(
                        InputError("chaos did not start '\(name)' and cannot \(action.rawValue) it")
                    )
                }
                let names = self.rules.scenario.nodes.map(\.name)
                if errors.isEmpty, !names.isEmpty, !names.contains(where: pattern.matches) {
                    errors.append(InputError("no node has such a name", found: pattern.text))
                }
                return errors.map { (action.rawValue, $0) }
            }
        case .nemesis(_, let budget, let mode):
            var found: [Found] = []
            if let mode, let error = self.rules.problem(of: mode, port: nil) {
                found.append(("mode", error))
            }
            let count = self.rules.scenario.nodes.count
            if case .nodes(let number) = budget, count > 0, number > count {
                let rule = "a budget is at most the number of nodes, \(count)"
                found.append(("budget", InputError(rule, found: "\(number)")))
            }
            if budget == .minority, count == 1 || count == 2 {
                found.append(
                    (
                        "budget",
                        InputError(
                            "of \(count) nodes none may fail with 'budget: minority'",
                            hint: "write 'budget: all' or start more nodes")
                    ))
            }
            return found
        case .tell(_, let selector): return self.problems(ofTelling: selector)
        case .heal: return []
        }
    }

    private func problemsOfThat(_ key: String) -> [Found] {
        if case .when = self.entry.timing { return [] }
        let hint = "write 'when: { log: … }' instead of 'at' or 'every'"
        return [(key, InputError("'that' is the node that 'when' saw", found: "that", hint: hint))]
    }

    private func problems(
        of partition: Partition, mode: PartitionMode?, port: PortName?
    ) -> [Found] {
        let isIsolation: Bool =
            switch partition {
            case .isolate, .isolateRandom: true
            default: false
            }
        let key = isIsolation ? "isolate" : "partition"
        var found: [Found] = []
        let named = partition.namedNodes
        found += self.rules.unknownNodes(among: named.filter { $0 != "that" }).map { (key, $0) }
        found += self.rules.emptyBlocks(among: partition.patterns).map { (key, $0) }
        if named.contains("that") { found += self.problemsOfThat(key) }
        if let mode, let error = self.rules.problem(of: mode, port: port) {
            found.append(("mode", error))
        }
        let ports = self.rules.ports
        if let port, !self.rules.nodes.isEmpty, !ports.contains(port) {
            found.append(("port", ScenarioRules.unknown(port, among: ports)))
        }
        if found.isEmpty, !self.rules.nodes.isEmpty, !named.contains("that") {
            var generator = Seed(0).generator
            if partition.cuts(among: self.rules.nodes, using: &generator).isEmpty {
                found.append(
                    (key, InputError("this partition cuts nothing", found: "\(partition)")))
            }
        }
        return found
    }
}

extension TimePoint {
    /// The time as written: `5s` or `30%`.
    package var text: String {
        switch self {
        case .time(let time): time.text
        case .share(let share): share.text
        }
    }
}
