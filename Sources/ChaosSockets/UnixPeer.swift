#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The process that connected to a Unix socket, as the kernel noted it when it did (unix(7),
/// SO_PEERCRED). Whoever has got the descriptor since then is not known to the kernel.
package final class UnixPeer: Sendable {
    /// The number of the process at that time.
    package let pid: Int32
    /// Holds on to the process itself, so that another one with its number is told apart; -1 where
    /// the kernel is older than 6.5.
    private let process: Int32

    /// What SO_PEERCRED gives: `struct ucred`, which glibc keeps behind _GNU_SOURCE.
    package struct Credentials: Sendable {
        package var pid: Int32 = 0
        package var user: UInt32 = 0
        package var group: UInt32 = 0

        package init() {}
    }

    /// The number of SO_PEERPIDFD (include/uapi/asm-generic/socket.h).
    package static let peerPIDFD: Int32 = 77

    /// Makes a peer from what the socket's options say; nil when they do not tell.
    ///
    /// - Parameters:
    ///   - credentials: The value of SO_PEERCRED.
    ///   - process: The value of SO_PEERPIDFD, which this peer closes, or the errno of asking for it.
    package init?(_ credentials: Credentials, process: Result<Int32, UnixPeerFailure>) {
        // 0 is a process of another pid namespace.
        if credentials.pid <= 0 { return nil }
        self.pid = credentials.pid
        switch process {
        case .success(let descriptor): self.process = descriptor
        // An older kernel.
        case .failure(let failure) where failure.errorNumber == ENOPROTOOPT: self.process = -1
        // The process is gone for good.
        case .failure: return nil
        }
    }

    #if os(Linux)
        /// Asks an accepted socket; nil where it does not know.
        package convenience init?(acceptedSocket descriptor: Int32) {
            var credentials = Credentials()
            var length = socklen_t(MemoryLayout<Credentials>.size)
            if getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 {
                return nil
            }
            var process: Int32 = -1
            length = socklen_t(MemoryLayout<Int32>.size)
            let code = getsockopt(descriptor, SOL_SOCKET, Self.peerPIDFD, &process, &length)
            self.init(
                credentials,
                process: code == 0
                    ? .success(process) : .failure(UnixPeerFailure(errorNumber: errno)))
        }
    #endif

    deinit { if self.process >= 0 { close(self.process) } }

    /// Whether the process has not ended, so that what was found out about its number is about it.
    package var isAlive: Bool {
        if self.process < 0 { return true }
        // pidfd_open(2): readable once the process has ended.
        var watched = pollfd(fd: self.process, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 0
    }
}

/// Why a socket did not tell.
package struct UnixPeerFailure: Error {
    let errorNumber: Int32

    /// Makes a failure.
    package init(errorNumber: Int32) { self.errorNumber = errorNumber }
}
