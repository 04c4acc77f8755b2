import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A stream socket as a client or server of old has it: its calls wait, off the pool that Swift's tasks
/// need.
final class Socket: Sendable {
    let descriptor: CInt

    /// How a stream ended.
    enum End: Equatable {
        case finished
        case failed(CInt)
        /// Not yet: nothing came for ten seconds.
        case silence
    }

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    private static func make(_ family: CInt) -> CInt {
        #if canImport(Glibc)
            socket(family, CInt(SOCK_STREAM.rawValue), 0)
        #else
            socket(family, SOCK_STREAM, 0)
        #endif
    }

    private static func withAddress<Result>(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Connects to a port of this machine; the error's number if that fails.
    static func connect(_ port: UInt16) async throws -> Socket {
        let socket = Socket(Self.make(AF_INET))
        let failure = await Self.waiting {
            Self.withAddress(port) { connectOnce(socket.descriptor, $0, $1) }
        }
        if failure != 0 { throw SocketError(number: failure) }
        return socket
    }

    /// Connects to a Unix socket.
    static func connect(path: String) async throws -> Socket {
        let socket = Socket(Self.make(AF_UNIX))
        let failure = await Self.waiting {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connectOnce(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        if failure != 0 { throw SocketError(number: failure) }
        return socket
    }

    /// Listens on a free port.
    static func listen(backlog: CInt = 1024) throws -> (Socket, port: UInt16) {
        let (socket, port) = try Self.reserve()
        try socket.startListening(backlog: backlog)
        return (socket, port)
    }

    /// Takes a free port, on which it refuses for the time being.
    static func reserve() throws -> (Socket, port: UInt16) {
        let socket = Socket(Self.make(AF_INET))
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = Self.withAddress(0) { bind(socket.descriptor, $0, $1) }
        if result != 0 { throw SocketError(number: errno) }
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(socket.descriptor, $0, &size)
            }
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// Listens on the port that it has.
    func startListening(backlog: CInt = 1024) throws {
        if Self.startListening(self.descriptor, backlog) != 0 { throw SocketError(number: errno) }
    }

    /// Refuses from now on, and keeps its port (Linux).
    func stopListening() { shutdown(self.descriptor, CInt(SHUT_RD)) }

    private static func startListening(_ descriptor: CInt, _ backlog: CInt) -> CInt {
        #if canImport(Glibc)
            Glibc.listen(descriptor, backlog)
        #else
            Darwin.listen(descriptor, backlog)
        #endif
    }

    func accept() async throws -> Socket {
        let accepted = await Self.waiting {
            #if canImport(Glibc)
                Glibc.accept(self.descriptor, nil, nil)
            #else
                Darwin.accept(self.descriptor, nil, nil)
            #endif
        }
        if accepted < 0 { throw SocketError(number: errno) }
        return Socket(accepted)
    }

    /// Writes everything.
    func send(_ bytes: [UInt8]) async throws {
        let failure: CInt = await Self.waiting {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    sendSome(self.descriptor, $0.baseAddress, $0.count)
                }
                if count < 0 { return errno }
                rest = rest.dropFirst(count)
            }
            return 0
        }
        if failure != 0 { throw SocketError(number: failure) }
    }

    func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    /// Writes until the kernel takes no more; how much it took.
    func fill() -> Int {
        let flags = fcntl(self.descriptor, F_GETFL)
        _ = fcntl(self.descriptor, F_SETFL, flags | O_NONBLOCK)
        defer { _ = fcntl(self.descriptor, F_SETFL, flags) }
        let piece = [UInt8](repeating: 7, count: 64 << 10)
        var total = 0
        while true {
            let count = piece.withUnsafeBytes {
                sendSome(self.descriptor, $0.baseAddress, $0.count)
            }
            if count <= 0 { return total }
            total += count
        }
    }

    /// Reads so many bytes, or until the stream ends.
    func receive(_ count: Int = .max) async -> (bytes: [UInt8], end: End?) {
        await Self.waiting {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count < count {
                let size = min(piece.count, count - bytes.count)
                let got = recv(self.descriptor, &piece, size, 0)
                if got == 0 { return (bytes, .finished) }
                if got < 0 { return (bytes, errno == EAGAIN ? .silence : .failed(errno)) }
                bytes += piece.prefix(got)
            }
            return (bytes, nil)
        }
    }

    func text(_ count: Int) async -> String {
        String(decoding: await self.receive(count).bytes, as: UTF8.self)
    }

    /// How the stream ends, whatever comes before.
    func end() async -> End? { await self.receive().end }

    /// Ends the stream to the peer.
    func finish() { shutdown(self.descriptor, CInt(SHUT_WR)) }

    /// Makes the closing of this socket a reset.
    func resetWhenClosed() {
        var how = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            self.descriptor, SOL_SOCKET, SO_LINGER, &how, socklen_t(MemoryLayout<linger>.size))
    }

    private static func waiting<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}

private func connectOnce(
    _ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> CInt {
    connect(descriptor, address, size) == 0 ? 0 : errno
}

private func sendSome(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
        send(descriptor, bytes, count, CInt(MSG_NOSIGNAL))
    #else
        send(descriptor, bytes, count, 0)
    #endif
}

struct SocketError: Error, Equatable { let number: CInt }
