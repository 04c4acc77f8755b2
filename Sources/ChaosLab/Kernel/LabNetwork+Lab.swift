#if os(Linux) && Lab
    import CLab
    import ChaosCore
    import ChaosTopology
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    // The network of a lab:
    //
    //   router: the namespace in which chaos runs            node i: a namespace of its own
    //     h<i> ───────────────────── veth ───────────────────── eth0  10.77.0.i/24  fd00:77::i/112
    //     169.254.77.1, fe80::77: every node's gateway            default via that
    //     main:  10.77.0.i dev h<i>                               lo
    //     local: 10.77.0.0/24, asked only where a rule says so: refusals in a node's place
    //     sw0 ── veth ── sw1   what rules send to table 77 is read at sw1 (see LabPlane)
    //
    // There is no bridge and no shared link: whatever goes from node to node is looked up in the router's
    // rules, so one rule is enough to cut a direction.

    /// Namespaces, interfaces, addresses and routes of all nodes, while this value lives.
    package final class LabNetwork: Sendable {
        /// The nodes in order; the first has number 1.
        package let nodes: [NodeName]
        /// Their network namespaces, in order.
        private let namespaces: [Int32]
        /// The router's interfaces to them, in order.
        let interfaces: [UInt32]
        /// Where the packet switch reads.
        let switchInterface: UInt32
        /// The link-layer address of the way to the packet switch.
        static let switchHardware: [UInt8] = [0x02, 0xc4, 0, 2, 0, 0]
        /// Whether this process's namespace is a router already.
        private static let isPrepared = Mutex(false)

        private init(
            nodes: [NodeName], namespaces: [Int32], interfaces: [UInt32], switchInterface: UInt32
        ) {
            self.nodes = nodes
            self.namespaces = namespaces
            self.interfaces = interfaces
            self.switchInterface = switchInterface
        }

        /// A node's network namespace, as a descriptor of this process.
        package func namespace(of node: NodeName) -> Int32? {
            self.nodes.firstIndex(of: node).map { self.namespaces[$0] }
        }

        /// Takes the interfaces away, and with the last descriptor the namespaces. The router is left as
        /// it was found, so that another lab may follow in the same process.
        package func close() async {
            for namespace in self.namespaces { Glibc.close(namespace) }
            let names = self.nodes.indices.map { LabAddresses.interface(of: $0 + 1) } + ["sw0"]
            try? await LabThread.run {
                let socket = try RouteSocket()
                for name in names {
                    let index = chaos_interface_index(name)
                    if index != 0 { try? socket.remove(index) }
                }
            }
        }

        /// Makes the network; the calling process must be inside (``LabEntrance``).
        ///
        /// - Parameters:
        ///   - services: How many services of the outside have addresses of their own.
        ///   - reservedPorts: Which ports no program is given that asks for any.
        ///   - sendsWholePackets: Whether each packet that a node sends is as long as on a wire: nobody
        ///     takes several for one, and all go slower.
        package static func make(
            _ nodes: [NodeName], services: Int, reservedPorts: [UInt16],
            sendsWholePackets: Bool = false
        ) async throws -> LabNetwork {
            guard nodes.count <= LabAddresses.nodeLimit else {
                throw LabError("a lab has at most \(LabAddresses.nodeLimit) nodes")
            }
            return try await LabThread.run {
                try Builder(
                    nodes: nodes, services: services, reservedPorts: reservedPorts,
                    sendsWholePackets: sendsWholePackets
                ).build()
            }
        }

        /// Puts one thing after the other in place, on a thread that may go from namespace to namespace.
        private struct Builder {
            let nodes: [NodeName]
            let services: Int
            let reservedPorts: [UInt16]
            let sendsWholePackets: Bool

            func build() throws -> LabNetwork {
                let router = chaos_network_open()
                if router < 0 {
                    throw self.failure("this network namespace cannot be opened", errno)
                }
                defer { Glibc.close(router) }
                let socket = try RouteSocket()
                try self.prepareRouter(socket)
                var namespaces: [Int32] = []
                do {
                    for number in self.nodes.indices.map({ $0 + 1 }) {
                        namespaces.append(try self.makeNode(number, router: router))
                    }
                    try self.must(chaos_network_enter(router), "the router cannot be entered")
                    let interfaces = try self.nodes.indices.map {
                        try self.connect($0 + 1, socket)
                    }
                    let reading = try self.prepareSwitch(socket)
                    return LabNetwork(
                        nodes: self.nodes, namespaces: namespaces, interfaces: interfaces,
                        switchInterface: reading)
                } catch {
                    for namespace in namespaces { Glibc.close(namespace) }
                    throw error
                }
            }

            /// What a router is before it has nodes; done once in a process.
            private func prepareRouter(_ socket: RouteSocket) throws {
                for (name, value) in [
                    ("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"),
                    // Distributions switch it on for the whole machine, and it would drop what comes
                    // back another way than it went.
                    ("ipv4/conf/all/rp_filter", "0"), ("ipv4/conf/default/rp_filter", "0"),
                    ("ipv4/conf/all/send_redirects", "0"),
                    ("ipv4/conf/default/send_redirects", "0"),
                    // Where a link is refused the router stands in the node's place; it must not answer
                    // pings there.
                    ("ipv4/icmp_echo_ignore_all", "1"), ("ipv6/icmp/echo_ignore_all", "1"),
                    // Every packet over an unreachable link is told about.
                    ("ipv4/icmp_ratelimit", "0"), ("ipv6/icmp/ratelimit", "0"),
                    // Who connects again from the same port gets it in a node's place as well.
                    ("ipv4/tcp_tw_reuse", "1"),
                ] { try self.set(name, value) }
                let lo = chaos_interface_index("lo")
                try socket.bringUp(lo)
                for number in 0..<self.services {
                    // One from a run before is as good.
                    try? socket.addAddress("\(LabAddresses.service(number + 1))/32", to: lo)
                }
                if LabNetwork.isPrepared.withLock({ $0 }) { return }
                for family in LabAddresses.Family.allCases {
                    try socket.addAddress(
                        "\(LabAddresses.client(family))/\(LabAddresses.bits(family))", to: lo)
                    try socket.addRoute(
                        family, to: LabAddresses.network(family), over: lo, table: .local,
                        isLocal: true)
                }
                try socket.change(.add, RouteRule.base)
                // The kernel's own rule of this kind is the very first, before which nothing counts.
                try socket.change(
                    .remove,
                    LabAddresses.Family.allCases.map {
                        RouteRule($0, priority: 0, .lookup(.local))
                    })
                LabNetwork.isPrepared.withLock { $0 = true }
            }

            /// Makes a node's namespace with its end of the link, and leaves the thread there.
            private func makeNode(_ number: Int, router: Int32) throws -> Int32 {
                try self.must(chaos_network_make(), "a network namespace cannot be made")
                let namespace = chaos_network_open()
                if namespace < 0 { throw self.failure("a namespace cannot be opened", errno) }
                do {
                    let socket = try RouteSocket()
                    try socket.bringUp(chaos_interface_index("lo"))
                    for (name, value) in [
                        // As an ordinary user, a node listens at its usual ports, and pings.
                        ("ipv4/ip_unprivileged_port_start", "0"),
                        ("ipv4/ping_group_range", "\(getegid()) \(getegid())"),
                        (
                            "ipv4/ip_local_reserved_ports",
                            self.reservedPorts.map(String.init).joined(separator: ",")
                        ),
                        ("ipv4/conf/all/rp_filter", "0"), ("ipv4/conf/default/rp_filter", "0"),
                    ] { try self.set(name, value) }
                    let name = LabAddresses.nodeInterface
                    try socket.addPair(
                        name, hardware: LabAddresses.nodeHardware(number),
                        and: LabAddresses.interface(of: number),
                        peerHardware: LabAddresses.routerHardware(number), in: router)
                    let index = chaos_interface_index(name)
                    if self.sendsWholePackets {
                        try self.must(
                            chaos_offloads_disable(name), "offloads cannot be switched off")
                    }
                    for family in LabAddresses.Family.allCases {
                        // In one network with the others, as programs expect, but behind the router.
                        let size = LabAddresses.network(family).split(separator: "/")[1]
                        try socket.addAddress(
                            "\(LabAddresses.node(number, family))/\(size)", to: index,
                            hasRoute: false)
                    }
                    try socket.bringUp(index)
                    for family in LabAddresses.Family.allCases {
                        let gateway = LabAddresses.gateway(family)
                        try socket.addNeighbour(
                            gateway, hardware: LabAddresses.routerHardware(number), over: index)
                        if family == .ipv4 { try socket.addRoute(family, to: gateway, over: index) }
                        try socket.addRoute(family, to: nil, via: gateway, over: index)
                    }
                    return namespace
                } catch {
                    Glibc.close(namespace)
                    throw error
                }
            }

            /// The router's end of a node's link.
            private func connect(_ number: Int, _ socket: RouteSocket) throws -> UInt32 {
                let index = chaos_interface_index(LabAddresses.interface(of: number))
                if index == 0 { throw self.failure("the link to a node is missing", ENODEV) }
                try socket.addAddress("\(LabAddresses.gateway(.ipv4))/32", to: index)
                try socket.addAddress("\(LabAddresses.gateway(.ipv6))/64", to: index)
                try socket.bringUp(index)
                for family in LabAddresses.Family.allCases {
                    let node = LabAddresses.node(number, family)
                    try socket.addNeighbour(
                        node, hardware: LabAddresses.nodeHardware(number), over: index)
                    try socket.addRoute(family, to: node, over: index)
                }
                return index
            }

            /// The way to the packet switch, on which packets are as long as on a wire.
            private func prepareSwitch(_ socket: RouteSocket) throws -> UInt32 {
                try socket.addPair(
                    "sw0", hardware: LabNetwork.switchHardware, and: "sw1",
                    peerHardware: [0x02, 0xc4, 0, 2, 0, 1])
                // What arrives is for nobody in this namespace.
                try self.set("ipv6/conf/sw1/disable_ipv6", "1")
                try self.must(chaos_offloads_disable("sw0"), "offloads cannot be switched off")
                let (writing, reading) = (
                    chaos_interface_index("sw0"), chaos_interface_index("sw1")
                )
                try socket.bringUp(reading, isSilent: true)
                try socket.bringUp(writing, isSilent: true)
                for family in LabAddresses.Family.allCases {
                    try socket.addRoute(family, to: nil, over: writing, table: .packetSwitch)
                }
                return reading
            }

            private func set(_ name: String, _ value: String) throws {
                let path = "/proc/sys/net/\(name)"
                let file = open(path, O_WRONLY | O_CLOEXEC)
                if file < 0 { throw self.failure("\(path) cannot be written", errno) }
                defer { Glibc.close(file) }
                let count = value.utf8.count
                // An empty list is written as a line without anything.
                let text = value.isEmpty ? "\n" : value
                guard write(file, text, max(1, count)) > 0 else {
                    throw self.failure("\(path) cannot be '\(value)'", errno)
                }
            }

            private func must(_ code: Int32, _ what: String) throws {
                if code != 0 { throw self.failure(what, code) }
            }

            private func failure(_ what: String, _ code: Int32) -> LabError {
                LabError("the lab: \(what): \(String(cString: strerror(code)))")
            }
        }
    }
#endif
