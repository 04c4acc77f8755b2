import ChaosCore
import ChaosScenario
import ChaosSockets

/// An address plan as a table of sockets shows it: which connections go through a proxy, and
/// which lead to a node itself.
struct ProxiedEnds: Sendable {
    /// A declared port of a node.
    struct Place: Hashable, Sendable {
        let node: NodeName
        let port: PortName
    }

    /// A proxy's own connection to a node, where its address alone tells it.
    private struct Leg: Hashable {
        /// With port 0: only the address is chosen.
        let source: SocketEnd
        let upstream: SocketEnd
    }

    private var proxies: Set<SocketEnd> = []
    /// Where proxies listen at Unix sockets.
    private var proxyPaths: Set<String> = []
    /// Where nodes themselves do.
    private var paths: [String: Place] = [:]
    private var legs: Set<Leg> = []
    private var places: [SocketEnd: Place] = [:]
    private let plan: AddressPlan

    /// - Parameter isForDatagrams: Whether it is about UDP sockets rather than all others.
    init(_ plan: AddressPlan, isForDatagrams: Bool = false) {
        self.plan = plan
        for node in plan.nodes {
            for port in plan.ports(of: node)
            where (port.transport == .udp) == isForDatagrams {
                guard let listen = plan.listen(node, port.name) else { continue }
                let place = Place(node: node, port: port.name)
                if case .unix(let path) = listen {
                    self.paths[path] = place
                } else if let end = SocketEnd(listen) {
                    self.places[end] = place
                }
            }
        }
        for route in plan.routes where (route.port.transport == .udp) == isForDatagrams {
            if case .unix(let path) = route.listen { self.proxyPaths.insert(path) }
            if let end = SocketEnd(route.listen) { self.proxies.insert(end) }
            if let source = route.source.flatMap({ SocketEnd(host: $0, port: 0) }),
                let upstream = SocketEnd(route.upstream)
            {
                self.legs.insert(Leg(source: source, upstream: upstream))
            }
        }
    }

    /// Whether a connection has a proxy at one of its ends, as far as addresses tell.
    func isProxied(_ local: SocketEnd, _ remote: SocketEnd) -> Bool {
        self.proxies.contains(remote) || self.proxies.contains(local)
            || self.isLeg(from: local, to: remote) || self.isLeg(from: remote, to: local)
    }

    private func isLeg(from source: SocketEnd, to upstream: SocketEnd) -> Bool {
        if self.legs.isEmpty || self.places[upstream] == nil { return false }
        let address = SocketEnd(high: source.high, low: source.low, port: 0)
        return self.legs.contains(Leg(source: address, upstream: upstream))
    }

    /// Which node's own port an end is; nil for anything but the address of the plan.
    func place(at end: SocketEnd) -> Place? { self.places[end] }

    /// Which node's own port a Unix socket's path is; nil for anything but the paths of the plan.
    func place(at path: String) -> Place? { self.paths[path] }

    /// Whether a proxy listens at a Unix socket's path.
    func isProxied(_ path: String) -> Bool { self.proxyPaths.contains(path) }

    /// Which port of a node has this number; nil when it declares none such.
    func port(numbered number: UInt16, of node: NodeName) -> PortName? {
        self.plan.ports(of: node).first { port in
            guard port.transport == .tcp, case .tcp(_, number)? = self.plan.listen(node, port.name)
            else { return false }
            return true
        }?.name
    }

    /// What a connection that was found is called.
    func bypass(
        from dialer: NodeName, to node: NodeName, _ port: PortName?, at dialled: Endpoint,
        program: String? = nil
    ) -> Bypass {
        Bypass(
            dialer: dialer, node: node, port: port, dialled: dialled, program: program,
            proxied: port.flatMap { self.plan.endpoint(of: node, $0, seenBy: dialer) })
    }
}
