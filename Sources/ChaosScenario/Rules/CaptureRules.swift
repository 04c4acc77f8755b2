import ChaosCore

extension ScenarioRules {
    /// What is wrong with the engine that is to decide about packets.
    func engineProblems() -> [Problem] {
        guard let engine = self.scenario.engine else { return [] }
        func problem(_ rule: String, _ hint: String) -> [Problem] {
            [
                Problem(
                    path: "engine",
                    error: InputError(rule, found: engine.rawValue, hint: hint))
            ]
        }
        if self.scenario.chosenBackend != .lab {
            return problem(
                "'engine' says what decides about packets, and the proxy has none",
                "write 'backend: lab', or leave 'backend' out")
        }
        if self.scenario.backend == .netem && engine == .switch {
            return problem("the backend 'netem' has the engine 'netem'", "write 'backend: lab'")
        }
        return []
    }

    /// What is wrong with the links whose packets are to be captured.
    func captureProblems() -> [Problem] {
        if self.scenario.captures.isEmpty { return [] }
        func problem(_ rule: String, found value: String, hint: String) -> Problem {
            Problem(path: "capture", error: InputError(rule, found: value, hint: hint))
        }
        if self.scenario.chosenBackend != .lab {
            return [
                problem(
                    "'capture' writes packets down, and the proxy has none",
                    found: self.scenario.captures[0].description,
                    hint: "write 'backend: lab', or leave 'backend' out")
            ]
        }
        let names = self.scenario.nodes.map(\.name)
        return self.scenario.captures.flatMap { links -> [Problem] in
            var errors = self.unknownNodes(
                among: links.sources.exactNames + links.targets.exactNames)
            errors += self.emptyBlocks(among: [links.sources, links.targets])
            if let port = links.port, port != "other", !self.ports.contains(port) {
                errors.append(Self.unknown(port, among: self.ports))
            }
            let isBetweenNodes = names.contains { source in
                links.sources.matches(source)
                    && names.contains { $0 != source && links.targets.matches($0) }
            }
            if errors.isEmpty && !isBetweenNodes {
                return [
                    problem(
                        "packets are captured between nodes; clients go through a proxy",
                        found: links.description, hint: "such as 'n1->n2' or '*->*'")
                ]
            }
            return errors.map { Problem(path: "capture", error: $0) }
        }
    }
}
