import ChaosCore

/// One listener of the proxy: connections accepted here are opened over this link.
package struct ProxiedLink: Sendable {
    /// What crosses a link.
    package enum Transport: Hashable, Sendable {
        /// Connections, of TCP or of Unix sockets.
        case stream
        /// Datagrams of UDP.
        case datagrams
    }

    /// The link over which the connections are opened.
    package let link: Link
    /// Where the proxy listens; port 0 takes a free one.
    package let listen: Endpoint
    /// Where the target listens.
    package let upstream: Endpoint
    /// The address from which the proxy dials, so that the target sees its peer there.
    package let sourceHost: String?
    /// Who else may come in here, and how that is told; nil where everything that is accepted goes over
    /// the link.
    package let openers: OpenerRule?
    /// What comes in here.
    package let transport: Transport
    /// Whether a connection whose target cannot be reached is ended (FIN) rather than reset.
    package let endsUnreached: Bool
    /// The TLS on either side, which only the NIO driver speaks.
    package let tls: ProxyTLS?

    /// Makes a listener.
    package init(
        link: Link, listen: Endpoint, upstream: Endpoint, sourceHost: String? = nil,
        openers: OpenerRule? = nil, transport: Transport = .stream, endsUnreached: Bool = false,
        tls: ProxyTLS? = nil
    ) {
        self.link = link
        self.listen = listen
        self.upstream = upstream
        self.sourceHost = sourceHost
        self.openers = openers
        self.transport = transport
        self.endsUnreached = endsUnreached
        self.tls = tls
    }

    /// The same way to the target for another opener.
    func over(_ opener: NodeName, from sourceHost: String?) -> ProxiedLink {
        ProxiedLink(
            link: Link(opener, self.link.target, self.link.port), listen: self.listen,
            upstream: self.upstream, sourceHost: sourceHost, transport: self.transport)
    }
}

/// Says why the proxy could not do something with an address.
package struct ProxyError: Error, CustomStringConvertible, Sendable {
    /// One sentence: where and why.
    package let description: String
}
