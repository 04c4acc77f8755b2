import ChaosCore

/// One active partition: the directed pairs it cuts, how, and what is known about it.
package final class Cut {
    /// Names the cut; unique in its run.
    package let id: String
    /// Who asked for it.
    package let origin: InjectionOrigin
    /// The partition as written.
    package let text: String
    /// The cut pairs, in the order given.
    package let pairs: [DirectedPair]
    /// What the cut does.
    package let mode: PartitionMode
    /// The only port it concerns, or `nil` for all.
    package let port: PortName?
    /// When it took effect.
    package let begin: Instant
    /// How many connections, connection attempts and messages met it.
    package private(set) var touched = 0
    /// What it did: messages lost, connections reset or refused or stalled.
    package private(set) var hits = 0
    /// What crossed each link that is cut, as the driver wrote it; all must stay 0.
    package internal(set) var crossedBytes: [Link: Int] = [:]
    /// Its place among cuts and connections: which came first.
    let order: Int
    /// The open connections that met the cut, by their place, so that each counts once.
    private var met: Set<Int> = []
    /// Whether it still cuts.
    var isActive = true
    /// The pairs again, to be asked for quickly. Nothing goes through them in order.
    private let coverage: Set<DirectedPair>

    init(
        id: String, origin: InjectionOrigin, text: String, pairs: [DirectedPair],
        mode: PartitionMode, port: PortName?, begin: Instant, order: Int
    ) {
        self.order = order
        self.id = id
        self.origin = origin
        self.text = text
        self.pairs = pairs
        self.coverage = Set(pairs)
        self.mode = mode
        self.port = port
        self.begin = begin
    }

    /// Whether bytes of this link are cut.
    package func covers(_ link: Link) -> Bool {
        if let port = self.port, port != link.port { return false }
        return self.coverage.contains(DirectedPair(link.source, link.target))
    }

    /// Counts a connection, an attempt or a message that met the cut and was kept back by it.
    func strike() {
        self.touched += 1
        self.hits += 1
    }

    /// Counts a connection that met the cut, once.
    func strike(connection place: Int) {
        if self.met.insert(place).inserted { self.strike() }
    }

    /// Forgets a connection that is gone.
    func forget(connection place: Int) { self.met.remove(place) }
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
