import ChaosCore

extension ScheduleEntry {
    /// The entry on one line; its id where position does not give it.
    func yaml(hasOwnID: Bool) -> YAMLText {
        var members: [(key: String, value: YAMLText)] = []
        if hasOwnID { members.append(("id", .scalar(self.id))) }
        switch self.timing {
        case .at(let point): members.append(("at", .scalar(point.text)))
        case .every(let interval, let jitter, let from, let until):
            let spread = jitter > .zero ? " ± \(jitter.text)" : ""
            members.append(("every", .scalar(interval.text + spread)))
            members.append(("from", .scalar(from.text)))
            if let until { members.append(("until", .scalar(until.text))) }
        case .when(let trigger): members.append(("when", trigger.yaml))
        }
        if let duration = self.duration { members.append(("for", .scalar(duration.text))) }
        return .flow(members + self.action.yaml)
    }
}

extension Trigger {
    fileprivate var yaml: YAMLText {
        var members: [(key: String, value: YAMLText)] = []
        switch self.source {
        case .log(let pattern): members.append(("log", .scalar(pattern)))
        case .message(let match): members.append(("message", match.yaml))
        }
        if self.nodes != .all { members.append(("node", .scalar(self.nodes.text))) }
        if self.times != 1 {
            members.append(("times", .scalar(self.times.map(String.init) ?? "always")))
        }
        return .flow(members)
    }
}

extension ScheduleAction {
    fileprivate var yaml: [(key: String, value: YAMLText)] {
        switch self {
        case .partition(let partition, let mode, let port):
            var members = [partition.yaml]
            if let mode { members.append(("mode", .scalar(mode.rawValue))) }
            if let port { members.append(("port", .scalar(port.text))) }
            return members
        case .faults(let rules): return [("set", FaultRule.yaml(rules))]
        case .process(let action, let selector):
            return [(action.rawValue, .scalar(selector.text))]
        case .tell(let body, let selector):
            let members = body.members.map { member in
                (
                    key: member.key,
                    value: YAMLText.scalar(member.value.stringValue ?? member.value.text)
                )
            }
            return [("tell", .flow([("node", .scalar(selector.text))] + members))]
        case .nemesis(let kinds, let budget, let mode):
            let text =
                switch budget {
                case .minority: "minority"
                case .nodes(let number): String(number)
                case .all: "all"
                }
            var members: [(key: String, value: YAMLText)] = [
                ("nemesis", .list(kinds.map { .scalar($0.rawValue) })), ("budget", .scalar(text)),
            ]
            if let mode { members.append(("mode", .scalar(mode.rawValue))) }
            return members
        case .heal: return [("heal", .scalar("all"))]
        }
    }
}

extension NodeSelector {
    fileprivate var text: String {
        switch self {
        case .nodes(let pattern): pattern.text
        case .that: "that"
        case .any: "any"
        }
    }
}

extension Partition {
    /// As text, or as lists where a member holds commas, which part members in texts.
    fileprivate var yaml: (key: String, value: YAMLText) {
        func isOneWord(_ pattern: NodePattern) -> Bool {
            !pattern.text.contains { $0 == "," || $0 == " " }
        }
        switch self {
        case .groups(let groups) where !groups.joined().allSatisfy(isOneWord):
            return ("partition", .list(groups.map { .list($0.map { .scalar($0.text) }) }))
        case .isolate(let members):
            let words = members.map(\.text)
            return (
                "isolate", words.count == 1 ? .scalar(words[0]) : .list(words.map { .scalar($0) })
            )
        case .isolateRandom: return ("isolate", .scalar("any"))
        default: return ("partition", .scalar(self.description))
        }
    }
}
