import ChaosCore
import ChaosScenario

/// Which link's packets are which: by the ports that nodes declared.
package struct LabPorts: Sendable {
    /// The port of everything that belongs to no declared one: other ports, ICMP, fragments.
    package static let other: PortName = "other"

    /// A declared port of a node.
    private struct Key: Hashable {
        let node: Int
        let transport: RouteRule.Transport
        let number: UInt16
    }

    /// A declared port as rules tell it apart.
    package struct Declared: Hashable, Sendable {
        package let name: PortName
        package let transport: RouteRule.Transport
        package let number: UInt16

        package init(name: PortName, transport: RouteRule.Transport, number: UInt16) {
            self.name = name
            self.transport = transport
            self.number = number
        }
    }

    /// Of which link a packet is.
    package struct Place: Hashable, Sendable {
        /// The listening end's port.
        package let port: PortName
        /// Whether the target listens; nil where neither end says.
        package let isToListener: Bool?

        package init(port: PortName, isToListener: Bool?) {
            self.port = port
            self.isToListener = isToListener
        }
    }

    private let names: [Key: PortName]
    private let declared: [Int: [Declared]]

    /// - Parameter nodes: The declared ports of each node, by the node's number from 1, with the number
    ///   that each got.
    package init(_ nodes: [Int: [Declared]]) {
        var names: [Key: PortName] = [:]
        for (node, ports) in nodes {
            for port in ports {
                names[Key(node: node, transport: port.transport, number: port.number)] = port.name
            }
        }
        self.names = names
        self.declared = nodes
    }

    /// The declared ports of a node, in order.
    package func ports(of node: Int) -> [Declared] { self.declared[node] ?? [] }

    /// The ports by which the links between two nodes are told apart, each once; the last is
    /// ``other``.
    package func names(between first: Int, and second: Int) -> [PortName] {
        var names: [PortName] = []
        for port in self.ports(of: min(first, second)) + self.ports(of: max(first, second))
        where !names.contains(port.name) && port.name != Self.other {
            names.append(port.name)
        }
        return names + [Self.other]
    }

    /// Of which link a packet between two nodes is. A port of the target counts before one of the source.
    package func place(
        from source: Int, to target: Int, _ transport: RouteRule.Transport?, sourcePort: UInt16,
        targetPort: UInt16
    ) -> Place {
        guard let transport else { return Place(port: Self.other, isToListener: nil) }
        if let name = self.names[Key(node: target, transport: transport, number: targetPort)] {
            return Place(port: name, isToListener: true)
        }
        if let name = self.names[Key(node: source, transport: transport, number: sourcePort)] {
            return Place(port: name, isToListener: false)
        }
        return Place(port: Self.other, isToListener: nil)
    }
}
