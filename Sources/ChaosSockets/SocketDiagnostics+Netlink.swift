#if os(Linux) && Netlink
    import CNetlink

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// A socket at the kernel's socket diagnostics; for one thread at a time.
    ///
    /// It sees the sockets of its own network namespace, of all users, without any privilege.
    package final class SocketDiagnostics {
        private let netlink: NetlinkSocket

        /// Opens the diagnostics.
        ///
        /// - Throws: `SocketDiagnosticsError` where the system gives no such socket.
        package init() throws(SocketDiagnosticsError) { self.netlink = try NetlinkSocket() }

        /// How many questions are asked at once: their answers fit into the smallest receive buffer.
        private static let batch = 32

        /// Finds sockets by both of their ends, exactly: the time it takes does not depend on how many
        /// sockets there are.
        ///
        /// A socket that no process has open any more has the inode 0, or is not found at all. IPv4
        /// connections are found whether their socket is one of IPv4 or of IPv6.
        ///
        /// - Returns: In the order of the questions, nil where there is no such socket.
        /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
        package func find(_ sockets: [SocketPair]) throws(SocketDiagnosticsError) -> [SocketRecord?]
        {
            var found = [SocketRecord?](repeating: nil, count: sockets.count)
            var next = 0
            while next < sockets.count {
                let end = min(next + Self.batch, sockets.count)
                let requests = sockets[next..<end].map { Self.question($0) }
                try self.netlink.ask(requests) { index, message in
                    let wanted = sockets[next + index]
                    // Where no such connection is, the kernel offers a listening socket.
                    if let record = SocketRecord(message), record.ends == wanted {
                        found[next + index] = record
                    }
                }
                next = end
            }
            return found
        }

        /// All TCP sockets of both families in some states.
        ///
        /// - Parameter port: Only those that face this port; nil for all.
        /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
        package func tcpSockets(
            in states: TCPStates, to port: UInt16? = nil
        ) throws(SocketDiagnosticsError) -> [SocketRecord] {
            // Once through the kernel's table for both families; whoever does not know the older question
            // is asked for one after the other.
            do throws(SocketDiagnosticsError) {
                return try self.tcpSocketsTogether(in: states, to: port)
            } catch {
                return try self.tcpSocketsByFamily(in: states, to: port)
            }
        }

        func tcpSocketsTogether(
            in states: TCPStates, to port: UInt16?
        ) throws(SocketDiagnosticsError) -> [SocketRecord] {
            var request = inet_diag_req()
            request.idiag_family = UInt8(AF_INET)
            request.idiag_states = states.rawValue
            request.id.idiag_dport = (port ?? 0).bigEndian
            var records: [SocketRecord] = []
            try self.netlink.dump(NetlinkSocket.request(request), .tcp) { message in
                if let record = SocketRecord(message) { records.append(record) }
            }
            return records
        }

        func tcpSocketsByFamily(
            in states: TCPStates, to port: UInt16?
        ) throws(SocketDiagnosticsError) -> [SocketRecord] {
            var records: [SocketRecord] = []
            for family in [AF_INET, AF_INET6] {
                var request = inet_diag_req_v2()
                request.sdiag_family = UInt8(family)
                request.sdiag_protocol = UInt8(IPPROTO_TCP)
                request.idiag_states = states.rawValue
                request.id.idiag_dport = (port ?? 0).bigEndian
                try self.netlink.dump(NetlinkSocket.request(request)) { message in
                    if let record = SocketRecord(message) { records.append(record) }
                }
            }
            return records
        }

        /// Finds the UDP sockets that may have sent from one end to another: those bound to the one, or
        /// to its port on every address, and to no other peer. Of several the one that is bound to most
        /// is meant.
        ///
        /// The kernel goes through all UDP sockets, once for all questions.
        ///
        /// - Returns: In the order of the questions, nil where there is no such socket.
        /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
        package func findDatagramSockets(
            _ sockets: [SocketPair]
        ) throws(SocketDiagnosticsError) -> [SocketRecord?] {
            var found = [SocketRecord?](repeating: nil, count: sockets.count)
            if sockets.isEmpty { return found }
            // Questions about one port, which is the rule, cost one answer.
            let ports = Set(sockets.map(\.local.port))
            let port = ports.count == 1 ? ports.first : nil
            var records: [UInt16: [SocketRecord]] = [:]
            for record in try self.udpSockets(from: port) where record.inode != 0 {
                records[record.ends.local.port, default: []].append(record)
            }
            for (index, wanted) in sockets.enumerated() {
                found[index] = records[wanted.local.port]?.filter { $0.maySend(as: wanted) }
                    .max { $0.precision(for: wanted) < $1.precision(for: wanted) }
            }
            return found
        }

        /// All UDP sockets that have a peer.
        ///
        /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
        package func connectedDatagramSockets() throws(SocketDiagnosticsError) -> [SocketRecord] {
            try self.udpSockets().filter { $0.ends.remote.port != 0 }
        }

        private func udpSockets(
            from port: UInt16? = nil
        ) throws(SocketDiagnosticsError) -> [SocketRecord] {
            var records: [SocketRecord] = []
            for family in [AF_INET, AF_INET6] {
                var request = inet_diag_req_v2()
                request.sdiag_family = UInt8(family)
                request.sdiag_protocol = UInt8(IPPROTO_UDP)
                // UDP borrows TCP's numbers: established with a peer, closed without one.
                request.idiag_states = .max
                request.id.idiag_sport = (port ?? 0).bigEndian
                try self.netlink.dump(NetlinkSocket.request(request)) { message in
                    if let record = SocketRecord(message) { records.append(record) }
                }
            }
            return records
        }

        /// All Unix stream sockets that listen or are connected.
        ///
        /// - Throws: `SocketDiagnosticsError` when the kernel does not answer.
        package func unixSockets() throws(SocketDiagnosticsError) -> [UnixSocketRecord] {
            var request = unix_diag_req()
            request.sdiag_family = UInt8(AF_UNIX)
            // Unix sockets borrow the numbers of TCP's states.
            request.udiag_states = TCPStates(.established, .listening).rawValue
            request.udiag_show = UInt32(UDIAG_SHOW_NAME | UDIAG_SHOW_PEER)
            var records: [UnixSocketRecord] = []
            try self.netlink.dump(NetlinkSocket.request(request)) { message in
                if let record = UnixSocketRecord(message) { records.append(record) }
            }
            return records
        }

        private static func question(_ socket: SocketPair) -> [UInt8] {
            let isIPv4 = socket.local.isIPv4 && socket.remote.isIPv4
            var request = inet_diag_req_v2()
            request.sdiag_family = UInt8(isIPv4 ? AF_INET : AF_INET6)
            request.sdiag_protocol = UInt8(IPPROTO_TCP)
            request.idiag_states = .max
            request.id.idiag_sport = socket.local.port.bigEndian
            request.id.idiag_dport = socket.remote.port.bigEndian
            withUnsafeMutableBytes(of: &request.id.idiag_src) {
                socket.local.writeAddress(to: $0, isIPv4: isIPv4)
            }
            withUnsafeMutableBytes(of: &request.id.idiag_dst) {
                socket.remote.writeAddress(to: $0, isIPv4: isIPv4)
            }
            // INET_DIAG_NOCOOKIE: whichever socket has these ends.
            request.id.idiag_cookie = (.max, .max)
            return NetlinkSocket.request(request)
        }
    }

    extension SocketEnd {
        /// Writes the address as the kernel has it in memory: 4 or 16 bytes, most significant first.
        fileprivate func writeAddress(to words: UnsafeMutableRawBufferPointer, isIPv4: Bool) {
            if isIPv4 {
                words.storeBytes(
                    of: UInt32(truncatingIfNeeded: self.low).bigEndian, as: UInt32.self)
            } else {
                words.storeBytes(of: self.high.bigEndian, as: UInt64.self)
                words.storeBytes(of: self.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }

        fileprivate init(address words: UnsafeRawBufferPointer, isIPv4: Bool, port: UInt16) {
            if isIPv4 {
                self.init(
                    address: UInt32(bigEndian: words.loadUnaligned(as: UInt32.self)), port: port)
            } else {
                self.init(
                    high: UInt64(bigEndian: words.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    port: port)
            }
        }
    }

    extension SocketRecord {
        /// Whether a datagram with these ends may be this UDP socket's.
        fileprivate func maySend(as ends: SocketPair) -> Bool {
            guard ends.local.listeningPlaces.contains(self.ends.local) else { return false }
            return self.ends.remote.port == 0 || self.ends.remote == ends.remote
        }

        /// How much of a datagram's ends this UDP socket is bound to.
        fileprivate func precision(for ends: SocketPair) -> Int {
            (self.ends.local == ends.local ? 1 : 0) + (self.ends.remote == ends.remote ? 2 : 0)
        }

        /// Reads an answer; nil for one that is no TCP socket's.
        fileprivate init?(_ message: NetlinkMessage) {
            guard let answer = message.content(as: inet_diag_msg.self),
                let state = TCPState(rawValue: answer.idiag_state)
            else { return nil }
            let isIPv4 = answer.idiag_family == UInt8(AF_INET)
            self.ends = SocketPair(
                local: withUnsafeBytes(of: answer.id.idiag_src) {
                    SocketEnd(address: $0, isIPv4: isIPv4, port: answer.id.idiag_sport.bigEndian)
                },
                remote: withUnsafeBytes(of: answer.id.idiag_dst) {
                    SocketEnd(address: $0, isIPv4: isIPv4, port: answer.id.idiag_dport.bigEndian)
                })
            self.state = state
            self.inode = UInt64(answer.idiag_inode)
            self.user = answer.idiag_uid
        }
    }

    extension UnixSocketRecord {
        /// Reads an answer; nil for one that is no Unix stream socket's.
        fileprivate init?(_ message: NetlinkMessage) {
            guard let answer = message.content(as: unix_diag_msg.self),
                answer.udiag_type == UInt8(SOCK_STREAM.rawValue)
            else { return nil }
            self.inode = UInt64(answer.udiag_ino)
            self.isListening = answer.udiag_state == TCPState.listening.rawValue
            let head = MemoryLayout<unix_diag_msg>.size
            self.peer =
                message.attribute(UNIX_DIAG_PEER, behind: head) { bytes in
                    UInt64(bytes.loadUnaligned(as: UInt32.self))
                } ?? 0
            // An abstract name begins with a zero byte.
            self.path =
                message.attribute(UNIX_DIAG_NAME, behind: head) { bytes in
                    bytes.first == 0
                        ? nil : String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                } ?? nil
        }
    }
#endif
