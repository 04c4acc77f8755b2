import ChaosCore

/// One active partition: the directed pairs it cuts, how, and what is known about it.
package final class Cut {
    /// Names the cut; unique in its run.
    package let id: String
    /// Who asked for it.
    package let origin: InjectionOrigin
    /// The partition as written.
    package let text: String
    /// The cut pairs, sorted.
    package let pairs: [DirectedPair]
    /// What the cut does.
    package let mode: PartitionMode
    /// The only port it concerns, or `nil` for all.
    package let port: PortName?
    /// When it took effect.
    package let begin: Instant
    /// How many connections, connection attempts and messages met it.
    package internal(set) var touched = 0
    /// What it did: messages lost, connections reset or refused or stalled.
    package internal(set) var hits = 0
    /// What crossed each link that is cut, as the driver wrote it; all must stay 0.
    package internal(set) var crossedBytes: [Link: Int] = [:]
    /// Its place among cuts and connections: which came first.
    let order: Int
    /// The connections that met the cut, so that each counts once.
    var met: Set<ObjectIdentifier> = []

    init(
        id: String, origin: InjectionOrigin, text: String, pairs: [DirectedPair],
        mode: PartitionMode, port: PortName?, begin: Instant, order: Int
    ) {
        self.order = order
        self.id = id
        self.origin = origin
        self.text = text
        self.pairs = pairs
        self.mode = mode
        self.port = port
        self.begin = begin
    }

    /// Whether bytes of this link are cut.
    package func covers(_ link: Link) -> Bool {
        if let port = self.port, port != link.port { return false }
        // Binary search: pairs are sorted, and clusters have up to 254² of them.
        let pair = DirectedPair(link.source, link.target)
        var (low, high) = (0, self.pairs.count)
        while low < high {
            let middle = (low + high) / 2
            if self.pairs[middle] < pair { low = middle + 1 } else { high = middle }
        }
        return low < self.pairs.count && self.pairs[low] == pair
    }
}

/// What a listener does with new connections.
package enum ListenerPolicy: Sendable {
    /// Accepts.
    case open
    /// Answers nothing: attempts time out, or wait for the end of the cut.
    case silent
    /// Refuses.
    case refused
}
