/// A TCP connection as one of its two sockets sees it.
package struct SocketPair: Hashable, Sendable {
    /// The socket's own end.
    package let local: SocketEnd
    /// The end of its peer.
    package let remote: SocketEnd

    /// Makes a pair.
    package init(local: SocketEnd, remote: SocketEnd) {
        self.local = local
        self.remote = remote
    }

    /// The same connection as the other socket sees it.
    package var reversed: SocketPair { SocketPair(local: self.remote, remote: self.local) }
}
