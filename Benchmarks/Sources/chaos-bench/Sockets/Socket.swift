import Glibc

/// A TCP socket, closed when nobody refers to it any more.
final class Socket {
    /// How long an operation may wait for the peer, in seconds; a proxy that needs longer has failed.
    static let patience = 10

    let descriptor: Int32

    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(self.descriptor) }

    private static func make() throws -> Socket {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor < 0 { throw BenchError("socket: \(Self.reason)") }
        return Socket(owning: descriptor)
    }

    private static var reason: String { String(cString: strerror(errno)) }

    /// Connects; waits for the kernel's handshake only.
    static func connected(
        to endpoint: Endpoint, patience: Int = Socket.patience
    ) throws -> Socket {
        let socket = try Self.make()
        socket.set(SOL_SOCKET, SO_SNDTIMEO, timeval(tv_sec: patience, tv_usec: 0))
        socket.set(SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: patience, tv_usec: 0))
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        let result = endpoint.withSocketAddress { connect(socket.descriptor, $0, $1) }
        if result != 0 { throw BenchError("connect to \(endpoint): \(Self.reason)") }
        return socket
    }

    /// Listens at an address; port 0 is one of the kernel's choice.
    static func listening(
        at wanted: Endpoint = Endpoint(port: 0)
    ) throws -> (socket: Socket, endpoint: Endpoint) {
        let socket = try Self.make()
        socket.set(SOL_SOCKET, SO_REUSEADDR, Int32(1))
        let bound = wanted.withSocketAddress { bind(socket.descriptor, $0, $1) }
        if bound != 0 || listen(socket.descriptor, 4096) != 0 {
            throw BenchError("listen at \(wanted): \(Self.reason)")
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket.descriptor, $0, &length)
            }
        }
        if named != 0 { throw BenchError("getsockname: \(Self.reason)") }
        return (socket, Endpoint(host: wanted.host, port: UInt16(bigEndian: address.sin_port)))
    }

    /// The next connection that waits, if one does.
    func accepted() -> Socket? {
        let descriptor = accept(self.descriptor, nil, nil)
        if descriptor < 0 { return nil }
        let socket = Socket(owning: descriptor)
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        return socket
    }

    private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) {
        withUnsafePointer(to: value) {
            _ = setsockopt(
                self.descriptor, level, option, $0, socklen_t(MemoryLayout<Value>.size))
        }
    }

    /// Makes the socket discard what waits and reset the connection when it is closed.
    func resetWhenClosed() { self.set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0)) }

    /// Bounds what the kernel holds for the receiver, in bytes; the kernel has a least of its own.
    func limitReceiveBuffer(to size: Int32) { self.set(SOL_SOCKET, SO_RCVBUF, size) }

    /// Waits until something can be read, or written if that is wanted.
    func wait(forOutput: Bool, milliseconds: Int32) -> (input: Bool, output: Bool) {
        var item = pollfd(
            fd: self.descriptor, events: Int16(forOutput ? POLLIN | POLLOUT : POLLIN), revents: 0)
        if poll(&item, 1, milliseconds) <= 0 { return (false, false) }
        let events = Int32(item.revents)
        // Whoever reads learns of errors and hang-ups.
        return (events & (POLLIN | POLLERR | POLLHUP) != 0, events & POLLOUT != 0)
    }

    // MARK: - Without waiting

    /// Sends what the kernel takes at once; 0 if it takes nothing now.
    func sendNow(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        try self.send(bytes, flags: Int32(MSG_DONTWAIT))
    }

    /// Receives what is there: `nil` if nothing is there now, 0 at the end of the stream.
    func receiveNow(_ room: UnsafeMutableRawBufferPointer) throws -> Int? {
        let count = recv(
            self.descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return nil }
        throw BenchError("recv: \(Self.reason)")
    }

    private func send(_ bytes: UnsafeRawBufferPointer, flags: Int32) throws -> Int {
        let count = Glibc.send(
            self.descriptor, bytes.baseAddress, bytes.count, flags | Int32(MSG_NOSIGNAL))
        if count >= 0 { return count }
        if flags != 0, errno == EAGAIN { return 0 }
        if errno == EINTR { return 0 }
        if errno == EAGAIN { throw BenchError("send: nothing taken within \(Self.patience) s") }
        throw BenchError("send: \(Self.reason)")
    }

    // MARK: - Waiting

    /// Sends everything.
    func sendAll(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = try self.send(rest, flags: 0)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    /// Receives until the room is full.
    func receiveAll(_ room: UnsafeMutableRawBufferPointer) throws {
        var filled = 0
        while filled < room.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: room.dropFirst(filled))
            let count = recv(self.descriptor, rest.baseAddress, rest.count, 0)
            if count == 0 { throw BenchError("recv: the stream ended too early") }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                throw BenchError("recv: no answer within \(Self.patience) s")
            }
            if count < 0 { throw BenchError("recv: \(Self.reason)") }
            filled += count
        }
    }

    /// Ends the stream to the peer (FIN).
    func closeOutput() { shutdown(self.descriptor, Int32(SHUT_WR)) }
}
