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
    /// The number of the process at that time; 0 for one in another pid namespace.
    package let pid: Int32
    /// Holds on to the process itself, so that another one with its number is told apart; -1 where
    /// the kernel is older than 6.5.
    private let process: Int32

    #if os(Linux)
        private static let optionPeerPIDFD: Int32 = 77

        /// Asks an accepted socket; nil where it does not know.
        package init?(acceptedSocket descriptor: Int32) {
            // `struct ucred`, which glibc keeps behind _GNU_SOURCE: pid, uid, gid.
            var credentials: (pid: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
            var length = socklen_t(MemoryLayout.size(ofValue: credentials))
            guard
                getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
                credentials.pid > 0
            else { return nil }
            self.pid = credentials.pid
            var process: Int32 = -1
            length = socklen_t(MemoryLayout<Int32>.size)
            let code = getsockopt(
                descriptor, SOL_SOCKET, Self.optionPeerPIDFD, &process, &length)
            // ENOPROTOOPT: an older kernel. Anything else: the process is gone for good.
            if code != 0 && errno != ENOPROTOOPT { return nil }
            self.process = code == 0 ? process : -1
        }
    #else
        /// Only Linux lets us ask whose process that is.
        package init?(acceptedSocket descriptor: Int32) { return nil }
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
