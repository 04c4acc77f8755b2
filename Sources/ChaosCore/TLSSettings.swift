/// Where a proxy ends TLS and where it begins it anew; on neither side it passes TLS on as it is.
package struct TLSSettings: Hashable, Sendable {
    /// What clients meet, if they are to speak TLS.
    package var listening: Listening?
    /// How the target is dialled, if it is to be spoken to in TLS.
    package var dialling: Dialling?

    /// Makes settings without TLS.
    package init() {}

    /// The server that clients meet. Files are in PEM.
    package struct Listening: Hashable, Sendable {
        /// The file of the certificate, with those between it and its root behind it.
        package var certificate: String
        package var key: String
        /// The file of the certificates that clients' certificates must derive from, if clients must
        /// have some.
        package var clientCA: String?

        package init(certificate: String, key: String, clientCA: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientCA = clientCA
        }
    }

    /// The client that a target meets. Files are in PEM.
    package struct Dialling: Hashable, Sendable {
        /// The file of the certificates that the target's must derive from; `nil` leaves it to the
        /// system's.
        package var ca: String?
        /// The name that is asked for and that the certificate must be for; `nil` takes the one that
        /// the client asked for, or else the target's.
        package var serverName: String?
        /// Whether the target's certificate and name are verified.
        package var isVerified = true
        /// What the proxy shows of itself, if the target asks.
        package var certificate: String?
        package var key: String?

        package init() {}
    }
}
