import ChaosCore

/// What a scenario must be beyond its shape: names that exist, faults that can work, times that come.
///
/// Whoever changes a scenario after reading it, such as by giving it nodes from the command line,
/// asks again.
package struct ScenarioRules {
    let scenario: Scenario
    let length: Duration?
    let nodes: [NodeName]
    /// In the lab: the ports whose connections go through the proxy.
    private let interceptedPorts: Set<PortName>

    /// A part of a scenario, such as `schedule[2].mode`, and what is wrong with it.
    package struct Problem: Hashable, Sendable, CustomStringConvertible {
        /// The part.
        package var path: String
        /// What is wrong.
        package var error: InputError

        /// `schedule[2].mode: rule, found 'value'`.
        package var description: String { "\(self.path): \(self.error)" }
    }

    /// Prepares the rules. `length` is how long the run lasts, if the command line says so.
    package init(_ scenario: Scenario, length: Duration? = nil) {
        self.scenario = scenario.resolvingBlocks()
        self.length = length ?? scenario.duration ?? scenario.workload?.duration
        self.nodes =
            scenario.nodes.map(\.name) + scenario.externalLinks.map(\.name) + scenario.services
        self.interceptedPorts = Set(scenario.interceptedPorts.values.flatMap { $0 })
    }

    /// Everything that is wrong.
    package func problems() -> [Problem] {
        self.nodeProblems() + self.addressProblems() + self.networkProblems()
            + (self.isInLab ? LabRules(self).problems() : [])
            + self.scenario.schedule.enumerated().flatMap { index, entry in
                ScheduleRules(self, entry, path: "schedule[\(index)]").problems()
            } + self.idProblems() + self.workloadProblems() + self.captureProblems()
            + self.engineProblems()
    }

    /// Whether nodes talk to each other by packets.
    private var isInLab: Bool { self.scenario.chosenBackend == .lab }

    private func nodeProblems() -> [Problem] {
        var problems: [Problem] = []
        if self.scenario.nodes.count > 254 {
            let isLoopback = self.scenario.addressing == .loopback
            let hint = "write 'addressing: ports'"
            if isLoopback {
                problems.append(
                    Problem(
                        path: "addressing",
                        error: InputError(
                            "'addressing: loopback' has room for 254 nodes",
                            found: "\(self.scenario.nodes.count)", hint: hint)))
            }
        }
        for port in self.ports where self.isDatagrams(port) {
            let kinds = Set(
                self.scenario.nodes.flatMap(\.ports).filter { $0.name == port }.map(\.transport))
            if kinds.count > 1 {
                problems.append(
                    Problem(
                        path: "nodes",
                        error: InputError(
                            "a port's name means udp for all nodes that have it or for none",
                            found: port.text)))
            }
        }
        if let service = self.scenario.exposedServices.first, !self.isInLab {
            problems.append(
                Problem(
                    path: "expose",
                    error: InputError(
                        "only nodes in the lab need services exposed; others reach them as they are",
                        found: service.name.text, hint: "write 'backend: lab', or leave it out")))
        }
        var seen: [NodeName] = []
        for link in self.scenario.externalLinks {
            if seen.contains(link.name)
                || self.scenario.nodes.contains(where: { $0.name == link.name })
            {
                problems.append(
                    Problem(
                        path: "links.\(link.name)",
                        error: InputError("a link has a name of its own", found: link.name.text)))
            }
            seen.append(link.name)
        }
        return problems
    }

    private func networkProblems() -> [Problem] {
        var problems: [Problem] = []
        let network = self.scenario.network
        for (index, rule) in network.rules.enumerated() {
            for error in self.problems(of: rule) {
                problems.append(Problem(path: "network.rules[\(index)]", error: error))
            }
        }
        if let mode = network.partitionMode, let error = self.problem(of: mode, port: nil) {
            problems.append(Problem(path: "network.mode", error: error))
        }
        let ports = self.ports
        for port in network.framing.keys.sorted() where !self.nodes.isEmpty && !ports.contains(port)
        {
            problems.append(
                Problem(path: "network.framing.\(port)", error: Self.unknown(port, among: ports)))
        }
        for port in network.framing.keys.sorted()
        where self.isDatagrams(port) && self.isFramed(port) {
            problems.append(
                Problem(
                    path: "network.framing.\(port)",
                    error: InputError(
                        "a udp port has no framing: each datagram is a message", found: port.text)))
        }
        return problems
    }

    private func workloadProblems() -> [Problem] {
        guard let names = self.scenario.workload?.nodes else { return [] }
        var errors = self.unknownNodes(among: names)
        if names.isEmpty { errors.append(InputError("a workload's clients talk to some node")) }
        return errors.map { Problem(path: "workload.nodes", error: $0) }
    }

    private func idProblems() -> [Problem] {
        var seen: Set<String> = []
        return self.scenario.schedule.enumerated().compactMap { index, entry in
            if seen.insert(entry.id).inserted { return nil }
            return Problem(
                path: "schedule[\(index)].id",
                error: InputError("an id stands once in a schedule", found: entry.id))
        }
    }

    /// All names of ports, in order of first use.
    var ports: [PortName] {
        var ports: [PortName] = []
        for port in self.scenario.nodes.flatMap({ $0.ports.map(\.name) })
        where !ports.contains(port) {
            ports.append(port)
        }
        if !self.scenario.externalLinks.isEmpty, !ports.contains(ExternalLink.port) {
            ports.append(ExternalLink.port)
        }
        return ports
    }

    /// What is wrong with the names of nodes.
    func unknownNodes(among names: [NodeName]) -> [InputError] {
        if self.nodes.isEmpty { return [] }
        let known = self.nodes + [.client]
        return names.filter { !known.contains($0) }.map { name in
            if name.isService {
                return InputError(
                    "there is such a service only beside nodes that speak Maelstrom's protocol",
                    found: name.text, hint: "write 'protocol: maelstrom' at the nodes")
            }
            return InputError(
                "there is no such node", found: name.text,
                hint: known.count <= 12
                    ? "nodes are \(known.map(\.text).joined(separator: ", "))"
                    : Suggestion.nearest(to: name.text, among: known.map(\.text)).map {
                        "did you mean '\($0)'?"
                    })
        }
    }

    static func unknown(_ port: PortName, among ports: [PortName]) -> InputError {
        InputError(
            "no node has such a port", found: port.text,
            hint: Suggestion.hint(for: port.text, among: ports.map(\.text)))
    }

    /// What is wrong with faults on links.
    func problems(of rule: FaultRule) -> [InputError] {
        var errors = self.unknownNodes(
            among: rule.links.sources.exactNames + rule.links.targets.exactNames)
        errors += self.emptyBlocks(among: rule.patterns)
        if let port = rule.links.port, !self.nodes.isEmpty, !self.ports.contains(port) {
            errors.append(Self.unknown(port, among: self.ports))
        }
        if !errors.isEmpty || self.nodes.isEmpty { return errors }
        // What belongs to no declared port takes every fault of packets.
        let isAmongPackets = self.isInLab && rule.isBetween(self.scenario.nodes.map(\.name))
        let takesPackets = isAmongPackets && rule.links.port == nil
        // A port needs a framing if faults on it do; where a pattern covers several ports, such
        // faults act on those that have one, so one of them must.
        let ports = rule.links.port.map { [$0] } ?? self.ports(of: rule.links)
        for fault in rule.faults
        where !ports.contains(where: { self.takes(fault, port: $0, isAmongPackets: isAmongPackets) }
        )
            && !(takesPackets && fault.isForPackets)
        {
            let streams = ports.filter { !self.isDatagrams($0) }
            if let port = ports.first, streams.isEmpty {
                errors.append(fault.refusal(byDatagramsOf: port))
            } else if let port = streams.first(where: { self.isFramed($0) }) {
                errors.append(fault.refusal(by: self.framing(of: port), of: port))
            } else if fault.needsFraming {
                let name = streams.first?.text ?? "PORT"
                let what = fault.match == nil ? "'\(fault.kind.rawValue)'" : "'match'"
                errors.append(
                    InputError(
                        "\(what) needs messages, and port '\(name)' has no framing",
                        found: fault.text,
                        hint: "write 'framing: { \(name): lines }' under 'network'"))
            }
        }
        return errors
    }

    /// Whether a fault can be one of a port's links.
    private func takes(_ fault: Fault, port: PortName, isAmongPackets: Bool) -> Bool {
        self.isDatagrams(port) || (isAmongPackets && !self.interceptedPorts.contains(port))
            ? fault.isForPackets
            : (!fault.needsFraming || self.isFramed(port))
                && fault.isPossible(in: self.framing(of: port))
    }

    /// Whether datagrams come in at a port of this name.
    func isDatagrams(_ port: PortName) -> Bool {
        self.scenario.datagramPorts.contains(port)
    }

    func isFramed(_ port: PortName) -> Bool { self.framing(of: port) != .none }

    private func framing(of port: PortName) -> Framing {
        self.scenario.network.framing[port] ?? .none
    }

    /// The ports of the nodes that a pattern names at either end.
    private func ports(of links: LinkPattern) -> [PortName] {
        let ends = self.scenario.nodes.filter {
            links.sources.matches($0.name) || links.targets.matches($0.name)
        }
        let ports = ends.flatMap { $0.ports.map(\.name) }
        return self.ports.filter { ports.contains($0) || self.scenario.nodes.isEmpty }
    }

    /// What is wrong with a mode of partitions.
    func problem(of mode: PartitionMode, port: PortName?) -> InputError? {
        switch mode {
        case .unreachable:
            if self.isInLab { return nil }
            return InputError(
                "mode 'unreachable' needs the lab", found: mode.rawValue,
                hint: "write 'backend: lab'; 'reject' resets and refuses instead")
        case .lose:
            let ports = port.map { [$0] } ?? self.ports
            let canLose = ports.contains {
                self.framing(of: $0).messagesStandAlone || self.isDatagrams($0)
            }
            if ports.isEmpty || canLose { return nil }
            if let port = ports.first(where: { self.isFramed($0) }) {
                return self.framing(of: port).refusalOfLose(port)
            }
            return InputError(
                "mode 'lose' needs messages, and port '\(ports[0])' has no framing",
                found: mode.rawValue,
                hint: "write 'framing: { \(ports[0]): lines }' under 'network'"
                    + (self.isInLab ? "; 'drop' loses packets" : ""))
        default: return nil
        }
    }
}
