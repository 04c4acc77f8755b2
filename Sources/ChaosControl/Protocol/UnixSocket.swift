import ChaosCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The few calls that Unix sockets need beside NIO.
package enum UnixSocket {
    /// How many bytes a path may have: NIO's `SocketAddress` takes no more on any system, which is
    /// what macOS allows (`unix(4)`).
    package static let longestPath = 103

    /// Whether somebody accepts connections at a path.
    ///
    /// - Throws: `CommandError` when the path is too long.
    package static func isListening(at path: String) throws(CommandError) -> Bool {
        let descriptor = try self.open()
        defer { close(descriptor) }
        // A full queue answers EAGAIN without waiting: somebody listens, and is busy.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let result = try self.withAddress(path) { connect(descriptor, $0, $1) }
        return result == 0 || errno == EAGAIN || errno == EINPROGRESS
    }

    /// Opens a stream socket that child processes do not inherit.
    static func open() throws(CommandError) -> CInt {
        #if canImport(Darwin)
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
            if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        #else
            let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(AF_UNIX, kind, 0)
        #endif
        if descriptor < 0 {
            let reason = String(cString: strerror(errno))
            throw CommandError(.failed, "a socket cannot be opened: \(reason)")
        }
        return descriptor
    }

    /// Calls with the address of a path.
    static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(CommandError) -> CInt {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= self.longestPath else {
            throw CommandError(
                .failed,
                "a socket's path has 1 to \(self.longestPath) bytes, found \(bytes.count): '\(path)'",
                hint: "use a directory nearer to the root")
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
