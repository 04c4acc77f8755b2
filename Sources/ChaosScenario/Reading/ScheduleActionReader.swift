import ChaosCore

/// Reads what an entry of a schedule does.
///
/// Faults are written `set: { 'n1->n2': { delay: 50ms } }`, as under `network: links`, or, for one
/// pattern, `links: 'n1->n2'` with the faults beside it.
struct ScheduleActionReader {
    let mistakes: MistakeList

    private static let verbs =
        ["partition", "isolate", "heal", "set", "links", "nemesis", "crash", "clock", "tell"]
        + ProcessAction.allCases.map(\.rawValue)

    /// The action of an entry; exactly one verb stands there.
    func action(_ mapping: MappingReader) -> ScheduleAction? {
        let present = Self.verbs.filter { mapping.has($0) }
        let faults = FaultReader(mistakes: self.mistakes).faults(in: mapping)
        let mode: PartitionMode? = mapping.word("mode")
        let port = mapping.read("port") { text throws(InputError) in try PortName(parsing: text) }
        let budget = mapping.read("budget", Self.budget)
        let verb = present.first ?? ""
        self.checkCompany(of: verb, mapping, faults: faults)
        guard present.count == 1 else {
            let rule = "a schedule entry does one thing: \(Self.verbs.joined(separator: ", "))"
            // A mistyped verb is told about as an unknown key.
            if present.isEmpty, !faults.isEmpty || mapping.hasUnknownKeys { return nil }
            mapping.add(
                InputError(rule, found: present.isEmpty ? nil : present.joined(separator: ", ")))
            return nil
        }
        switch verb {
        case "partition":
            return self.partition(mapping).map { .partition($0, mode: mode, port: port) }
        case "isolate":
            return self.isolation(mapping).map { .partition($0, mode: mode, port: port) }
        case "heal": return self.heal(mapping)
        case "set":
            guard let node = mapping.node("set") else { return nil }
            let rules = LinkRulesReader(mistakes: self.mistakes).rules(node, "'set'")
            if rules.isEmpty, mapping.has("set"), self.isEmptyMapping(node) {
                mapping.add(InputError("'set' names at least one link"), at: "set")
            }
            return rules.isEmpty ? nil : .faults(rules.map(\.rule))
        case "links":
            let patterns = mapping.list("links")?.compactMap { text, position in
                self.mistakes.catching(at: position) { () throws(InputError) in
                    try LinkPattern(parsing: text)
                }
            }
            guard let patterns, !patterns.isEmpty, !faults.isEmpty else { return nil }
            return .faults(patterns.map { FaultRule(links: $0, faults: faults) })
        case "nemesis":
            return self.kinds(mapping).map { .nemesis($0, budget: budget ?? .minority, mode: mode) }
        case "crash", "clock", "tell": return AdministrationReader(mapping).action(verb)
        default:
            guard let action = ProcessAction(rawValue: verb) else { return nil }
            return self.selector(verb, mapping).map { .process(action, $0) }
        }
    }

    private func isEmptyMapping(_ node: YAMLNode) -> Bool {
        if case .mapping(let entries) = node.content { return entries.isEmpty }
        return false
    }

    /// Tells about keys that belong to another verb.
    private func checkCompany(of verb: String, _ mapping: MappingReader, faults: [Fault]) {
        if verb == "links", faults.isEmpty, !Self.namesFault(mapping) {
            mapping.add(
                InputError("'links' needs a fault beside it", hint: "such as 'delay: 100ms'"),
                at: "links")
        }
        if verb != "links", let fault = faults.first {
            mapping.add(
                InputError(
                    "a fault needs 'links' beside it", found: fault.kind.rawValue,
                    hint: "for example links: 'n1->n2'"), at: fault.kind.rawValue)
        }
        let cuts = ["partition", "isolate"]
        if mapping.has("port"), !cuts.contains(verb) {
            mapping.add(
                InputError(
                    "'port' belongs to 'partition' and 'isolate'",
                    hint: verb == "links" || verb == "set"
                        ? "write the port behind the link: 'n1->n2:peer'" : nil),
                at: "port")
        }
        if mapping.has("mode"), !cuts.contains(verb), verb != "nemesis" {
            mapping.add(
                InputError("'mode' belongs to 'partition', 'isolate' and 'nemesis'"), at: "mode")
        }
        if mapping.has("budget"), verb != "nemesis" {
            mapping.add(InputError("'budget' belongs to 'nemesis'"), at: "budget")
        }
    }

    private static func namesFault(_ mapping: MappingReader) -> Bool {
        FaultKind.allCases.contains { mapping.has($0.rawValue) } || mapping.has("netem")
    }

    /// `n1 / n2 n3`, `[[n1], [n2, n3]]`, or a shape's word.
    private func partition(_ mapping: MappingReader) -> Partition? {
        guard let node = mapping.node("partition"), case .sequence(let groups) = node.content else {
            return mapping.read("partition") { text throws(InputError) in
                let partition = try Partition(parsing: text)
                try Self.forbidAny(partition, written: text)
                return partition
            }
        }
        var patterns: [[NodePattern]] = []
        for group in groups {
            var members = [group]
            if case .sequence(let elements) = group.content { members = elements }
            let names = members.compactMap { member in
                self.mistakes.catching(at: member.position) { () throws(InputError) in
                    guard let text = member.text, !member.isAbsent else {
                        throw InputError("a member of a group is a node", found: member.shown)
                    }
                    return try NodePattern(parsing: text)
                }
            }
            if members.isEmpty {
                self.mistakes.add(
                    InputError("a group of a partition has at least one node"), at: group.position)
            }
            patterns.append(names)
        }
        guard patterns.allSatisfy({ !$0.isEmpty }) else { return nil }
        return self.mistakes.catching(at: node.position) { () throws(InputError) in
            let text = patterns.map { $0.map(\.text).joined(separator: " ") }.joined(
                separator: " / ")
            let partition = try Partition(groups: patterns, written: text)
            try Self.forbidAny(partition, written: text)
            return partition
        }
    }

    /// `any` stands for one random node where one node is meant.
    private static func forbidAny(_ partition: Partition, written: String) throws(InputError) {
        if partition.namedNodes.contains("any") {
            throw InputError(
                "'any' is no member of a group", found: written, hint: "write 'isolate: any'")
        }
    }

    private func isolation(_ mapping: MappingReader) -> Partition? {
        guard let members = mapping.list("isolate") else { return nil }
        if members.count == 1, ["any", "random"].contains(members[0].text) {
            return .isolateRandom
        }
        let patterns = members.flatMap { text, position in
            let words = text.split { $0 == " " || $0 == "," }
            if words.isEmpty {
                self.mistakes.add(InputError("'isolate' names a node", found: text), at: position)
            }
            return words.compactMap { word in
                self.mistakes.catching(at: position) { () throws(InputError) in
                    try NodePattern(parsing: String(word))
                }
            }
        }
        return patterns.isEmpty ? nil : .isolate(patterns)
    }

    /// `heal: all`, or only the key.
    private func heal(_ mapping: MappingReader) -> ScheduleAction? {
        guard let node = mapping.node("heal") else { return nil }
        if node.isAbsent || ["all", "true", "yes"].contains(node.text ?? "") { return .heal }
        mapping.add(
            InputError("'heal' ends every partition", found: node.shown, hint: "write 'heal: all'"),
            at: "heal")
        return nil
    }

    private func selector(_ verb: String, _ mapping: MappingReader) -> NodeSelector? {
        guard let names = mapping.list(verb), !names.isEmpty else { return nil }
        if names.count == 1, names[0].text == "that" { return .that }
        if names.count == 1, names[0].text == "any" { return .any }
        let text = names.map(\.text).joined(separator: ",")
        let words = text.split { $0 == " " || $0 == "," }.joined(separator: ",")
        return self.mistakes.catching(at: mapping.position(of: verb)) { () throws(InputError) in
            .nodes(try NodePattern(parsing: words))
        }
    }

    private func kinds(_ mapping: MappingReader) -> [NemesisKind]? {
        guard let names = mapping.list("nemesis") else { return nil }
        let kinds = names.compactMap { text, position in
            self.mistakes.catching(at: position) { () throws(InputError) -> NemesisKind in
                try Word.parse(text, as: "a kind of nemesis")
            }
        }
        if names.isEmpty {
            mapping.add(InputError("'nemesis' names at least one kind"), at: "nemesis")
        }
        return kinds.isEmpty ? nil : kinds
    }

    private static func budget(_ text: String) throws(InputError) -> Budget {
        switch text {
        case "minority": return .minority
        case "all": return .all
        default:
            guard text.first?.isNumber == true else {
                throw InputError("a budget is 'minority', 'all' or a number of nodes", found: text)
            }
            return .nodes(try WholeNumber.parse(text, as: "a budget", in: 1...254))
        }
    }
}
