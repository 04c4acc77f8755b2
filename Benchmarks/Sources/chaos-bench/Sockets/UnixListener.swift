import Glibc

/// A Unix socket over which one program that the bench started tells its address, and whose closing
/// tells that program to end.
final class UnixListener {
    private let path: String
    private var listener: Int32
    private var peer: Int32 = -1

    /// Listens at a path.
    init(at path: String) throws {
        self.path = path
        self.listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = try Self.withAddress(path) { bind(self.listener, $0, $1) }
        if self.listener < 0 || bound != 0 || listen(self.listener, 1) != 0 {
            throw BenchError("listen at \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { self.hangUp() }

    /// The first line that the first peer sends; `nil` when none comes in time.
    func firstLine(within seconds: Int32) throws -> String? {
        guard Self.wait(for: self.listener, seconds) else { return nil }
        self.peer = accept(self.listener, nil, nil)
        var line: [UInt8] = []
        while line.count < 256, Self.wait(for: self.peer, seconds) {
            var byte: UInt8 = 0
            if recv(self.peer, &byte, 1, 0) != 1 { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    private static func wait(for descriptor: Int32, _ seconds: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, seconds * 1000) == 1
    }

    /// Closes the socket; the peer sees its end.
    func hangUp() {
        if self.peer >= 0 { close(self.peer) }
        if self.listener >= 0 {
            close(self.listener)
            unlink(self.path)
        }
        self.peer = -1
        self.listener = -1
    }

    // MARK: - The other side

    /// Sends a line to whoever listens at a path, and returns when that hangs up.
    static func tell(_ line: String, at path: String) throws {
        let descriptor = try Self.connected(to: path)
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        if send(descriptor, bytes, bytes.count, 0) != bytes.count {
            throw BenchError("tell the address: \(String(cString: strerror(errno)))")
        }
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }

    /// A socket that is connected to the one at a path; the caller closes it.
    static func connected(to path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        do {
            if try Self.withAddress(path, { connect(descriptor, $0, $1) }) == 0 {
                return descriptor
            }
        } catch {
            close(descriptor)
            throw error
        }
        let reason = String(cString: strerror(errno))
        close(descriptor)
        throw BenchError("connect to \(path): \(reason)")
    }

    private static func withAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        try withUnsafeMutableBytes(of: &address.sun_path) { room in
            if bytes.count > room.count { throw BenchError("a socket's path is too long: \(path)") }
            room.copyBytes(from: bytes)
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Waiting for things that tell nobody when they are done.
enum Pause {
    static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}
