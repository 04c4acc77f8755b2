import ChaosCore
import ChaosEngine
import ChaosSockets
import Glibc
import NIOCore

@testable import ChaosProxy

/// A plain UDP socket that blocks, with a deadline on what it waits for.
final class TestDatagrams: @unchecked Sendable {
    // Sound because each socket is used by one thread, or by two of which one sends and one receives.
    private let descriptor: CInt
    let local: Endpoint

    /// Binds a socket; port 0 takes a free one.
    init(on endpoint: Endpoint) throws {
        let address = try TestSocket.address(endpoint)
        let descriptor = socket(
            CInt(address.protocol.rawValue), CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor < 0 { throw SocketError("socket") }
        var time = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var size: CInt = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        if address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) != 0 {
            let error = SocketError("bind")
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.local = TestSocket.localName(of: descriptor) ?? endpoint
    }

    deinit { Glibc.close(self.descriptor) }

    /// Makes another end the only one it sends to and hears.
    func connect(to endpoint: Endpoint) throws {
        let address = try TestSocket.address(endpoint)
        if address.withSockAddr({ Glibc.connect(self.descriptor, $0, socklen_t($1)) }) != 0 {
            throw SocketError("connect")
        }
    }

    /// Sends to the end it is connected to.
    func send(_ bytes: [UInt8]) throws {
        if Glibc.send(self.descriptor, bytes, bytes.count, 0) < 0 { throw SocketError("send") }
    }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ text: String, to endpoint: Endpoint) throws {
        try self.send(Array(text.utf8), to: endpoint)
    }

    func send(_ bytes: [UInt8], to endpoint: Endpoint) throws {
        let address = try TestSocket.address(endpoint)
        let count = address.withSockAddr {
            sendto(self.descriptor, bytes, bytes.count, 0, $0, socklen_t($1))
        }
        if count < 0 { throw SocketError("sendto") }
    }

    /// The next datagram and who sent it.
    func receive(isPatient: Bool = true) throws -> (bytes: [UInt8], from: Endpoint) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(
                    self.descriptor, &bytes, bytes.count,
                    isPatient ? 0 : CInt(MSG_DONTWAIT), $0, &size)
            }
        }
        if count < 0 { throw SocketError("recvfrom") }
        return (Array(bytes[..<count]), SocketEnd(storage)?.endpoint ?? self.local)
    }

    /// The text of the next datagram.
    func text() throws -> String { String(decoding: try self.receive().bytes, as: UTF8.self) }

    /// Everything that is there, without waiting.
    func drain() -> Int {
        var count = 0
        while (try? self.receive(isPatient: false)) != nil { count += 1 }
        return count
    }

    /// Answers each datagram with the same, until one says `end`.
    func echo() -> Running<Int> {
        Running {
            var count = 0
            while true {
                let (bytes, sender) = try self.receive()
                if bytes == Array("end".utf8) { return count }
                try self.send(bytes, to: sender)
                count += 1
            }
        }
    }
}

extension TestWorld {
    /// Opens `n1->n2` for datagrams to a target.
    func datagramLink(
        to target: Endpoint, listen: Endpoint? = nil, source: String? = nil,
        from opener: NodeName = "n1", _ listener: NodeName = "n2"
    ) throws -> Endpoint {
        let spec = ProxiedLink(
            link: Link(opener, listener, "u"), listen: listen ?? self.anyPort, upstream: target,
            sourceHost: source, transport: .datagrams)
        return try self.wait { try await $0.open([spec]) }[0]
    }

    /// A target, the proxied way to it, and a sender that is connected to that.
    func datagrams() throws -> (sender: TestDatagrams, target: TestDatagrams, proxied: Endpoint) {
        let target = try TestDatagrams(on: self.anyPort)
        let proxied = try self.datagramLink(to: target.local)
        let sender = try TestDatagrams(on: self.anyPort)
        try sender.connect(to: proxied)
        return (sender, target, proxied)
    }

    /// How many datagrams came for the link `n1->n2`.
    var datagramsSeen: Int {
        get throws {
            try self.inspect { $0.state(of: Link("n1", "n2", "u")).messagesSeen }
        }
    }

    /// Waits until so many datagrams came for the link.
    func awaitDatagrams(_ count: Int) throws {
        try self.eventually("\(count) datagrams were seen") { try self.datagramsSeen >= count }
    }
}
