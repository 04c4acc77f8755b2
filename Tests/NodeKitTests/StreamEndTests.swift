import NIOCore
import NIOPosix
import NodeKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Connects to every peer once, says something, and tells how each connection ended: `p1 refused`.
private struct Prober: StreamNode {
    private var peers: [String] = []

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        switch input {
        case .started(let start):
            self.peers = start.others
            return self.peers.indices.map {
                .open($0, to: self.peers[$0], within: .milliseconds(500))
            }
        case .opened(let stream): return [.write(stream, [1])]
        case .ended(.outbound(let number), let end):
            return [.report("\(self.peers[number]) \(end.cause.rawValue)")]
        default: return []
        }
    }
}

/// A socket that listens on 127.0.0.1, and whose connections a test takes by hand.
private final class Listener: Sendable {
    let port: Int
    private let socket: Int32

    init(backlog: Int32) throws {
        #if canImport(Glibc)
            self.socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            self.socket = Darwin.socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = self.socket
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && listen(socket, backlog) == 0
                    ? getsockname(socket, address, &length) : -1
            }
        }
        if code != 0 { throw IOError(errnoCode: errno, reason: "listen") }
        self.port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(self.socket) }

    /// Takes a connection, reads what it says first, and ends it: in order, or with RST.
    func end(isReset: Bool) {
        let connection = accept(self.socket, nil, nil)
        if !isReset {
            // What is left unread when a connection is closed makes its end a reset.
            var byte: UInt8 = 0
            _ = read(connection, &byte, 1)
        }
        var option = linger(l_onoff: isReset ? 1 : 0, l_linger: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(connection)
    }
}

/// What a node sees of real sockets that fail it.
@Suite("Ends of real connections", .timeLimit(.minutes(1)))
struct StreamEndTests {
    /// How a connection to this port ends.
    private func end(port: Int) async throws -> String? {
        let sentences = Sentences()
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(
            Prober(), id: "n1", peers: PeerList([("p1", "127.0.0.1", port)]), log: sentences.add)
        let end = await sentences.next()
        await node.stop()
        return end
    }

    @Test func whereNobodyListensItIsRefused() async throws {
        let port = try Listener(backlog: 1).port
        #expect(try await self.end(port: port) == "p1 refused")
    }

    @Test(arguments: [(false, "p1 closed"), (true, "p1 reset")])
    func anEndInOrderIsNoReset(isReset: Bool, expected: String) async throws {
        let listener = try Listener(backlog: 1)
        async let end = self.end(port: listener.port)
        // On a thread that may block until somebody has connected.
        try await NIOThreadPool.singleton.runIfActive { listener.end(isReset: isReset) }
        #expect(try await end == expected)
    }

    #if os(Linux)
        /// Linux drops the SYN that finds a full backlog (listen(2)), so who dials sees nobody at all.
        @Test func aFullBacklogLooksLikeNobody() async throws {
            let listener = try Listener(backlog: 0)
            let first = try await LineClient.connect(host: "127.0.0.1", port: listener.port)
            #expect(try await self.end(port: listener.port) == "p1 timed-out")
            await first.close()
        }
    #endif
}
