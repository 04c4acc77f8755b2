#if os(Linux) && Lab
    import CNetlinkRoute

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// A socket of `NETLINK_ROUTE` (rtnetlink(7)) through libnl-3. It speaks of the network namespace in
    /// which the thread was that made it.
    final class NetlinkSocket {
        /// For libnl-route-3, which sends and reads by itself.
        let handle: OpaquePointer

        init() throws(LabError) {
            guard let handle = nl_socket_alloc() else {
                throw LabError("no memory is left for a netlink socket")
            }
            let code = nl_connect(handle, NETLINK_ROUTE)
            if code < 0 {
                nl_socket_free(handle)
                throw LabError("the kernel must give a socket of NETLINK_ROUTE: \(Self.text(code))")
            }
            self.handle = handle
            // Without a look ahead, one answer costs one system call.
            nl_socket_disable_msg_peek(handle)
            nl_socket_set_msg_buf_size(handle, 64 << 10)
            nl_socket_set_buffer_size(handle, 1 << 20, 1 << 20)
            // Some answers are read past libnl, which would miss them.
            nl_socket_disable_seq_check(handle)
        }

        deinit { nl_socket_free(self.handle) }

        /// What libnl says of a failure.
        static func text(_ code: Int32) -> String { String(cString: nl_geterror(code)) }

        /// Reads answers past libnl, message by message, until one of them is the last.
        ///
        /// - Parameter take: Whether a message, which it may look at but not keep, is the last.
        func read(
            until take: (UnsafeMutablePointer<nlmsghdr>) -> Bool
        ) throws(LabError) {
            while true {
                var sender = sockaddr_nl()
                var buffer: UnsafeMutablePointer<UInt8>?
                let count = nl_recv(self.handle, &sender, &buffer, nil)
                guard count > 0, let buffer else {
                    throw LabError("the kernel does not answer: \(Self.text(count))")
                }
                defer { free(buffer) }
                var rest = count
                var header = UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: nlmsghdr.self)
                while nlmsg_ok(header, rest) != 0 {
                    if take(header) { return }
                    header = nlmsg_next(header, &rest)
                }
            }
        }
    }
#endif
