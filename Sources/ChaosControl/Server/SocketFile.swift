import ChaosCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The file of a listening Unix socket.
struct SocketFile: Sendable {
    let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Binds a socket to a path. Nobody can connect before it listens, so the mode is set in time.
    static func bind(_ path: String) throws(CommandError) -> (descriptor: CInt, file: SocketFile) {
        try Self.clear(path)
        let descriptor = try UnixSocket.open()
        do throws(CommandError) {
            let result = try UnixSocket.withAddress(path) {
                Self.bindSystemCall(descriptor, $0, $1)
            }
            if result != 0 { throw Self.error(path, "cannot be bound") }
            if chmod(path, 0o600) != 0 { throw Self.error(path, "cannot be made private") }
            guard let status = Self.status(of: path) else { throw Self.error(path, "has vanished") }
            let file = SocketFile(
                path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
            return (descriptor, file)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Lets a thousand clients connect at once; NIO's own queue holds 128.
    static func deepenQueue(of descriptor: CInt) throws {
        if listen(descriptor, 4096) != 0 { throw Self.error("the control socket", "cannot listen") }
    }

    /// Removes the file, unless it is another one by now.
    func remove() {
        guard let status = Self.status(of: self.path), UInt64(status.st_dev) == self.device,
            UInt64(status.st_ino) == self.inode
        else { return }
        unlink(self.path)
    }

    /// Removes what a run left that could not clean up.
    private static func clear(_ path: String) throws(CommandError) {
        guard let status = Self.status(of: path) else { return }
        if status.st_mode & S_IFMT != S_IFSOCK {
            throw CommandError(.conflict, "\(path): only a socket is replaced, found another file")
        }
        if try UnixSocket.isListening(at: path) {
            throw CommandError(.conflict, "\(path): another run listens here")
        }
        unlink(path)
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func bindSystemCall(
        _ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) -> CInt {
        #if canImport(Darwin)
            Darwin.bind(descriptor, address, length)
        #else
            Glibc.bind(descriptor, address, length)
        #endif
    }

    private static func error(_ path: String, _ what: String) -> CommandError {
        CommandError(.failed, "\(path): \(what): \(String(cString: strerror(errno)))")
    }
}
