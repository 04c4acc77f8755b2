#if os(Linux) && Lab
    import CNetlinkRoute
    import ChaosCore
    import ChaosTopology

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Interfaces, addresses, routes and rules of one network namespace, through libnl-route-3. The
    /// namespace is the one in which the thread was that made it.
    final class RouteSocket {
        private let socket: NetlinkSocket
        private var handle: OpaquePointer { self.socket.handle }

        init() throws(LabError) { self.socket = try NetlinkSocket() }

        private static func text(_ code: Int32) -> String { NetlinkSocket.text(code) }

        private func must(_ code: Int32, _ what: @autoclosure () -> String) throws(LabError) {
            if code < 0 { throw LabError("\(what()): \(Self.text(code))") }
        }

        // MARK: - Interfaces

        /// Makes two interfaces of which each sends what the other receives (veth(4)).
        ///
        /// - Parameter namespace: Where the second one comes to be; nil for the same.
        func addPair(
            _ name: String, hardware: [UInt8], and peer: String, peerHardware: [UInt8],
            in namespace: Int32? = nil
        ) throws(LabError) {
            guard let link = rtnl_link_veth_alloc(), let other = rtnl_link_veth_get_peer(link)
            else {
                throw LabError("no memory is left for an interface")
            }
            defer {
                rtnl_link_put(other)
                rtnl_link_put(link)
            }
            rtnl_link_set_name(link, name)
            rtnl_link_set_name(other, peer)
            try self.setHardware(hardware, of: link)
            try self.setHardware(peerHardware, of: other)
            if let namespace { rtnl_link_set_ns_fd(other, namespace) }
            try self.must(
                rtnl_link_add(self.handle, link, NLM_F_CREATE | NLM_F_EXCL),
                "interface \(name) cannot be made")
        }

        private func setHardware(
            _ address: [UInt8], of link: OpaquePointer
        ) throws(LabError) {
            guard let built = nl_addr_build(AF_LLC, address, address.count) else {
                throw LabError("no memory is left for an address")
            }
            rtnl_link_set_addr(link, built)
            nl_addr_put(built)
        }

        /// Brings an interface up.
        ///
        /// - Parameter isSilent: Whether nobody is asked for link-layer addresses behind it.
        func bringUp(_ index: UInt32, isSilent: Bool = false) throws(LabError) {
            guard let link = rtnl_link_alloc(), let change = rtnl_link_alloc() else {
                throw LabError("no memory is left for an interface")
            }
            defer {
                rtnl_link_put(change)
                rtnl_link_put(link)
            }
            rtnl_link_set_ifindex(link, Int32(index))
            rtnl_link_set_flags(
                change, UInt32(IFF_UP) | (isSilent ? UInt32(IFF_NOARP) : 0))
            try self.must(
                rtnl_link_change(self.handle, link, change, 0),
                "interface \(index) cannot be brought up")
        }

        /// Takes an interface away, and its partner with it.
        func remove(_ index: UInt32) throws(LabError) {
            guard let link = rtnl_link_alloc() else {
                throw LabError("no memory is left for an interface")
            }
            defer { rtnl_link_put(link) }
            rtnl_link_set_ifindex(link, Int32(index))
            try self.must(
                rtnl_link_delete(self.handle, link), "interface \(index) cannot be removed")
        }

        // MARK: - Addresses and routes

        /// Gives an interface an address, such as `10.77.0.1/24`. It may be used at once.
        ///
        /// - Parameter hasRoute: Whether the others of its network are taken to be behind the interface.
        func addAddress(
            _ text: String, to index: UInt32, hasRoute: Bool = true
        ) throws(LabError) {
            let local = try Self.address(text)
            defer { nl_addr_put(local) }
            guard let address = rtnl_addr_alloc() else {
                throw LabError("no memory is left for an address")
            }
            defer { rtnl_addr_put(address) }
            rtnl_addr_set_ifindex(address, Int32(index))
            rtnl_addr_set_local(address, local)
            let isIPv6 = nl_addr_get_family(local) == AF_INET6
            rtnl_addr_set_flags(
                address,
                (isIPv6 ? UInt32(IFA_F_NODAD) : 0)
                    | (hasRoute ? 0 : UInt32(IFA_F_NOPREFIXROUTE)))
            try self.must(
                rtnl_addr_add(self.handle, address, NLM_F_EXCL), "address \(text) cannot be set")
        }

        /// Adds a route.
        ///
        /// - Parameters:
        ///   - destination: An address or a network; nil for all.
        ///   - isLocal: Whether it is this namespace itself that is there.
        func addRoute(
            _ family: LabAddresses.Family, to destination: String?, via gateway: String? = nil,
            over index: UInt32, table: RouteRule.Table = .main, isLocal: Bool = false
        ) throws(LabError) {
            let text = destination ?? (family == .ipv4 ? "0.0.0.0/0" : "::/0")
            let target = try Self.address(text)
            defer { nl_addr_put(target) }
            guard let route = rtnl_route_alloc(), let hop = rtnl_route_nh_alloc() else {
                throw LabError("no memory is left for a route")
            }
            // The route owns its hop.
            defer { rtnl_route_put(route) }
            rtnl_route_set_family(route, Self.number(family))
            rtnl_route_set_dst(route, target)
            rtnl_route_set_table(route, table.rawValue)
            rtnl_route_set_type(route, UInt8(isLocal ? RTN_LOCAL : RTN_UNICAST))
            let scope =
                family == .ipv6 || gateway != nil
                ? RT_SCOPE_UNIVERSE : isLocal ? RT_SCOPE_HOST : RT_SCOPE_LINK
            rtnl_route_set_scope(route, UInt8(scope.rawValue))
            rtnl_route_set_protocol(route, UInt8(RTPROT_STATIC))
            rtnl_route_nh_set_ifindex(hop, Int32(index))
            if let gateway {
                let address = try Self.address(gateway)
                rtnl_route_nh_set_gateway(hop, address)
                nl_addr_put(address)
            }
            rtnl_route_add_nexthop(route, hop)
            try self.must(
                rtnl_route_add(self.handle, route, NLM_F_EXCL), "route to \(text) cannot be added")
        }

        /// Says where an address is, so that nobody has to be asked.
        func addNeighbour(
            _ text: String, hardware: [UInt8], over index: UInt32
        ) throws(LabError) {
            let address = try Self.address(text)
            defer { nl_addr_put(address) }
            guard let neighbour = rtnl_neigh_alloc(),
                let place = nl_addr_build(AF_LLC, hardware, hardware.count)
            else { throw LabError("no memory is left for a neighbour") }
            defer {
                nl_addr_put(place)
                rtnl_neigh_put(neighbour)
            }
            rtnl_neigh_set_ifindex(neighbour, Int32(index))
            rtnl_neigh_set_dst(neighbour, address)
            rtnl_neigh_set_lladdr(neighbour, place)
            rtnl_neigh_set_state(neighbour, NUD_PERMANENT)
            try self.must(
                rtnl_neigh_add(self.handle, neighbour, NLM_F_CREATE | NLM_F_REPLACE),
                "neighbour \(text) cannot be set")
        }

        private static func number(_ family: LabAddresses.Family) -> UInt8 {
            UInt8(family == .ipv4 ? AF_INET : AF_INET6)
        }

        private static func address(_ text: String) throws(LabError) -> OpaquePointer {
            var address: OpaquePointer?
            let code = nl_addr_parse(text, AF_UNSPEC, &address)
            guard code >= 0, let address else {
                throw LabError("address \(text) cannot be read: \(Self.text(code))")
            }
            return address
        }

        // MARK: - Rules

        /// What is done to rules.
        enum Change {
            case add, remove
            /// Adds those that are not there; the kernel refuses the others, which is thrown.
            case addMissing
        }

        /// Adds or removes rules, in order; all of them are in force, or gone, when it returns.
        ///
        /// Thousands change at once where a partition cuts many nodes, so many go in one message, of which
        /// only the last is acknowledged: the kernel obeys them one after the other and reports each that
        /// it refuses (netlink(7)).
        func change(_ change: Change, _ rules: [RouteRule]) throws(LabError) {
            var rest = rules[...]
            while !rest.isEmpty {
                try self.send(change, rest.prefix(Self.rulesAtOnce))
                rest = rest.dropFirst(Self.rulesAtOnce)
            }
        }

        private static let rulesAtOnce = 128

        private func send(
            _ change: Change, _ rules: ArraySlice<RouteRule>
        ) throws(LabError) {
            var bytes: [UInt8] = []
            var last: UInt32 = 0
            for (offset, rule) in rules.enumerated() {
                let made = try Self.rule(rule)
                defer { rtnl_rule_put(made) }
                var request: OpaquePointer?
                let code =
                    switch change {
                    case .add: rtnl_rule_build_add_request(made, 0, &request)
                    case .addMissing: rtnl_rule_build_add_request(made, NLM_F_EXCL, &request)
                    case .remove: rtnl_rule_build_delete_request(made, 0, &request)
                    }
                guard code >= 0, let request else {
                    throw LabError("a rule of routing cannot be written: \(Self.text(code))")
                }
                defer { nlmsg_free(request) }
                nl_complete_msg(self.handle, request)
                guard let header = nlmsg_hdr(request) else { continue }
                if offset + 1 < rules.count { header.pointee.nlmsg_flags &= ~UInt16(NLM_F_ACK) }
                last = header.pointee.nlmsg_seq
                bytes += UnsafeRawBufferPointer(
                    start: header, count: Int(header.pointee.nlmsg_len))
                while bytes.count % 4 != 0 { bytes.append(0) }
            }
            let code = bytes.withUnsafeMutableBytes {
                nl_sendto(self.handle, $0.baseAddress, $0.count)
            }
            let what = change == .remove ? "removed" : "added"
            try self.must(code, "rules of routing cannot be \(what)")
            if let refusal = try self.answers(until: last) {
                throw LabError(
                    "a rule of routing cannot be \(what): \(String(cString: strerror(refusal)))")
            }
        }

        /// Takes answers up to the one with this number; the errno of the first that is a refusal.
        private func answers(until last: UInt32) throws(LabError) -> Int32? {
            var refusal: Int32?
            try self.socket.read { header in
                guard header.pointee.nlmsg_type == UInt16(NLMSG_ERROR) else { return false }
                let error = -nlmsg_data(header).loadUnaligned(as: nlmsgerr.self).error
                if error != 0 { refusal = refusal ?? error }
                // What is refused is answered even if nobody asked for an answer; the last is the end in
                // any case.
                return header.pointee.nlmsg_seq == last
            }
            return refusal
        }

        private static func rule(_ rule: RouteRule) throws(LabError) -> OpaquePointer {
            guard let made = rtnl_rule_alloc() else {
                throw LabError("no memory is left for a rule")
            }
            rtnl_rule_set_family(made, Int32(self.number(rule.family)))
            rtnl_rule_set_prio(made, rule.priority)
            if let input = rule.input { rtnl_rule_set_iif(made, input) }
            do {
                if let destination = rule.destination {
                    let address = try Self.address(destination)
                    rtnl_rule_set_dst(made, address)
                    nl_addr_put(address)
                }
                if let source = rule.source {
                    let address = try Self.address(source)
                    rtnl_rule_set_src(made, address)
                    nl_addr_put(address)
                }
            } catch {
                rtnl_rule_put(made)
                throw error
            }
            if let transport = rule.transport { rtnl_rule_set_ipproto(made, transport.rawValue) }
            if let port = rule.destinationPort { rtnl_rule_set_dport(made, port) }
            if let port = rule.sourcePort { rtnl_rule_set_sport(made, port) }
            switch rule.verdict {
            case .blackhole: rtnl_rule_set_action(made, UInt8(FR_ACT_BLACKHOLE))
            case .unreachable: rtnl_rule_set_action(made, UInt8(FR_ACT_UNREACHABLE))
            case .lookup(let table):
                rtnl_rule_set_action(made, UInt8(FR_ACT_TO_TBL))
                rtnl_rule_set_table(made, table.rawValue)
            }
            return made
        }
    }
#endif
