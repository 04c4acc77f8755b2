import ChaosCore

extension Scenario {
    /// The scenario as YAML: what ``ScenarioParser`` reads back as the same scenario.
    ///
    /// A profile's rules and schedule stand there word for word, with `inlined` instead of `profile`,
    /// so that the text needs no other file.
    package var yaml: String {
        var entries: [(key: String, value: YAMLText)] = [("name", .scalar(self.name))]
        if !self.summary.isEmpty { entries.append(("summary", .scalar(self.summary))) }
        if let seed = self.seed { entries.append(("seed", .scalar(String(seed.value)))) }
        if let here = self.here { entries.append(("here", .scalar(here))) }
        if self.backend != .automatic {
            entries.append(("backend", .scalar(self.backend.rawValue)))
        }
        if let engine = self.engine { entries.append(("engine", .scalar(engine.rawValue))) }
        if self.addressing != .automatic {
            entries.append(("addressing", .scalar(self.addressing.rawValue)))
        }
        if let duration = self.duration { entries.append(("for", .scalar(duration.text))) }
        if !self.nodes.isEmpty {
            entries.append(("nodes", .block(self.nodes.map { ($0.name.text, $0.yaml) })))
        }
        if !self.externalLinks.isEmpty {
            entries.append(
                ("links", .block(self.externalLinks.map { ($0.name.text, $0.yaml) })))
        }
        if !self.exposedServices.isEmpty {
            entries.append(
                (
                    "expose",
                    .flow(
                        self.exposedServices.map {
                            ($0.name.text, .scalar($0.target.description))
                        })
                ))
        }
        let network = self.network.yaml
        if !network.isEmpty { entries.append(("network", .block(network))) }
        if !self.schedule.isEmpty {
            entries.append(
                (
                    "schedule",
                    .lines(
                        self.schedule.enumerated().map { index, entry in
                            entry.yaml(hasOwnID: entry.id != "schedule[\(index)]")
                        })
                ))
        }
        if !self.captures.isEmpty {
            entries.append(
                ("capture", .list(self.captures.map { .scalar($0.description) })))
        }
        if let workload = self.workload { entries.append(("workload", workload.yaml)) }
        if !self.checks.isEmpty { entries.append(("checks", .lines(self.checks.map(\.yaml)))) }
        if let expectation = self.expectation {
            var members: [(key: String, value: YAMLText)] = [
                ("verdict", .scalar(expectation.verdict))
            ]
            if let anomaly = expectation.anomaly { members.append(("anomaly", .scalar(anomaly))) }
            entries.append(("expect", .flow(members)))
        }
        return YAMLText.block(entries).document
    }
}

extension NodeSpec {
    fileprivate var yaml: YAMLText {
        var entries: [(key: String, value: YAMLText)] = []
        switch self.command {
        case .text(let text): entries.append(("command", .scalar(text)))
        case .words(let words): entries.append(("command", .list(words.map { .scalar($0) })))
        }
        if self.speech == .ports {
            let ports = self.ports.map { port in
                (port.name.text, YAMLText.scalar(port.word))
            }
            entries.append(("ports", .flow(ports)))
        } else {
            entries.append(("protocol", .scalar(self.speech.rawValue)))
        }
        if let address = self.address { entries.append(("address", .scalar(address.description))) }
        if !self.environment.isEmpty {
            entries.append(
                ("env", .flow(self.environment.map { ($0.name, .scalar($0.value)) })))
        }
        if let directory = self.directory { entries.append(("directory", .scalar(directory))) }
        var ready: [(key: String, value: YAMLText)] = []
        for condition in self.ready {
            switch condition {
            case .tcp(let port): ready.append(("tcp", .scalar(port.text)))
            case .log(let pattern): ready.append(("log", .scalar(pattern)))
            case .http(let path, let port):
                ready.append(("http", .scalar(path)))
                if let port { ready.append(("port", .scalar(port.text))) }
            }
        }
        if self.readyWithin != .seconds(10) {
            ready.append(("within", .scalar(self.readyWithin.text)))
        }
        if !ready.isEmpty { entries.append(("ready", .flow(ready))) }
        if let user = self.user { entries.append(("user", .scalar(user))) }
        if self.restart != .no { entries.append(("restart", .scalar(self.restart.rawValue))) }
        return .block(entries)
    }
}

extension PortSpec {
    fileprivate var word: String {
        guard let number = self.number else {
            return self.transport == .tcp ? "auto" : self.transport.rawValue
        }
        return self.transport == .udp ? "\(number)/udp" : String(number)
    }
}

extension ExternalLink {
    fileprivate var yaml: YAMLText {
        guard let listen = self.listen else { return .scalar(self.upstream.description) }
        return .flow([
            ("to", .scalar(self.upstream.description)), ("listen", .scalar(listen.description)),
        ])
    }
}

extension NetworkSpec {
    fileprivate var yaml: [(key: String, value: YAMLText)] {
        var entries: [(key: String, value: YAMLText)] = []
        if let profile = self.profile { entries.append(("inlined", .scalar(profile))) }
        if !self.framing.isEmpty {
            let members = self.framing.sorted { $0.key < $1.key }.map { port, framing in
                (key: port.text, value: YAMLText.scalar(framing.rawValue))
            }
            entries.append(("framing", .flow(members)))
        }
        if let mode = self.partitionMode { entries.append(("mode", .scalar(mode.rawValue))) }
        if self.queueLimit != NetworkSpec().queueLimit {
            entries.append(("limit", .scalar(self.queueLimit.text)))
        }
        if !self.rules.isEmpty { entries.append(("links", FaultRule.yaml(self.rules))) }
        return entries
    }
}

extension FaultRule {
    /// Rules by their links. One pattern may have several rules, which a mapping cannot hold: there
    /// the rules are a list.
    static func yaml(_ rules: [FaultRule]) -> YAMLText {
        let members = rules.map { rule in
            (
                key: rule.links.description,
                value: YAMLText.flow(rule.faults.map { ($0.kind.rawValue, $0.parametersYAML) })
            )
        }
        if Set(members.map(\.key)).count == members.count { return .block(members) }
        return .lines(members.map { .flow([$0]) })
    }
}

extension WorkloadSpec {
    fileprivate var yaml: YAMLText {
        var entries: [(key: String, value: YAMLText)] = [("kind", .scalar(self.kind))]
        if let duration = self.duration { entries.append(("for", .scalar(duration.text))) }
        return .flow(entries + self.parameters.yaml)
    }
}

extension CheckSpec {
    fileprivate var yaml: YAMLText {
        if self.parameters.members.isEmpty { return .scalar(self.name) }
        return .flow([(self.name, .flow(self.parameters.yaml))])
    }
}

extension JSONObject {
    fileprivate var yaml: [(key: String, value: YAMLText)] {
        self.members.map { (key: $0.key, value: $0.value.yaml) }
    }
}

extension JSONValue {
    fileprivate var yaml: YAMLText {
        switch self {
        case .string(let text): .scalar(text)
        case .array(let elements): .list(elements.map(\.yaml))
        case .object(let object): .flow(object.yaml)
        // Parameters that somebody set in code become the texts that a file would hold.
        case .null, .bool, .int, .double: .scalar(self.text)
        }
    }
}
