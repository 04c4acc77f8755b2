import ChaosCore
import ChaosToxiproxy

/// A toxic that is a fault of a link: it is for all connections at once, and acts before the chain.
struct LinkToxic: Sendable {
    /// Tells it, as it is now, from all others of the link.
    let id: String
    let fault: Fault
    let links: LinkPattern

    /// - Parameter link: The link over which clients open connections.
    init?(_ toxic: Toxic, over link: Link) {
        let attributes = toxic.attributes
        func time(_ name: String) -> Duration { .milliseconds(attributes.integer(name)) }
        func share(_ name: String) -> Ratio {
            Ratio(billionths: Int64((attributes.real(name) * 1e9).rounded()))
        }
        switch toxic.type {
        case .delay:
            self.fault = .delay(
                Fault.Delay(
                    latency: time("latency"), jitter: time("jitter"),
                    distribution: attributes.word("distribution").flatMap {
                        Fault.DistributionName(rawValue: $0)
                    } ?? .uniform, correlation: share("correlation")))
        case .loss:
            self.fault = .loss(
                Fault.Loss(
                    .plain(.random(share("probability"), correlation: share("correlation")))))
        case .corrupt:
            self.fault = .corrupt(
                Fault.Corrupt(
                    .random(share("probability"), correlation: .zero),
                    bits: max(1, Int(attributes.integer("bits")))))
        case .down: self.fault = .refuse
        case .acceptDelay: self.fault = .acceptDelay(time("delay"))
        default: return nil
        }
        // Connecting goes over one link only, whatever stream was named.
        let isForward =
            toxic.stream == .upstream || toxic.type == .down || toxic.type == .acceptDelay
        let way = isForward ? link : link.reversed
        self.id = "\(toxic.identity) \(toxic.revision)"
        self.links = LinkPattern(
            NodePattern(way.source), NodePattern(way.target), port: way.port)
    }
}
