import ChaosCore
import ChaosScenario
import ChaosTopology

/// Works out one endpoint after the other while a plan is made.
struct AddressDraft {
    private let style: AddressPlan.Style
    private let socketDirectory: String
    /// The addresses that a scenario gives its nodes; all others have what the style says.
    private let hosts: [NodeName: String]
    /// Numbers that somebody fixed, so that none of the automatic ones may be among them.
    private let fixed: Set<UInt16>
    /// In addressing loopback, and in the lab: the number of every automatic port of this name.
    private var shared: [PortName: UInt16] = [:]
    /// Which port has a fixed number on one host, to name both when two want it.
    private var owners: [String: String] = [:]

    init(
        style: AddressPlan.Style, socketDirectory: String,
        nodes: [(name: NodeName, ports: [PortSpec])], hosts: [NodeName: String] = [:]
    ) {
        self.style = style
        self.hosts = hosts
        self.socketDirectory = socketDirectory
        self.fixed = Set(nodes.flatMap { $0.ports.compactMap(\.number) })
    }

    /// Where a node listens.
    mutating func listen(
        _ node: NodeName, number: Int, _ port: PortSpec, _ allocator: inout some PortAllocator
    ) throws(InputError) -> Endpoint {
        if port.transport == .unix { return try self.socket("\(node).\(port.name).sock") }
        let host = self.hosts[node] ?? self.style.host(of: number)
        let numeral = try self.numeral(of: port, on: host, &allocator)
        if port.number != nil {
            let key = "\(port.transport) \(host) \(numeral)"
            if let owner = self.owners.updateValue("\(node):\(port.name)", forKey: key) {
                throw InputError(
                    "\(node):\(port.name): a port of one address has one owner, but \(owner) has "
                        + "this number as well",
                    found: String(numeral), hint: "write 'auto' for one of them")
            }
        }
        return .tcp(host: host, port: numeral)
    }

    /// Where a viewer sees what a node listens at.
    mutating func view(
        of node: NodeName, number: Int, _ port: PortSpec, from viewer: NodeName,
        number view: Int, at listen: Endpoint, _ allocator: inout some PortAllocator
    ) throws(InputError) -> Endpoint {
        guard case .tcp(_, let numeral) = listen else {
            return try self.socket(Self.socketName(of: node, port.name, seenBy: viewer))
        }
        if self.hosts[node]?.contains(":") == true {
            // A view of an IPv6 node is an IPv6 address, and there is but one that is local.
            let free = try allocator.next(on: "::1", port.transport, avoiding: self.fixed)
            return .tcp(host: "::1", port: free)
        }
        switch self.style {
        case .loopback(let network):
            return .tcp(host: "127.\(network).\(view).\(number)", port: numeral)
        case .ports(let host):
            let free = try allocator.next(on: host, port.transport, avoiding: self.fixed)
            return .tcp(host: host, port: free)
        case .lab:
            if viewer != .client { return listen }
            return .tcp(host: LabAddresses.clientView(of: number), port: numeral)
        }
    }

    /// The address from which a proxy dials, for a dialer, what a node listens at; nil for whichever the
    /// system takes.
    func source(node: Int, dialer: Int, at listen: Endpoint) -> String? {
        guard case .tcp(let host, _) = listen else { return nil }
        switch self.style {
        // An address of 127/8 reaches no IPv6 address.
        case .loopback where host.contains(":"): return nil
        case .loopback(let network): return "127.\(network).\(node).\(dialer)"
        case .ports: return nil
        case .lab(let family): return LabAddresses.client(family)
        }
    }

    private mutating func numeral(
        of port: PortSpec, on host: String, _ allocator: inout some PortAllocator
    ) throws(InputError) -> UInt16 {
        if let number = port.number { return number }
        if case .ports = self.style {
            return try allocator.next(on: host, port.transport, avoiding: self.fixed)
        }
        // Two nodes may have one address.
        if self.hosts.values.contains(host) {
            return try allocator.next(on: host, port.transport, avoiding: self.fixed)
        }
        if let number = self.shared[port.name] { return number }
        // A node's own address in the lab has no sockets before the node; clients' views may.
        var place = host
        if case .lab = self.style { place = LabAddresses.clientView(of: 1) }
        let number = try allocator.next(on: place, port.transport, avoiding: self.fixed)
        self.shared[port.name] = number
        return number
    }

    /// The name of the socket where a viewer finds a node.
    static func socketName(
        of node: NodeName, _ port: PortName, seenBy viewer: NodeName
    ) -> String {
        "\(viewer)-to-\(node).\(port).sock"
    }

    private func socket(_ name: String) throws(InputError) -> Endpoint {
        let path = "\(self.socketDirectory)/\(name)"
        guard path.utf8.count <= SocketPath.limit else {
            throw InputError(
                "a socket's path has at most \(SocketPath.limit) bytes", found: path,
                hint: "shorter names of nodes and ports help")
        }
        return .unix(path: path)
    }
}
