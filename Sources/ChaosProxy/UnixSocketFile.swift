import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Files that Unix sockets leave behind.
enum UnixSocketFile {
    /// Removes the file of a socket on which nobody listens any more, as a killed run leaves it.
    /// Anything else stays, and binding then fails with the reason.
    static func removeIfDead(at path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let address = try SocketAddress(unixDomainSocketPath: path)
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        if descriptor < 0 { return }
        defer { close(descriptor) }
        // Somebody who listens with a full backlog must not block the event loop.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        let isDead = address.withSockAddr {
            connect(descriptor, $0, socklen_t($1)) != 0 && errno == ECONNREFUSED
        }
        if isDead { Self.remove(at: path) }
    }

    /// Removes a socket's file.
    static func remove(at path: String) { _ = unlink(path) }
}
