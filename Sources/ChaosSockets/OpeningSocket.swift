#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The socket of whoever opens a connection, as far as the one who accepts it can tell.
package enum OpeningSocket: Sendable {
    /// A TCP socket: its own end, and the end at which it was accepted.
    case tcp(SocketPair)
    /// A UDP socket: its own end, and the end to which it sent.
    case udp(SocketPair)
    /// A socket by its number, where the kernel told it already.
    case inode(UInt64)
    /// The process that connected to a Unix socket.
    case unix(UnixPeer)

    #if os(Linux)
        /// Asks an accepted socket who opened the connection; nil when that is over already.
        package init?(acceptedSocket descriptor: Int32) {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let code = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(descriptor, $0, &length)
                }
            }
            if code != 0 { return nil }
            if Int32(storage.ss_family) == AF_UNIX {
                guard let peer = UnixPeer(acceptedSocket: descriptor) else { return nil }
                self = .unix(peer)
                return
            }
            guard let own = SocketEnd(storage) else { return nil }
            length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let peerCode = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getpeername(descriptor, $0, &length)
                }
            }
            guard peerCode == 0, let peer = SocketEnd(storage) else { return nil }
            self = .tcp(SocketPair(local: peer, remote: own))
        }
    #endif
}
