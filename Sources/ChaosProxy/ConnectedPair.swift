import ChaosCore

/// A connection that was accepted and dialled by somebody else than the proxy.
package struct ConnectedPair: Sendable {
    /// The link over which it was opened.
    package let link: Link
    /// Where the target listens.
    package let upstream: Endpoint
    /// The socket that was accepted, which does not block.
    package let opener: CInt
    /// The socket that was dialled, which is connected and does not block.
    package let target: CInt

    package init(link: Link, upstream: Endpoint, opener: CInt, target: CInt) {
        self.link = link
        self.upstream = upstream
        self.opener = opener
        self.target = target
    }
}
