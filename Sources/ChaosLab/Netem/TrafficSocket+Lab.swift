#if os(Linux) && Lab
    import CNetlinkRoute
    import ChaosCore
    import ChaosTopology

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    // One interface of the router, towards a node:
    //
    //   htb 1:  ── u32: from n1, port main ──▶ class 1:1 ── netem   (one directed link each)
    //           ── u32: from n1, the rest  ──▶ class 1:2 ── netem
    //           ── everything else         ──▶ out at once

    /// Queueing disciplines, classes and filters of one network namespace (tc(8)), through libnl-route-3.
    final class TrafficSocket {
        /// What a link's netem has counted, and what waits in it.
        struct Count {
            let interface: Int32
            let minor: UInt32
            let packets: UInt32
            let dropped: UInt32
            let waiting: UInt32
            /// The seed from which it draws, where the kernel has that.
            let seed: UInt64?
        }

        private static let root = UInt32(0xffff_ffff)
        private static let major = UInt32(1) << 16
        /// Bytes per second that no machine reaches.
        private static let unlimited: UInt64 = 12_500_000_000

        private let socket: NetlinkSocket
        private var handle: OpaquePointer { self.socket.handle }

        init() throws(LabError) { self.socket = try NetlinkSocket() }

        private static var noMemory: LabError { LabError("no memory is left for traffic control") }

        private static func text(_ code: Int32) -> String { NetlinkSocket.text(code) }

        private func must(_ code: Int32, _ what: String) throws(LabError) {
            if code == -NLE_OBJ_NOTFOUND {
                throw LabError("\(what): the kernel has no such module")
            }
            if code < 0 { throw LabError("\(what): \(Self.text(code).lowercased())") }
        }

        // MARK: - What links share

        /// Gives an interface a discipline with classes; what no filter takes goes out at once.
        func addRoot(_ interface: UInt32) throws(LabError) {
            guard let queue = rtnl_qdisc_alloc() else { throw Self.noMemory }
            defer { rtnl_qdisc_put(queue) }
            rtnl_tc_set_ifindex(queue, Int32(interface))
            rtnl_tc_set_parent(queue, Self.root)
            rtnl_tc_set_handle(queue, Self.major)
            try self.must(rtnl_tc_set_kind(queue, "htb"), "htb (sch_htb)")
            rtnl_htb_set_defcls(queue, 0)
            try self.must(
                rtnl_qdisc_add(self.handle, queue, NLM_F_CREATE | NLM_F_EXCL), "htb (sch_htb)")
        }

        /// Takes everything off an interface.
        func removeRoot(_ interface: UInt32) throws(LabError) {
            guard let queue = rtnl_qdisc_alloc() else { throw Self.noMemory }
            defer { rtnl_qdisc_put(queue) }
            rtnl_tc_set_ifindex(queue, Int32(interface))
            rtnl_tc_set_parent(queue, Self.root)
            try self.must(rtnl_qdisc_delete(self.handle, queue), "htb cannot be removed")
        }

        /// Adds a class with a netem of its own.
        func add(_ spec: NetemSpec, minor: UInt32, on interface: UInt32) throws(LabError) {
            guard let made = rtnl_class_alloc() else { throw Self.noMemory }
            defer { rtnl_class_put(made) }
            rtnl_tc_set_ifindex(made, Int32(interface))
            rtnl_tc_set_parent(made, Self.major)
            rtnl_tc_set_handle(made, Self.major | minor)
            try self.must(rtnl_tc_set_kind(made, "htb"), "a class of htb")
            rtnl_htb_set_rate64(made, Self.unlimited)
            rtnl_htb_set_ceil64(made, Self.unlimited)
            rtnl_htb_set_quantum(made, 60_000)
            rtnl_htb_set_rbuffer(made, 65_536)
            rtnl_htb_set_cbuffer(made, 65_536)
            try self.must(
                rtnl_class_add(self.handle, made, NLM_F_CREATE | NLM_F_EXCL), "a class of htb")
            try self.addNetem(spec, below: Self.major | minor, on: interface)
        }

        /// libnl-route knows too few of netem's attributes, so the message is written here.
        private func addNetem(
            _ spec: NetemSpec, below parent: UInt32, on interface: UInt32
        ) throws(LabError) {
            let options = NetemOptions.bytes(spec)
            guard let message = nlmsg_alloc_size(options.count + 256) else { throw Self.noMemory }
            let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
            nlmsg_put(message, 0, 0, Int32(RTM_NEWQDISC), 0, flags)
            var place = tcmsg()
            place.tcm_ifindex = Int32(interface)
            place.tcm_parent = parent
            nlmsg_append(message, &place, MemoryLayout<tcmsg>.size, 4)
            nla_put_string(message, Int32(TCA_KIND), "netem")
            nla_put(message, Int32(TCA_OPTIONS), Int32(options.count), options)
            // It waits for the answer, and takes the message.
            try self.must(nl_send_sync(self.handle, message), "netem (sch_netem)")
        }

        /// Removes a class with its netem and all that waits there.
        func remove(minor: UInt32, on interface: UInt32) throws(LabError) {
            guard let gone = rtnl_class_alloc() else { throw Self.noMemory }
            defer { rtnl_class_put(gone) }
            rtnl_tc_set_ifindex(gone, Int32(interface))
            rtnl_tc_set_parent(gone, Self.major)
            rtnl_tc_set_handle(gone, Self.major | minor)
            try self.must(rtnl_class_delete(self.handle, gone), "a class of htb cannot be removed")
        }

        // MARK: - Filters

        /// Adds a filter behind those of the same set.
        ///
        /// - Parameter set: The first of two numbers, one for each family, by which sets are told apart; a
        ///   lower one is asked first.
        func add(_ filter: NetemFilter, set: UInt16, on interface: UInt32) throws(LabError) {
            let made = try self.filter(filter.family, set, interface)
            defer { rtnl_cls_put(made) }
            for key in filter.keys {
                try self.must(
                    rtnl_u32_add_key_uint32(made, key.value, key.mask, key.offset, 0),
                    "a filter (cls_u32)")
            }
            rtnl_u32_set_classid(made, Self.major | filter.minor)
            rtnl_u32_set_cls_terminal(made)
            try self.must(
                rtnl_cls_add(self.handle, made, NLM_F_CREATE | NLM_F_EXCL), "a filter (cls_u32)")
        }

        /// Removes all filters of a set.
        func removeFilters(
            _ family: LabAddresses.Family, set: UInt16, on interface: UInt32
        ) throws(LabError) {
            let gone = try self.filter(family, set, interface)
            defer { rtnl_cls_put(gone) }
            try self.must(rtnl_cls_delete(self.handle, gone, 0), "filters cannot be removed")
        }

        private func filter(
            _ family: LabAddresses.Family, _ set: UInt16, _ interface: UInt32
        ) throws(LabError) -> OpaquePointer {
            guard let filter = rtnl_cls_alloc() else { throw Self.noMemory }
            rtnl_tc_set_ifindex(filter, Int32(interface))
            rtnl_tc_set_parent(filter, Self.major)
            let code = rtnl_tc_set_kind(filter, "u32")
            if code < 0 {
                rtnl_cls_put(filter)
                throw LabError("a filter (cls_u32): \(Self.text(code).lowercased())")
            }
            rtnl_cls_set_prio(filter, set + (family == .ipv4 ? 0 : 1))
            rtnl_cls_set_protocol(filter, UInt16(family == .ipv4 ? ETH_P_IP : ETH_P_IPV6))
            return filter
        }

        // MARK: - What the kernel says

        /// What all netems of the namespace have counted.
        func counts() throws(LabError) -> [Count] {
            var request = tcmsg()
            let code = nl_send_simple(
                self.handle, Int32(RTM_GETQDISC), NLM_F_DUMP, &request, MemoryLayout<tcmsg>.size)
            try self.must(code, "queues cannot be asked for")
            var counts: [Count] = []
            try self.socket.read { header in
                switch Int32(header.pointee.nlmsg_type) {
                case NLMSG_DONE, NLMSG_ERROR: return true
                case Int32(RTM_NEWQDISC):
                    if let count = Self.count(header) { counts.append(count) }
                    return false
                default: return false
                }
            }
            return counts
        }

        private static func count(_ header: UnsafeMutablePointer<nlmsghdr>) -> Count? {
            let place = nlmsg_data(header).loadUnaligned(as: tcmsg.self)
            func attribute(_ kind: Int) -> UnsafeMutablePointer<nlattr>? {
                nlmsg_find_attr(header, Int32(MemoryLayout<tcmsg>.size), Int32(kind))
            }
            guard let kind = attribute(TCA_KIND),
                String(cString: nla_get_string(kind)) == "netem",
                let stats = attribute(TCA_STATS),
                nla_len(stats) >= 36
            else { return nil }
            // struct tc_stats: bytes (64 bits), packets, drops, overlimits, bps, pps, qlen, backlog
            func word(_ at: Int) -> UInt32 {
                nla_data(stats).loadUnaligned(fromByteOffset: at, as: UInt32.self)
            }
            let options = attribute(TCA_OPTIONS).map { found in
                [UInt8](
                    UnsafeRawBufferPointer(start: nla_data(found), count: Int(nla_len(found))))
            }
            return Count(
                interface: place.tcm_ifindex, minor: place.tcm_parent & 0xffff, packets: word(8),
                dropped: word(12), waiting: word(28),
                seed: options.flatMap(NetemOptions.seed))
        }
    }
#endif
