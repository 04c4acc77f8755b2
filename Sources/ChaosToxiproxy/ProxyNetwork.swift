import ChaosCore

/// What a proxy carries. Toxiproxy knows TCP alone.
package enum ProxyNetwork: String, CaseIterable, Sendable {
    /// Connections, of TCP or of Unix sockets.
    case tcp
    /// Datagrams of UDP.
    case udp

    /// Reads what a body says; nothing stands for what it was.
    init(_ text: String, or before: ProxyNetwork) throws(ToxiproxyError) {
        if text.isEmpty {
            self = before
        } else if let network = ProxyNetwork(rawValue: GoJSON.folded(text)) {
            self = network
        } else {
            throw ToxiproxyError("invalid network: must be tcp or udp, found '\(text)'", 400)
        }
    }

    /// Refuses a type of toxic that this network has nothing to do for.
    func check(_ type: ToxicType) throws(ToxiproxyError) {
        if self == .tcp || type.isForDatagrams { return }
        let known = ToxicType.allCases.filter(\.isForDatagrams).map(\.rawValue)
        throw ToxiproxyError(
            "invalid toxic type: \(type.rawValue) is for streams; a udp proxy has "
                + known.joined(separator: ", "), 400)
    }

    /// Whether a type of toxic is a fault of all connections, or of all datagrams, at once rather than
    /// a stage of some.
    package func isForAll(_ type: ToxicType) -> Bool {
        switch type {
        case .down, .refuse, .acceptDelay: true
        case .delay, .loss, .corrupt, .duplicate, .reorder: self == .udp
        default: false
        }
    }

    /// Refuses attributes without which a toxic has nothing to do on a stream.
    func check(_ attributes: ToxicAttributes) throws(ToxiproxyError) {
        if self == .tcp && attributes.type.needsFraming && !attributes.has("framing") {
            throw ToxiproxyError(
                "missing attribute: \(attributes.type.rawValue) framing must tell how messages are "
                    + "told apart: lines, length16, length32, varint or resp", 400)
        }
    }

    /// Refuses an address that this network does not have, and TLS where there is none.
    func check(
        listen: String, upstream: String, tls: TLSSettings?
    ) throws(ToxiproxyError) {
        if self == .udp && tls != nil {
            throw ToxiproxyError("invalid tls: a udp proxy has none", 400)
        }
        for address in [listen, upstream] where self == .udp && address.hasPrefix("unix:") {
            throw ToxiproxyError(
                "invalid address: a udp proxy has HOST:PORT, found '\(address)'", 400)
        }
    }
}
