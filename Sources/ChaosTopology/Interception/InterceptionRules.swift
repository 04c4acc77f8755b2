import ChaosCore

/// The rules that bring the connections of intercepted ports to the router, and let what the router sends
/// go to the nodes.
package enum InterceptionRules {
    /// - Parameter count: How many nodes there are.
    /// - Returns: Two for each port of each family where all nodes have it, which is asked of every packet;
    ///   otherwise two for each node that does. None where nothing is intercepted.
    package static func rules(_ ports: LabPorts, nodes count: Int) -> [RouteRule] {
        guard ports.interceptsAny else { return [] }
        let nodes = Array(1...count)
        let numbers = Set(nodes.flatMap { Self.numbers(ports, $0) }).sorted()
        return LabAddresses.Family.allCases.flatMap { family in
            let network = LabAddresses.network(family)
            // Asked of what is sent, and of where what comes in would be answered.
            var rules = [
                RouteRule(
                    family, priority: RouteRule.Priority.sent, input: RouteRule.ownPackets,
                    destination: network, .lookup(.main))
            ]
            func add(
                input: String? = nil, to destination: String, targetPort: UInt16? = nil,
                sourcePort: UInt16? = nil
            ) {
                rules.append(
                    RouteRule(
                        family, priority: RouteRule.Priority.intercepted, input: input,
                        destination: destination, transport: .tcp, destinationPort: targetPort,
                        sourcePort: sourcePort, .lookup(.local)))
            }
            for number in numbers {
                let owners = nodes.filter { Self.numbers(ports, $0).contains(number) }
                if owners == nodes {
                    add(to: network, targetPort: number)
                    add(to: network, sourcePort: number)
                    continue
                }
                for node in owners {
                    add(to: LabAddresses.node(node, family), targetPort: number)
                    add(
                        input: LabAddresses.interface(of: node), to: network, sourcePort: number)
                }
            }
            return rules
        }
    }

    private static func numbers(_ ports: LabPorts, _ node: Int) -> [UInt16] {
        ports.ports(of: node).filter(\.isIntercepted).map(\.number)
    }
}
