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

    /// Refuses an address that this network does not have.
    func check(listen: String, upstream: String) throws(ToxiproxyError) {
        for address in [listen, upstream] where self == .udp && address.hasPrefix("unix:") {
            throw ToxiproxyError(
                "invalid address: a udp proxy has HOST:PORT, found '\(address)'", 400)
        }
    }
}
