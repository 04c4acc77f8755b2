import ChaosCore

/// What must be done to sockets, asked by the API and carried out by whoever has them.
package protocol ToxiproxyPlane: Sendable {
    /// The address of a host, in its canonical text.
    ///
    /// - Throws: Why there is none: `lookup nowhere: no such host`.
    func address(of host: String) async throws(PlaneFailure) -> String

    /// Begins to accept; returns the bound address as text.
    ///
    /// - Throws: Why it cannot: `bind: address already in use`.
    func open(_ proxy: PlaneProxy) async throws(PlaneFailure) -> String

    /// Stops accepting and closes every connection at once.
    func close(_ id: Int) async

    /// Makes these the toxics of a proxy that is open, for its connections too.
    func apply(_ toxics: [Toxic], to id: Int) async
}

/// Why sockets did not do what they should.
package struct PlaneFailure: Error, Hashable, Sendable {
    package let reason: String
    /// Whether what was asked for is wrong in itself.
    package let isInput: Bool

    package init(_ reason: String, isInput: Bool = false) {
        self.reason = reason
        self.isInput = isInput
    }
}

/// A proxy that is to accept.
package struct PlaneProxy: Sendable {
    /// Unlike that of every other start of every proxy.
    package let id: Int
    /// The proxy's name: any text.
    package let name: String
    /// How often a proxy of this name was started before.
    package let start: Int
    package let listen: ListenAddress
    /// Where to dial, as it was written.
    package let upstream: String
    package let network: ProxyNetwork
    package let tls: TLSSettings?
    package let toxics: [Toxic]
}
