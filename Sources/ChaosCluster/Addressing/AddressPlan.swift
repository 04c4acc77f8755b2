import ChaosCore
import ChaosScenario
import ChaosTopology

/// Who listens where, and at which address everybody sees everybody else.
///
/// A node listens at one endpoint per port. Every other node, and the outside, sees that port at
/// an endpoint of its own, where a proxy listens: so the address that was dialled tells the link.
///
/// ```text
/// addressing loopback, node numbers u and v, clients are number 0
///   u listens            127.B.u.u:port
///   v sees u at          127.B.v.u:port
///   the proxy dials u    127.B.u.v  ->  127.B.u.u:port     u sees v where it would dial v
/// a node whose scenario gives it an IPv4 address listens there, all else is the same; an IPv6 node is seen at
/// ports of their own on ::1
/// addressing ports
///   every one of these endpoints is a port of its own on 127.0.0.1 or ::1
/// in the lab (`LabAddresses`)
///   u listens at its own address, where nodes see it; only clients go through a proxy
/// ```
package struct AddressPlan: Sendable {
    /// How endpoints are told apart.
    package enum Style: Hashable, Sendable {
        /// Addresses `127.network.view.node`. Linux, where all of 127/8 is local.
        case loopback(network: UInt8)
        /// Ports on one host, `127.0.0.1` or `::1`.
        case ports(host: String)
        /// A network namespace for each node, with addresses of its own.
        case lab(LabAddresses.Family)

        /// The address at which a node of this number listens, unless its scenario says another.
        func host(of number: Int) -> String {
            switch self {
            case .loopback(let network): "127.\(network).\(number).\(number)"
            case .ports(let host): host
            case .lab(let family): LabAddresses.node(number, family)
            }
        }
    }

    /// One endpoint for a proxy to listen at.
    package struct Route: Hashable, Sendable {
        /// Who dials: a node, or `client`.
        package let viewer: NodeName
        /// Whose port it is.
        package let node: NodeName
        package let port: PortSpec
        /// Where the viewer dials, and the proxy listens.
        package let listen: Endpoint
        /// Where the node itself listens.
        package let upstream: Endpoint
        /// The address from which the proxy dials the node, or nil for whichever the system takes.
        package let source: String?
    }

    /// 254 because the node's number is a byte of an address, and 0 and 255 are taken.
    package static let nodeLimit = 254

    package let style: Style
    /// The nodes in order; the first has number 1.
    package let nodes: [NodeName]
    /// Everything a proxy must listen at: by node, its ports, and viewers with `client` first.
    package let routes: [Route]

    private let ports: [NodeName: [PortSpec]]
    private let numbers: [NodeName: Int]
    /// The addresses that the scenario gives its nodes.
    private let hosts: [NodeName: String]
    private let listens: [Place: Endpoint]
    private let views: [View: Endpoint]

    private struct Place: Hashable {
        let node: NodeName
        let port: PortName
    }

    private struct View: Hashable {
        let viewer: NodeName
        let place: Place
    }

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - nodes: The nodes and their ports, in order.
    ///   - hosts: Where nodes listen that do not listen where the style would have them: numeric addresses.
    ///   - socketDirectory: Where Unix sockets lie, without a slash behind it.
    ///   - allocator: Gives free port numbers.
    /// - Throws: `InputError` for more than 254 nodes, a number that is wanted twice, or a socket
    ///   path that the system does not take.
    package init(
        nodes: [(name: NodeName, ports: [PortSpec])], style: Style,
        hosts: [NodeName: String] = [:], socketDirectory: String,
        allocator: inout some PortAllocator
    ) throws(InputError) {
        guard nodes.count <= Self.nodeLimit else {
            throw InputError(
                "nodes: a run has at most \(Self.nodeLimit) nodes", found: String(nodes.count))
        }
        var draft = AddressDraft(
            style: style, socketDirectory: socketDirectory, nodes: nodes, hosts: hosts)
        var listens: [Place: Endpoint] = [:]
        var views: [View: Endpoint] = [:]
        var routes: [Route] = []
        for (offset, node) in nodes.enumerated() {
            for port in node.ports {
                let place = Place(node: node.name, port: port.name)
                let listen = try draft.listen(node.name, number: offset + 1, port, &allocator)
                listens[place] = listen
                let viewers = [(NodeName.client, 0)] + nodes.enumerated().map { ($1.name, $0 + 1) }
                for (viewer, number) in viewers where viewer != node.name {
                    let seen = try draft.view(
                        of: node.name, number: offset + 1, port, from: viewer, number: number,
                        at: listen, &allocator)
                    views[View(viewer: viewer, place: place)] = seen
                    if case .lab = style, viewer != .client { continue }
                    routes.append(
                        Route(
                            viewer: viewer, node: node.name, port: port, listen: seen,
                            upstream: listen,
                            source: draft.source(
                                node: offset + 1, dialer: number, at: listen)))
                }
            }
        }
        self.style = style
        self.hosts = hosts
        self.nodes = nodes.map(\.name)
        self.ports = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0.ports) })
        self.numbers = Dictionary(
            uniqueKeysWithValues: nodes.enumerated().map { ($1.name, $0 + 1) })
        self.listens = listens
        self.views = views
        self.routes = routes
    }

    /// Bytes of the longest name that a Unix socket of these nodes has; 0 when none has one.
    package static func longestSocketName(nodes: [(name: NodeName, ports: [PortSpec])]) -> Int {
        let viewers = [NodeName.client] + nodes.map(\.name)
        let names = nodes.flatMap { node in
            node.ports.filter { $0.transport == .unix }.flatMap { port in
                viewers.map { AddressDraft.socketName(of: node.name, port.name, seenBy: $0) }
            }
        }
        return names.map(\.utf8.count).max() ?? 0
    }

    /// The ports of a node, in order.
    package func ports(of node: NodeName) -> [PortSpec] { self.ports[node] ?? [] }

    /// The number of a node, from 1; 0 for `client`.
    package func number(of node: NodeName) -> Int { self.numbers[node] ?? 0 }

    /// Where a node listens, or nil when it has no such port.
    package func listen(_ node: NodeName, _ port: PortName) -> Endpoint? {
        self.listens[Place(node: node, port: port)]
    }

    /// Where a node's port is seen by another node or by `client`, or nil when there is no such
    /// port. A node sees itself where it listens.
    package func endpoint(
        of node: NodeName, _ port: PortName, seenBy viewer: NodeName
    ) -> Endpoint? {
        let place = Place(node: node, port: port)
        if viewer == node { return self.listens[place] }
        return self.views[View(viewer: viewer, place: place)]
    }

    /// Where a node's port is, for everybody who is told the same address as this viewer: the address
    /// that a node advertises. In the lab that is its own, for all but clients.
    package func advertised(
        _ node: NodeName, _ port: PortName, to viewer: NodeName
    ) -> Endpoint? {
        if case .lab = self.style, viewer != .client { return self.listen(node, port) }
        return self.endpoint(of: node, port, seenBy: .client)
    }

    /// The address from which a proxy dials a node for another one, for `client` or for itself; nil
    /// for whichever the system takes.
    package func source(to node: NodeName, for dialer: NodeName) -> String? {
        guard case .loopback(let network) = self.style, !self.host(of: node).contains(":") else {
            return nil
        }
        return "127.\(network).\(self.number(of: node)).\(self.number(of: dialer))"
    }

    /// The address at which the node's ports listen.
    package func host(of node: NodeName) -> String {
        self.hosts[node] ?? self.style.host(of: self.number(of: node))
    }
}
