import ChaosCore

/// Reads the top of a scenario.
struct ScenarioReader {
    let parser: ScenarioParser
    let mistakes: MistakeList
    let file: String
    private let places = PlaceTable()

    init(parser: ScenarioParser, mistakes: MistakeList, file: String) {
        self.parser = parser
        self.mistakes = mistakes
        self.file = file
    }

    /// The scenario; what is wrong goes into the list of mistakes.
    func scenario(_ root: YAMLNode) -> Scenario? {
        guard let mapping = MappingReader(root, "a scenario", self.mistakes) else { return nil }
        self.places[""] = mapping.position
        var scenario = Scenario(name: mapping.text("name") ?? self.nameOfFile)
        scenario.summary = mapping.text("summary") ?? ""
        scenario.seed = mapping.read("seed", SeedText.parse)
        scenario.here = mapping.text("here")
        scenario.backend = mapping.word("backend") ?? .automatic
        if let backend = self.parser.backend, backend != .automatic { scenario.backend = backend }
        scenario.engine = mapping.word("engine")
        self.places["engine"] = mapping.position(of: "engine")
        scenario.addressing = mapping.word("addressing") ?? .automatic
        self.places["addressing"] = mapping.position(of: "addressing")
        if let node = mapping.node("nodes") {
            scenario.nodes = NodeReader(mistakes: self.mistakes, places: self.places).nodes(node)
        }
        if let node = mapping.node("links") { scenario.externalLinks = self.links(node) }
        if let node = mapping.node("expose") { scenario.exposedServices = self.exposed(node) }
        self.readNetworkAndSchedule(mapping, into: &scenario)
        scenario.captures = self.captures(mapping)
        scenario.assumeMessages()
        let workload = WorkloadReader(parser: self.parser, mistakes: self.mistakes)
        if let node = mapping.node("workload") {
            scenario.workload = workload.workload(node)
            self.places["workload"] = node.position
            self.places["workload.nodes"] = node["nodes"]?.position
        }
        if let node = mapping.node("checks") { scenario.checks = workload.checks(node) }
        if let node = mapping.node("expect") { scenario.expectation = workload.expectation(node) }
        scenario.duration = mapping.read("for", ScheduleReader.positive)
        if let node = mapping.node("lesson") {
            scenario.lesson = LessonReader(mistakes: self.mistakes).lesson(node)
        }
        self.apply(self.parser.changes, to: &scenario, mapping)
        mapping.finish(
            synonyms: [
                "duration": "for", "expected": "expect", "check": "checks",
                "profile": "network: { profile: … }",
            ],
            notYet: ["groups"])
        for problem in ScenarioRules(scenario, length: self.parser.length).problems() {
            self.mistakes.add(problem.error, at: self.places[problem.path] ?? mapping.position)
        }
        return scenario
    }

    private func apply(
        _ changes: ScenarioChanges, to scenario: inout Scenario, _ mapping: MappingReader
    ) {
        if let variant = changes.variant, scenario.lesson == nil {
            mapping.add(
                InputError(
                    "only a scenario with a 'lesson' has a variant to choose", found: variant))
        }
        if let lesson = scenario.lesson {
            scenario.take(variant: changes.variant ?? lesson.variant)
        }
        if changes.changeTheVerdict(of: scenario.lesson) { scenario.expectation = nil }
        if changes.withoutFaults { scenario.removeFaults() }
        scenario.scale(by: changes.timeScale)
    }

    private var nameOfFile: String {
        let name = self.file.split(separator: "/").last ?? "scenario"
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return String(name) }
        return String(name[..<dot])
    }

    private func readNetworkAndSchedule(_ mapping: MappingReader, into scenario: inout Scenario) {
        if let node = mapping.node("network"),
            let conditions = NetworkReader(
                parser: self.parser, mistakes: self.mistakes, users: []
            ).network(node)
        {
            scenario.network = conditions.network
            scenario.schedule = conditions.schedule.entries
            conditions.record(in: self.places)
        }
        if let node = mapping.node("schedule") {
            let read = ScheduleReader(mistakes: self.mistakes).schedule(node, named: "schedule")
            read.record(in: self.places, from: scenario.schedule.count)
            scenario.schedule += read.entries
        }
    }

    /// `expose: { db: 127.0.0.1:5432 }`.
    private func exposed(_ node: YAMLNode) -> [ExposedService] {
        guard let mapping = MappingReader(node, "'expose'", self.mistakes) else { return [] }
        self.places["expose"] = node.position
        return mapping.all.compactMap { entry in
            self.places["expose.\(entry.key)"] = entry.keyPosition
            let name = self.mistakes.catching(at: entry.keyPosition) { () throws(InputError) in
                try NodeReader.name(entry.key)
            }
            guard let name, let target = mapping.read(entry.key, EndpointText.parse) else {
                return nil
            }
            return ExposedService(name: name, target: target)
        }
    }

    /// `capture: n1->n2`, or a list of patterns.
    private func captures(_ mapping: MappingReader) -> [LinkPattern] {
        self.places["capture"] = mapping.position(of: "capture")
        return (mapping.list("capture") ?? []).compactMap { entry in
            self.mistakes.catching(at: entry.position) { () throws(InputError) in
                try LinkPattern(parsing: entry.text)
            }
        }
    }

    /// `links: { db: 127.0.0.1:5432 }`, or with the address where the proxy listens.
    private func links(_ node: YAMLNode) -> [ExternalLink] {
        guard let mapping = MappingReader(node, "'links'", self.mistakes) else { return [] }
        return mapping.all.compactMap { entry in
            self.places["links.\(entry.key)"] = entry.keyPosition
            let name = self.mistakes.catching(at: entry.keyPosition) { () throws(InputError) in
                try NodeReader.name(entry.key)
            }
            guard case .mapping = entry.value.content else {
                guard let name, let upstream = mapping.read(entry.key, EndpointText.parse)
                else { return nil }
                return ExternalLink(name: name, upstream: upstream)
            }
            guard let link = MappingReader(entry.value, "a link", self.mistakes) else { return nil }
            let target = link.read("to", EndpointText.parse)
            let listen = link.read("listen", EndpointText.parse)
            if !link.has("to") { link.add(InputError("a link needs 'to'")) }
            link.finish(synonyms: ["upstream": "to"])
            guard let name, let target else { return nil }
            return ExternalLink(name: name, upstream: target, listen: listen)
        }
    }
}

/// Reads addresses as keys of files hold them.
enum EndpointText {
    static func parse(_ text: String) throws(InputError) -> Endpoint { try Endpoint(parsing: text) }
}

/// Reads seeds.
package enum SeedText {
    /// A whole number from 0 to 2⁶⁴−1.
    package static func parse(_ text: String) throws(InputError) -> Seed {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        let rule = "a seed is a whole number from 0 to 18446744073709551615"
        guard isPlain, let value = UInt64(text) else { throw InputError(rule, found: text) }
        // YAML 1.1 reads 010 as eight.
        if text.first == "0", text.count > 1 {
            throw InputError(rule, found: text, hint: "write '\(value)'")
        }
        return Seed(value)
    }
}
