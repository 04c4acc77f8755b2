import ChaosCore

// Between nodes of the lab the kernel forwards packets, and nobody looks into connections. Where the
// scenario wants that, the proxy stands in between: for which ports must be known before the first
// connection, since an established one cannot be taken over.

extension Scenario {
    /// The TCP ports of each node whose connections go through the proxy in the lab: those whose framing the
    /// scenario names (`none` as well), and those of links for which it has a fault that looks into
    /// connections.
    package var interceptedPorts: [NodeName: Set<PortName>] {
        let names = self.nodes.map(\.name)
        let rules = self.faultRules.filter { rule in
            rule.isBetween(names) && rule.faults.contains { !$0.isForPackets && !$0.needsFraming }
        }
        var ports: [NodeName: Set<PortName>] = [:]
        for node in self.nodes {
            let own = rules.filter {
                $0.links.sources.matches(node.name) || $0.links.targets.matches(node.name)
            }
            let intercepted = node.ports.filter { port in
                port.transport == .tcp
                    && (self.network.framing[port.name] != nil
                        || own.contains { ($0.links.port ?? port.name) == port.name })
            }
            if !intercepted.isEmpty { ports[node.name] = Set(intercepted.map(\.name)) }
        }
        return ports
    }

    /// Every rule of faults, from the start and from the schedule.
    private var faultRules: [FaultRule] {
        self.network.rules
            + self.schedule.flatMap { entry -> [FaultRule] in
                if case .faults(let rules) = entry.action { return rules }
                return []
            }
    }
}

extension FaultRule {
    /// Whether it is about a link between two of these nodes.
    package func isBetween(_ nodes: [NodeName]) -> Bool {
        nodes.contains { source in
            self.links.sources.matches(source)
                && nodes.contains { $0 != source && self.links.targets.matches($0) }
        }
    }
}
