import ChaosCore

/// The rules that treat the packets from one node to another as their links want.
package enum LinkRules {
    /// - Parameters:
    ///   - source: The number of the node that sends.
    ///   - target: The number of the node that receives.
    ///   - treatment: What happens to each of the ports that ``LabPorts/names(between:and:)`` gives.
    /// - Returns: As few as possible, in the order in which they are asked: where all ports are treated
    ///   alike, one for each family; none for a healthy pair.
    package static func rules(
        from source: Int, to target: Int, _ ports: LabPorts,
        treatment given: (PortName) -> LinkTreatment
    ) -> [RouteRule] {
        // To the rules it is all one what happens to packets on their way out.
        func treatment(_ port: PortName) -> LinkTreatment {
            let treatment = given(port)
            return treatment == .shaped ? .open : treatment
        }
        let whole = treatment(LabPorts.other)
        var rules: [RouteRule] = []
        for family in LabAddresses.Family.allCases {
            func add(
                _ priority: UInt32, _ treatment: LinkTreatment, _ transport: RouteRule.Transport?,
                to targetPort: UInt16? = nil, from sourcePort: UInt16? = nil
            ) {
                rules.append(
                    RouteRule(
                        family, priority: priority, input: LabAddresses.interface(of: source),
                        destination: LabAddresses.node(target, family), transport: transport,
                        destinationPort: targetPort, sourcePort: sourcePort,
                        self.verdict(treatment)))
            }
            func own(_ port: LabPorts.Declared) -> LinkTreatment {
                let treatment = treatment(port.name)
                return port.isIntercepted ? treatment.whereIntercepted : treatment
            }
            // What is intercepted has rules for all nodes, which are asked behind those of the pair.
            func needsRule(_ port: LabPorts.Declared) -> Bool {
                own(port) != whole && !(own(port) == .intercepted && whole == .open)
            }
            // Where the target's port decides for itself, a source's port of another name must not:
            // so ports at the target's end that are treated like the whole have a rule of their own if
            // any source's port is not.
            let sources = ports.ports(of: source).filter(needsRule)
            let targets = ports.ports(of: target).filter { port in
                needsRule(port)
                    || sources.contains { $0.transport == port.transport && $0.name != port.name }
            }
            for port in targets {
                add(RouteRule.Priority.targetPort, own(port), port.transport, to: port.number)
            }
            for port in sources {
                add(RouteRule.Priority.sourcePort, own(port), port.transport, from: port.number)
            }
            if whole != .open { add(RouteRule.Priority.pair, whole, nil) }
            // The proxy sends in the source's place: what a route keeps back there, one does here.
            func keepBack(_ port: LabPorts.Declared, to targetPort: UInt16?, from: UInt16?) {
                guard port.isIntercepted, own(port).isCut else { return }
                rules.append(
                    RouteRule(
                        family, priority: RouteRule.Priority.inPlace, input: RouteRule.ownPackets,
                        destination: LabAddresses.node(target, family),
                        source: LabAddresses.node(source, family), transport: .tcp,
                        destinationPort: targetPort, sourcePort: from, .blackhole))
            }
            for port in ports.ports(of: target) { keepBack(port, to: port.number, from: nil) }
            for port in ports.ports(of: source) { keepBack(port, to: nil, from: port.number) }
        }
        return rules
    }

    private static func verdict(_ treatment: LinkTreatment) -> RouteRule.Verdict {
        switch treatment {
        case .open, .shaped: .lookup(.main)
        case .dropped: .blackhole
        case .unreachable: .unreachable
        case .refused, .intercepted: .lookup(.local)
        case .switched: .lookup(.packetSwitch)
        }
    }
}
