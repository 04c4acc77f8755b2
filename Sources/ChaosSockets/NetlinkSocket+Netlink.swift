#if os(Linux) && Netlink
    import CNetlink

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// A netlink socket of libnl that asks and takes answers (netlink(7)).
    final class NetlinkSocket {
        private let handle: OpaquePointer
        private var sequence: UInt32 = 0

        /// Messages of a dump are at most this long (netlink_dump in the kernel).
        private static let messageSize = 64 << 10
        /// The kernel answers before the question's send(2) returns; only a lost answer takes long.
        private static let patience = timeval(tv_sec: 2, tv_usec: 0)
        private static let headerSize = MemoryLayout<nlmsghdr>.size

        init() throws(SocketDiagnosticsError) {
            guard let handle = nl_socket_alloc() else {
                throw SocketDiagnosticsError("no memory is left for a netlink socket")
            }
            self.handle = handle
            let code = nl_connect(handle, NETLINK_SOCK_DIAG)
            if code < 0 {
                throw SocketDiagnosticsError(
                    "the kernel must give a socket of NETLINK_SOCK_DIAG: \(Self.text(code))")
            }
            // Without a look ahead, one answer costs one system call.
            nl_socket_disable_msg_peek(handle)
            nl_socket_set_msg_buf_size(handle, Self.messageSize)
            nl_socket_set_buffer_size(handle, 1 << 20, 0)
            var patience = Self.patience
            setsockopt(
                nl_socket_get_fd(handle), SOL_SOCKET, SO_RCVTIMEO, &patience,
                socklen_t(MemoryLayout<timeval>.size))
        }

        deinit { nl_socket_free(self.handle) }

        /// A request with its header; what is in the header is filled in when it is sent.
        static func request<Body>(_ body: Body) -> [UInt8] {
            [UInt8](repeating: 0, count: self.headerSize) + withUnsafeBytes(of: body) { Array($0) }
        }

        /// Asks several questions with one answer each, in one go.
        ///
        /// - Parameters:
        ///   - requests: Made by `request`; their sizes are multiples of four.
        ///   - answer: Is given the question's place and the answer; not called where there is none.
        func ask(
            _ requests: [[UInt8]], _ answer: (Int, NetlinkMessage) -> Void
        ) throws(SocketDiagnosticsError) {
            let first = self.sequence &+ 1
            try self.send(requests, flags: 0)
            var waiting = Set(requests.indices)
            while !waiting.isEmpty {
                try self.receive { message throws(SocketDiagnosticsError) in
                    let index = Int(message.sequence &- first)
                    // Late answers to questions that were given up are nobody's any more.
                    guard waiting.remove(index) != nil else { return }
                    switch message.errorNumber {
                    case nil: answer(index, message)
                    case ENOENT?: break
                    case let number?: throw Self.refusal(number)
                    }
                }
            }
        }

        /// What a request asks for.
        enum Kind {
            /// The sockets of one family and protocol.
            case byFamily
            /// The TCP sockets of both families, as older kernels were asked.
            case tcp

            fileprivate var number: UInt16 {
                switch self {
                case .byFamily: UInt16(SOCK_DIAG_BY_FAMILY)
                case .tcp: UInt16(TCPDIAG_GETSOCK)
                }
            }
        }

        /// Asks for a list.
        func dump(
            _ request: [UInt8], _ kind: Kind = .byFamily, _ answer: (NetlinkMessage) -> Void
        ) throws(SocketDiagnosticsError) {
            // NLM_F_DUMP is a sum of flags, which Swift does not import.
            try self.send([request], kind, flags: UInt16(NLM_F_ROOT | NLM_F_MATCH))
            var isDone = false
            while !isDone {
                try self.receive { message throws(SocketDiagnosticsError) in
                    if message.sequence != self.sequence { return }
                    if message.isEnd {
                        isDone = true
                    } else if let number = message.errorNumber {
                        isDone = true
                        throw Self.refusal(number)
                    } else {
                        answer(message)
                    }
                }
            }
        }

        private func send(
            _ requests: [[UInt8]], _ kind: Kind = .byFamily, flags: UInt16
        ) throws(SocketDiagnosticsError) {
            var bytes: [UInt8] = []
            for request in requests {
                self.sequence &+= 1
                var header = nlmsghdr()
                header.nlmsg_len = UInt32(request.count)
                header.nlmsg_type = kind.number
                header.nlmsg_flags = UInt16(NLM_F_REQUEST) | flags
                header.nlmsg_seq = self.sequence
                withUnsafeBytes(of: header) { bytes += $0 }
                bytes += request[Self.headerSize...]
            }
            let code = bytes.withUnsafeMutableBytes {
                nl_sendto(self.handle, $0.baseAddress, $0.count)
            }
            if code < 0 {
                throw SocketDiagnosticsError(
                    "the kernel must take questions about sockets: \(Self.text(code))")
            }
        }

        private func receive(
            _ body: (NetlinkMessage) throws(SocketDiagnosticsError) -> Void
        ) throws(SocketDiagnosticsError) {
            var sender = sockaddr_nl()
            var buffer: UnsafeMutablePointer<UInt8>?
            let count = nl_recv(self.handle, &sender, &buffer, nil)
            guard count > 0, let buffer else {
                throw SocketDiagnosticsError(
                    "the kernel must answer questions about sockets: \(Self.text(count))")
            }
            defer { free(buffer) }
            var rest = count
            var header = UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: nlmsghdr.self)
            while nlmsg_ok(header, rest) != 0 {
                try body(NetlinkMessage(header))
                header = nlmsg_next(header, &rest)
            }
        }

        private static func refusal(_ number: Int32) -> SocketDiagnosticsError {
            SocketDiagnosticsError(
                "the kernel must answer questions about sockets: "
                    + "\(String(cString: strerror(number))) (errno \(number))")
        }

        private static func text(_ code: Int32) -> String { String(cString: nl_geterror(code)) }
    }

    /// A message that was received; valid only while it is handled.
    struct NetlinkMessage {
        private let header: UnsafeMutablePointer<nlmsghdr>

        init(_ header: UnsafeMutablePointer<nlmsghdr>) { self.header = header }

        var sequence: UInt32 { self.header.pointee.nlmsg_seq }

        /// Whether it is the end of a list.
        var isEnd: Bool { self.header.pointee.nlmsg_type == UInt16(NLMSG_DONE) }

        /// The errno of a refusal; nil for an answer.
        var errorNumber: Int32? {
            guard self.header.pointee.nlmsg_type == UInt16(NLMSG_ERROR) else { return nil }
            return -(self.content(as: nlmsgerr.self)?.error ?? -EPROTO)
        }

        /// What the message begins with; nil when it is shorter.
        func content<Content>(as type: Content.Type) -> Content? {
            guard Int(nlmsg_datalen(self.header)) >= MemoryLayout<Content>.size else { return nil }
            return nlmsg_data(self.header).loadUnaligned(as: type)
        }

        /// One attribute behind the content.
        func attribute<Result>(
            _ type: some BinaryInteger, behind size: Int, _ body: (UnsafeRawBufferPointer) -> Result
        ) -> Result? {
            guard let attribute = nlmsg_find_attr(self.header, Int32(size), Int32(type)) else {
                return nil
            }
            return body(
                UnsafeRawBufferPointer(
                    start: nla_data(attribute), count: Int(nla_len(attribute))))
        }
    }
#endif
