import ChaosCore
import Glibc
import NIOCore

/// A failed system call, by its name and error number.
struct SocketError: Error, CustomStringConvertible, Equatable {
    let call: String
    let number: CInt

    init(_ call: String, _ number: CInt = errno) {
        self.call = call
        self.number = number
    }

    var description: String {
        "\(self.call): \(String(cString: strerror(self.number))) (\(self.number))"
    }
}

/// A plain socket that blocks, with a deadline on everything it waits for.
final class TestSocket: @unchecked Sendable {
    // Sound because each socket is used by one thread, or by two of which one reads and one writes.
    private var descriptor: CInt
    /// How long anything may take before it counts as broken.
    static let patience: CInt = 20_000

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { self.close() }

    // MARK: Opening

    static func address(_ endpoint: Endpoint) throws -> SocketAddress {
        switch endpoint {
        case .tcp(let host, let port): try SocketAddress(ipAddress: host, port: Int(port))
        case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
        }
    }

    private static func make(for address: SocketAddress) throws -> TestSocket {
        let descriptor = socket(
            CInt(address.protocol.rawValue), CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor < 0 { throw SocketError("socket") }
        return TestSocket(descriptor)
    }

    static func listen(on endpoint: Endpoint, backlog: CInt = 1024) throws -> TestSocket {
        let address = try Self.address(endpoint)
        let socket = try Self.make(for: address)
        socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
        let isBound = address.withSockAddr { bind(socket.descriptor, $0, socklen_t($1)) }
        if isBound != 0 { throw SocketError("bind") }
        if Glibc.listen(socket.descriptor, backlog) != 0 { throw SocketError("listen") }
        return socket
    }

    /// Begins to connect; ``finishConnecting(within:)`` waits for the answer.
    static func begin(to endpoint: Endpoint, from source: String? = nil) throws -> TestSocket {
        let address = try Self.address(endpoint)
        let socket = try Self.make(for: address)
        if let source {
            let local = try SocketAddress(ipAddress: source, port: 0)
            if local.withSockAddr({ bind(socket.descriptor, $0, socklen_t($1)) }) != 0 {
                throw SocketError("bind")
            }
        }
        socket.setBlocking(false)
        let result = address.withSockAddr { Glibc.connect(socket.descriptor, $0, socklen_t($1)) }
        if result != 0 && errno != EINPROGRESS { throw SocketError("connect") }
        return socket
    }

    static func connect(
        to endpoint: Endpoint, from source: String? = nil, within milliseconds: CInt = patience
    ) throws -> TestSocket {
        let socket = try Self.begin(to: endpoint, from: source)
        try socket.finishConnecting(within: milliseconds)
        return socket
    }

    func finishConnecting(within milliseconds: CInt = patience) throws {
        if !self.waits(for: POLLOUT, milliseconds) { throw SocketError("connect", ETIMEDOUT) }
        let error = self.get(SOL_SOCKET, SO_ERROR)
        if error != 0 { throw SocketError("connect", error) }
        self.setBlocking(true)
    }

    func accept(within milliseconds: CInt = patience) throws -> TestSocket {
        if !self.waits(for: POLLIN, milliseconds) { throw SocketError("accept", ETIMEDOUT) }
        let accepted = Glibc.accept(self.descriptor, nil, nil)
        if accepted < 0 { throw SocketError("accept") }
        return TestSocket(accepted)
    }

    // MARK: Options

    func set(_ level: CInt, _ name: CInt, _ value: CInt) {
        var value = value
        setsockopt(self.descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    private func get(_ level: CInt, _ name: CInt) -> CInt {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(self.descriptor, level, name, &value, &size)
        return value
    }

    private func setBlocking(_ isBlocking: Bool) {
        let flags = fcntl(self.descriptor, F_GETFL)
        _ = fcntl(
            self.descriptor, F_SETFL, isBlocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK)
    }

    /// Small kernel buffers, so that little is enough to fill them.
    func setSmallBuffers(_ size: CInt = 8192) {
        self.set(SOL_SOCKET, SO_RCVBUF, size)
        self.set(SOL_SOCKET, SO_SNDBUF, size)
    }

    private static func name(
        _ descriptor: CInt,
        _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> Endpoint? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) {
            call(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
        }
        if result != 0 || storage.ss_family == sa_family_t(AF_UNIX) { return nil }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        _ = withUnsafeBytes(of: &storage) {
            getnameinfo(
                $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), size, &host,
                socklen_t(host.count), &port, socklen_t(port.count),
                CInt(NI_NUMERICHOST | NI_NUMERICSERV))
        }
        func text(_ characters: [CChar]) -> String {
            String(
                decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self
            )
        }
        return .tcp(host: text(host), port: UInt16(text(port)) ?? 0)
    }

    /// The address of a descriptor of this process, if it is an IP socket.
    static func localName(of descriptor: CInt) -> Endpoint? { Self.name(descriptor, getsockname) }

    var number: CInt { self.descriptor }
    var local: Endpoint { Self.name(self.descriptor, getsockname) ?? .unix(path: "") }
    var peer: Endpoint { Self.name(self.descriptor, getpeername) ?? .unix(path: "") }

    /// What the kernel knows of the connection (tcp(7), TCP_INFO), by offset in `struct tcp_info`.
    private func info(at offset: Int) -> UInt32 {
        var bytes = [UInt8](repeating: 0, count: 256)
        var size = socklen_t(bytes.count)
        getsockopt(self.descriptor, CInt(IPPROTO_TCP), 11, &bytes, &size)
        return bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// How many segments were sent and not acknowledged.
    var unacknowledged: Int { Int(self.info(at: 24)) }
    /// How often something was sent again.
    var retransmissions: Int { Int(self.info(at: 100)) }

    // MARK: Bytes

    func waits(for events: CInt, _ milliseconds: CInt = patience) -> Bool {
        var request = pollfd(fd: self.descriptor, events: Int16(events), revents: 0)
        return poll(&request, 1, milliseconds) > 0
    }

    /// Whether nothing can be read right now: neither bytes nor an end nor an error.
    var hasNothing: Bool { !self.waits(for: POLLIN, 0) }

    /// Sends everything; waits while the kernel has no room.
    func send(_ bytes: [UInt8], within milliseconds: CInt = patience) throws {
        var sent = 0
        while sent < bytes.count {
            if !self.waits(for: POLLOUT, milliseconds) { throw SocketError("send", ETIMEDOUT) }
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    self.descriptor, $0.baseAddress! + sent, bytes.count - sent,
                    CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count < 0 && errno != EAGAIN { throw SocketError("send") }
            sent += max(0, count)
        }
    }

    func send(_ text: String, within milliseconds: CInt = patience) throws {
        try self.send(Array(text.utf8), within: milliseconds)
    }

    /// Sends until the kernel takes nothing for this long; returns how much it took.
    func sendUntilFull(quietFor milliseconds: CInt = 300, atMost limit: Int = 1 << 30) throws -> Int
    {
        let block = [UInt8](repeating: 0x61, count: 64 << 10)
        var sent = 0
        while sent < limit, self.waits(for: POLLOUT, milliseconds) {
            let count = Glibc.send(
                self.descriptor, block, min(block.count, limit - sent),
                CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
            if count < 0 && errno != EAGAIN { throw SocketError("send") }
            sent += max(0, count)
        }
        return sent
    }

    /// Receives what is there, at most this much; empty at the end of the stream.
    func receive(atMost limit: Int = 64 << 10, within milliseconds: CInt = patience) throws
        -> [UInt8]
    {
        if !self.waits(for: POLLIN, milliseconds) { throw SocketError("recv", ETIMEDOUT) }
        return try [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            let received = recv(self.descriptor, buffer.baseAddress!, limit, 0)
            if received < 0 { throw SocketError("recv") }
            count = received
        }
    }

    /// Receives exactly this much.
    func receive(exactly count: Int, within milliseconds: CInt = patience) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try self.receive(atMost: count - bytes.count, within: milliseconds)
            if more.isEmpty { throw SocketError("recv: the stream ended early", ENODATA) }
            bytes += more
        }
        return bytes
    }

    func receiveText(_ count: Int) throws -> String {
        String(decoding: try self.receive(exactly: count), as: UTF8.self)
    }

    /// Receives until the stream ends.
    func receiveAll(within milliseconds: CInt = patience) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try self.receive(atMost: 1 << 20, within: milliseconds)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// The error number that receiving to the end meets, or `nil` at a proper end.
    func endError(within milliseconds: CInt = patience) -> CInt? {
        do {
            _ = try self.receiveAll(within: milliseconds)
            return nil
        } catch let error as SocketError {
            return error.number
        } catch {
            return -1
        }
    }

    // MARK: Ends

    func shutdownWriting() { _ = shutdown(self.descriptor, CInt(SHUT_WR)) }

    func close() {
        if self.descriptor >= 0 { _ = Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            self.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        self.close()
    }
}
