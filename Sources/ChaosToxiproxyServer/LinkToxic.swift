import ChaosCore
import ChaosToxiproxy

/// A toxic that is a fault of connecting: it is for all connections at once.
struct LinkToxic: Sendable {
    /// Tells it, as it is now, from all others of the link.
    let id: String
    let fault: Fault
    let links: LinkPattern

    /// - Parameter link: The link over which clients open connections.
    init?(_ toxic: Toxic, over link: Link) {
        switch toxic.type {
        case .down, .refuse: self.fault = .refuse
        case .acceptDelay:
            self.fault = .acceptDelay(.milliseconds(toxic.attributes.integer("delay")))
        default: return nil
        }
        // Connecting goes over one link only, whatever stream was named.
        self.id = "\(toxic.identity) \(toxic.revision)"
        self.links = LinkPattern(
            NodePattern(link.source), NodePattern(link.target), port: link.port)
    }

    /// The name of the fault in the network.
    func injectionID(on link: Link) -> String { "\(link) \(self.id)" }
}
