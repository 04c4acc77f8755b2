import ChaosCore
import ChaosToxiproxy

/// What is a fault of a link, for all connections or datagrams at once: a toxic, or an upstream that
/// refuses.
struct LinkToxic: Sendable {
    /// Tells it, as it is now, from all others of the link.
    let id: String
    let fault: Fault
    let links: LinkPattern

    /// - Parameter link: The link over which clients open connections.
    init?(_ toxic: Toxic, over link: Link, on network: ProxyNetwork) {
        guard network.isForAll(toxic.type) else { return nil }
        switch toxic.type {
        case .down, .refuse: self.fault = .refuse
        case .acceptDelay:
            self.fault = .acceptDelay(.milliseconds(toxic.attributes.integer("delay")))
        default: self.fault = toxic.attributes.fault
        }
        // Connecting goes over one link only, whatever stream was named.
        let isForward =
            toxic.stream == .upstream || toxic.type.refuses || toxic.type == .acceptDelay
        let way = isForward ? link : link.reversed
        self.id = "\(toxic.identity) \(toxic.revision)"
        self.links = LinkPattern(
            NodePattern(way.source), NodePattern(way.target), port: way.port)
    }

    /// Refuses as the upstream would.
    ///
    /// - Parameter link: The link over which clients open connections.
    init(refusingAsUpstreamOf link: Link) {
        self.id = "upstream"
        self.fault = .refuse
        self.links = LinkPattern(
            NodePattern(link.source), NodePattern(link.target), port: link.port)
    }

    /// The name of the fault in the network.
    func injectionID(on link: Link) -> String { "\(link) \(self.id)" }
}
