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
        /// Whether connections to it go through the proxy, which looks into them.
        package let isIntercepted: Bool

        package init(
            name: PortName, transport: RouteRule.Transport, number: UInt16,
            isIntercepted: Bool = false
        ) {
            self.name = name
            self.transport = transport
            self.number = number
            self.isIntercepted = isIntercepted && transport == .tcp
        }
    }

    /// Of which link a packet is.
    package struct Place: Hashable, Sendable {
        /// The listening end's port.
        package let port: PortName
        /// Whether the target listens; nil where neither end says.
        package let isToListener: Bool?
        /// Whether it belongs to a connection that goes through the proxy.
        package let isIntercepted: Bool

        package init(port: PortName, isToListener: Bool?, isIntercepted: Bool = false) {
            self.port = port
            self.isToListener = isToListener
            self.isIntercepted = isIntercepted
        }
    }

    private let known: [Key: Declared]
    private let declared: [Int: [Declared]]

    /// - Parameter nodes: The declared ports of each node, by the node's number from 1, with the number
    ///   that each got.
    package init(_ nodes: [Int: [Declared]]) {
        var known: [Key: Declared] = [:]
        for (node, ports) in nodes {
            for port in ports {
                known[Key(node: node, transport: port.transport, number: port.number)] = port
            }
        }
        self.known = known
        self.declared = nodes
    }

    /// The nodes that declared ports, in order.
    package var nodes: [Int] { self.declared.keys.sorted() }

    /// Whether the connections of any port go through the proxy.
    package var interceptsAny: Bool { self.known.values.contains(where: \.isIntercepted) }

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
        if let port = self.known[Key(node: target, transport: transport, number: targetPort)] {
            return Place(
                port: port.name, isToListener: true, isIntercepted: port.isIntercepted)
        }
        if let port = self.known[Key(node: source, transport: transport, number: sourcePort)] {
            return Place(
                port: port.name, isToListener: false, isIntercepted: port.isIntercepted)
        }
        return Place(port: Self.other, isToListener: nil)
    }
}
