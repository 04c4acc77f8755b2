#if os(Linux) && Netlink
    import Foundation
    import Testing

    @testable import ChaosSockets

    @Suite("Socket diagnostics")
    struct SocketDiagnosticsTests {
        /// A connection within this process: who listens, who dialled, and who was accepted.
        private final class Connected {
            let listener: Int32
            let dialler: Int32
            let accepted: Int32

            init(listening family: Int32, dialling: Int32, _ host: String) throws {
                self.listener = socket(family, Int32(SOCK_STREAM.rawValue), 0)
                try #require(listen(self.listener, 1) == 0)
                let place = try #require(SocketEnd(host: host, port: try Self.port(self.listener)))
                self.dialler = socket(dialling, Int32(SOCK_STREAM.rawValue), 0)
                var name = sockaddr_in6()
                name.sin6_family = sa_family_t(dialling)
                name.sin6_port = place.port.bigEndian
                if dialling == AF_INET {
                    // An IPv4 address stands where the flow's label does.
                    name.sin6_flowinfo = UInt32(truncatingIfNeeded: place.low).bigEndian
                } else {
                    withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
                        bytes.storeBytes(of: place.high.bigEndian, as: UInt64.self)
                        bytes.storeBytes(
                            of: place.low.bigEndian, toByteOffset: 8, as: UInt64.self)
                    }
                }
                let (dialler, length) = (self.dialler, MemoryLayout<sockaddr_in6>.size)
                let code = withUnsafePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(dialler, $0, socklen_t(length))
                    }
                }
                try #require(code == 0, "errno \(errno)")
                self.accepted = accept(self.listener, nil, nil)
            }

            deinit { for socket in [self.listener, self.dialler, self.accepted] { close(socket) } }

            static func port(_ socket: Int32) throws -> UInt16 {
                var name = sockaddr_in6()
                var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
                let code = withUnsafeMutablePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        getsockname(socket, $0, &length)
                    }
                }
                try #require(code == 0)
                return UInt16(bigEndian: name.sin6_port)
            }

            static func inode(_ socket: Int32) -> UInt64 {
                var status = stat()
                fstat(socket, &status)
                return UInt64(status.st_ino)
            }
        }

        private static let kinds: [(Int32, Int32, String)] = [
            (AF_INET, AF_INET, "127.0.0.1"), (AF_INET6, AF_INET6, "::1"),
            (AF_INET, AF_INET6, "::ffff:127.0.0.1"), (AF_INET6, AF_INET, "127.0.0.1"),
        ]

        @Test(arguments: kinds)
        func findTheSocketAtTheOtherEnd(_ listening: Int32, _ dialling: Int32, _ host: String)
            throws
        {
            let connected = try Connected(listening: listening, dialling: dialling, host)
            let diagnostics = try SocketDiagnostics()
            guard case .tcp(let ends)? = OpeningSocket(acceptedSocket: connected.accepted) else {
                Issue.record("an accepted socket has ends")
                return
            }
            let nobody = SocketPair(
                local: SocketEnd(host: "127.0.0.9", port: 9)!, remote: ends.remote)
            // More than are asked at once, and in an order.
            let questions = (0..<100).map {
                $0 % 3 == 0 ? ends : $0 % 3 == 1 ? nobody : ends.reversed
            }
            let found = try diagnostics.find(questions).map { $0?.inode }
            let (dialler, accepted) = (
                Connected.inode(connected.dialler), Connected.inode(connected.accepted)
            )
            #expect(
                found == (0..<100).map { $0 % 3 == 0 ? dialler : $0 % 3 == 1 ? nil : accepted })
            let record = try #require(try diagnostics.find([ends])[0])
            #expect(record.ends == ends && record.state == .established && record.user == getuid())
            // Nobody has a socket open that was closed: it has no number any more.
            let ended = dup(connected.accepted)
            shutdown(connected.dialler, Int32(SHUT_RDWR))
            close(connected.dialler)
            #expect((try diagnostics.find([ends])[0]?.inode ?? 0) == 0)
            close(ended)
        }

        @Test func listWhoIsInSomeState() throws {
            let connected = try Connected(listening: AF_INET6, dialling: AF_INET, "127.0.0.1")
            let diagnostics = try SocketDiagnostics()
            let port = try Connected.port(connected.listener)
            let listeners = try diagnostics.tcpSockets(in: .listening)
                .filter { $0.ends.local.port == port }
            #expect(listeners.map(\.inode) == [Connected.inode(connected.listener)])
            #expect(listeners.map(\.state) == [.listening])
            let facing = try diagnostics.tcpSockets(in: .open, to: port)
            #expect(facing.map(\.inode) == [Connected.inode(connected.dialler)])
            #expect(
                try diagnostics.tcpSockets(in: .connecting).allSatisfy { $0.state == .synSent })
            // Both families in one list, and one after the other where a kernel has only that.
            for ask in [diagnostics.tcpSocketsTogether, diagnostics.tcpSocketsByFamily] {
                let listening = try ask(.listening, nil).filter { $0.ends.local.port == port }
                #expect(listening.map(\.inode) == [Connected.inode(connected.listener)])
                #expect(
                    try ask(.open, port).map(\.inode) == [Connected.inode(connected.dialler)])
            }
        }

        /// UDP sockets are found by where they may send from: bound to an address or to all, connected
        /// or not.
        @Test(arguments: ["127.0.0.5", "0.0.0.0", "::", "::1"], [false, true])
        func findSendersOfDatagrams(_ host: String, isConnected: Bool) throws {
            let family = host.contains(":") ? AF_INET6 : AF_INET
            let sender = socket(family, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(sender) }
            func name(_ host: String, _ port: UInt16) -> sockaddr_in6 {
                var name = sockaddr_in6()
                name.sin6_family = sa_family_t(family)
                name.sin6_port = port.bigEndian
                if family == AF_INET {
                    // An IPv4 address stands where the flow's label does.
                    name.sin6_flowinfo = inet_addr(host)
                } else {
                    inet_pton(AF_INET6, host, &name.sin6_addr)
                }
                return name
            }
            func call(
                _ host: String, _ port: UInt16,
                _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
            ) -> Int32 {
                var name = name(host, port)
                return withUnsafePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        body(sender, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                    }
                }
            }
            #expect(call(host, 0, { bind($0, $1, $2) }) == 0)
            let port = try Connected.port(sender)
            let (local, remote) = family == AF_INET ? ("127.0.0.5", "127.0.0.6") : ("::1", "::1")
            if isConnected { #expect(call(remote, 9, { connect($0, $1, $2) }) == 0) }
            // A socket of every address that is connected has the one that the system took.
            let own = isConnected && host == "0.0.0.0" ? "127.0.0.1" : local
            func ask(_ local: String, _ port: UInt16, to remotePort: UInt16) throws -> UInt64? {
                try SocketDiagnostics().findDatagramSockets([
                    SocketPair(
                        local: SocketEnd(host: local, port: port)!,
                        remote: SocketEnd(host: remote, port: remotePort)!)
                ])[0]?.inode
            }
            #expect(try ask(own, port, to: 9) == Connected.inode(sender))
            #expect(try ask(own, port, to: 10) == (isConnected ? nil : Connected.inode(sender)))
            #expect(try ask(own, port &+ 1, to: 9) == nil)
        }

        @Test func showUnixSocketsWithTheirPeers() throws {
            let path = "/tmp/chaos-sockets-\(UUID().uuidString)"
            defer { unlink(path) }
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            let (listener, dialler) = (
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0),
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            )
            let codes = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                    return [
                        bind(listener, name, length), listen(listener, 1),
                        connect(dialler, name, length),
                    ]
                }
            }
            #expect(codes == [0, 0, 0])
            let accepted = accept(listener, nil, nil)
            let sockets = try SocketDiagnostics().unixSockets().filter { $0.path == path }
            #expect(
                Set(sockets) == [
                    UnixSocketRecord(
                        inode: Connected.inode(listener), peer: 0, path: path, isListening: true),
                    UnixSocketRecord(
                        inode: Connected.inode(accepted), peer: Connected.inode(dialler),
                        path: path,
                        isListening: false),
                ])
            let peer = try #require(UnixPeer(acceptedSocket: accepted))
            #expect(peer.pid == getpid() && peer.isAlive)
            for socket in [listener, dialler, accepted] { close(socket) }
        }
    }
#endif
