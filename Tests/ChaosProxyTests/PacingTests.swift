#if os(Linux)
    import Foundation
    import Glibc
    import NIOCore
    import Testing

    @testable import ChaosProxy

    /// What stays on this machine is not paced, and nothing else is touched.
    @Suite("Pacing")
    struct PacingTests {
        /// The congestion control of a new socket that was prepared for an address.
        private func control(for address: String) throws -> String {
            let address = try SocketAddress(ipAddress: address, port: 1)
            let socket = Sockets.make(for: address)
            defer { Sockets.close(socket) }
            Sockets.sendUnpaced(socket, address)
            var name = [UInt8](repeating: 0, count: 16)
            var size = socklen_t(name.count)
            // TCP_CONGESTION, tcp(7)
            try #require(getsockopt(socket, CInt(IPPROTO_TCP), 13, &name, &size) == 0)
            return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }

        private var systemDefault: String {
            get throws {
                try String(
                    contentsOfFile: "/proc/sys/net/ipv4/tcp_congestion_control", encoding: .utf8
                ).trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }

        @Test("loopback is not paced", arguments: ["127.0.0.1", "127.255.3.4", "::1"])
        func loopback(_ address: String) throws {
            #expect(["reno", "cubic"].contains(try self.control(for: address)))
        }

        @Test(
            "other ways keep what the system has",
            arguments: ["128.0.0.1", "10.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "1::1"])
        func elsewhere(_ address: String) throws {
            #expect(try self.control(for: address) == self.systemDefault)
        }
    }
#endif
