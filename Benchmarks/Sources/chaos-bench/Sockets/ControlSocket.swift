import Glibc

/// A client of chaos' control socket: one request and its reply at a time (docs/CONTROL.md).
final class ControlSocket {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// Connects to the socket at a path.
    init(at path: String) throws {
        self.descriptor = try UnixListener.connected(to: path)
        var patience = timeval(tv_sec: Socket.patience, tv_usec: 0)
        setsockopt(
            self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience,
            socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    /// Sends a request and returns its reply, which must say that it was done.
    @discardableResult
    func ask(_ request: String) throws -> String {
        let reply = try self.reply(to: request)
        if !reply.contains(#""ok":true"#) {
            throw BenchError("control: '\(request)' was answered with '\(reply)'")
        }
        return reply
    }

    /// Sends a request and returns its reply, whatever it says.
    func reply(to request: String) throws -> String {
        var bytes = ArraySlice(Array((request + "\n").utf8))
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { throw BenchError("control: \(String(cString: strerror(errno)))") }
            bytes = bytes.dropFirst(count)
        }
        return try self.line()
    }

    private func line() throws -> String {
        var scanned = 0
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            if let end = self.buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { self.buffer.removeFirst(end + 1) }
                return String(decoding: self.buffer[..<end], as: UTF8.self)
            }
            scanned = self.buffer.count
            let count = recv(self.descriptor, &room, room.count, 0)
            if count == 0 { throw BenchError("control: the socket was closed") }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw BenchError("control: no reply within \(Socket.patience) s") }
            self.buffer += room[..<count]
        }
    }
}
