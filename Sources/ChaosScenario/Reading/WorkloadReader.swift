import ChaosCore

/// Reads the workload, the checks and the expected verdict, whose parameters others understand.
struct WorkloadReader {
    let parser: ScenarioParser
    let mistakes: MistakeList

    /// `{ kind: lin-kv, rate: 100/s, for: 60s }`, or the kind alone.
    func workload(_ node: YAMLNode) -> WorkloadSpec? {
        if let kind = node.text, !node.isAbsent {
            let workload = WorkloadSpec(kind: kind)
            for problem in self.parser.checkWorkload(workload) {
                self.mistakes.add(problem.error, at: node.position)
            }
            return workload
        }
        guard let mapping = MappingReader(node, "'workload'", self.mistakes) else { return nil }
        if !mapping.has("kind") { mapping.add(InputError("a workload needs a 'kind'")) }
        guard let kind = mapping.text("kind") else { return nil }
        var workload = WorkloadSpec(kind: kind)
        workload.duration = mapping.read("for", ScheduleReader.positive)
        for entry in mapping.all where !["kind", "for"].contains(entry.key) {
            workload.parameters[entry.key] = Self.json(entry.value)
        }
        for problem in self.parser.checkWorkload(workload) {
            mapping.add(problem.error, at: problem.key ?? "kind")
        }
        return workload
    }

    /// A list of names, some with parameters: `availability: { at_least: 90% }`.
    func checks(_ node: YAMLNode) -> [CheckSpec] {
        guard case .sequence(let elements) = node.content else {
            self.mistakes.add(
                InputError("'checks' is a list", found: node.shown, hint: "begin each with '- '"),
                at: node.position)
            return []
        }
        return elements.compactMap { self.check($0) }
    }

    private func check(_ node: YAMLNode) -> CheckSpec? {
        if let name = node.text, !node.isAbsent {
            let check = CheckSpec(name: name)
            for problem in self.parser.checkCheck(check) {
                self.mistakes.add(problem.error, at: node.position)
            }
            return check
        }
        guard case .mapping = node.content,
            let mapping = MappingReader(node, "a check", self.mistakes)
        else {
            let rule = "a check is a name, or a name with parameters"
            self.mistakes.add(InputError(rule, found: node.shown), at: node.position)
            return nil
        }
        guard mapping.all.count == 1, let entry = mapping.all.first else {
            let names = mapping.all.map(\.key).joined(separator: ", ")
            mapping.add(
                InputError(
                    "one check stands in one line", found: names,
                    hint: "begin each with '- ', and indent its parameters"))
            return nil
        }
        var check = CheckSpec(name: entry.key)
        if !entry.value.isAbsent {
            guard
                let parameters = MappingReader(
                    entry.value, "the value of '\(entry.key)'", self.mistakes)
            else { return nil }
            for parameter in parameters.all {
                check.parameters[parameter.key] = Self.json(parameter.value)
            }
            for problem in self.parser.checkCheck(check) {
                let place = problem.key.map { parameters.position(of: $0) } ?? entry.keyPosition
                self.mistakes.add(problem.error, at: place)
            }
            return check
        }
        for problem in self.parser.checkCheck(check) {
            self.mistakes.add(problem.error, at: entry.keyPosition)
        }
        return check
    }

    /// `{ verdict: invalid, anomaly: lost }`, or the verdict alone.
    func expectation(_ node: YAMLNode) -> Scenario.Expectation? {
        if let text = node.text, !node.isAbsent {
            return self.mistakes.catching(at: node.position) { () throws(InputError) in
                Scenario.Expectation(verdict: try Self.verdict(text))
            }
        }
        guard let mapping = MappingReader(node, "'expect'", self.mistakes) else { return nil }
        defer { mapping.finish() }
        if !mapping.has("verdict") { mapping.add(InputError("'expect' needs a 'verdict'")) }
        let anomaly = mapping.text("anomaly")
        return mapping.read("verdict", Self.verdict).map {
            Scenario.Expectation(verdict: $0, anomaly: anomaly)
        }
    }

    private enum Verdict: String, CaseIterable { case valid, invalid, unknown }

    private static func verdict(_ text: String) throws(InputError) -> String {
        let verdict: Verdict = try Word.parse(text, as: "a verdict")
        return verdict.rawValue
    }

    /// Texts stay texts; lists and mappings keep their shape.
    private static func json(_ node: YAMLNode) -> JSONValue {
        switch node.content {
        case .scalar(let text, _): .string(text)
        case .sequence(let elements): .array(elements.map(Self.json))
        case .mapping(let entries):
            .object(JSONObject(entries.map { (key: $0.key, value: Self.json($0.value)) }))
        }
    }
}
