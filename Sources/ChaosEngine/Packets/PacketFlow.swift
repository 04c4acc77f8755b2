import ChaosCore

/// The packets between two ends, as far as the books of a network know them: what a connection is for
/// a stream. Whoever sent the first of them opened it.
package final class PacketFlow {
    /// Its place in the network's books.
    package let ticket: ConnectionTicket
    /// By which its driver finds what belongs to it.
    package let tag: Int
    private var forward = DirectionSummary()
    private var backward = DirectionSummary()
    /// Whether it is gone: its packets have nowhere to go.
    package private(set) var isClosed = false
    /// The queues of rates that each flow has for itself.
    private var queues: [(identity: Int, direction: Direction, queue: RateQueue)] = []
    /// The stages that acted on it, in either direction.
    private var struck: [(stage: Int, direction: Direction)] = []

    /// Opens a flow over a link.
    ///
    /// - Parameter isOlder: Whether it was open before every cut: only now its packets come this way.
    package init(
        over link: Link, in network: Network, tag: Int, isOlder: Bool = false, at now: Instant
    ) {
        self.ticket = ConnectionTicket(
            forward: network.state(of: link), backward: network.state(of: link.reversed),
            isOlder: isOlder, at: now)
        self.tag = tag
    }

    /// Its number among the flows opened over its link, from 0.
    package var ordinal: Int { self.ticket.ordinal }

    /// The counters of a direction, in bytes.
    package func counters(_ direction: Direction) -> DirectionCounters {
        direction == .forward ? self.forward.counters : self.backward.counters
    }

    /// The hash over all decisions of a direction so far.
    package func fingerprint(_ direction: Direction) -> UInt64 {
        direction == .forward ? self.forward.fingerprint : self.backward.fingerprint
    }

    /// How many bytes of it wait. Packets without bytes do not show here: see ``packetsQueued``.
    package var bytesQueued: Int { self.forward.counters.queued + self.backward.counters.queued }

    /// How many of its packets wait.
    package internal(set) var packetsQueued = 0

    /// Whether a cut ended it: it was opened before the cut, and the cut leaves only new ones.
    package var isCutOff: Bool {
        self.ticket.forward.cuts.contains {
            $0.mode == .establishedOnly && $0.order > self.ticket.order
        }
    }

    /// Counts the flow for the cuts that ended it.
    package func meetCutOff() {
        for cut in self.ticket.forward.cuts
        where cut.mode == .establishedOnly && cut.order > self.ticket.order { cut.strike() }
    }

    /// The flow is gone; to be called exactly once. What waits of it goes nowhere.
    package func close(at now: Instant) {
        self.isClosed = true
        for direction in Direction.allCases {
            self.count(direction) { counters in
                counters.discarded += counters.queued
                counters.queued = 0
            }
        }
        self.ticket.close(forward: self.forward, backward: self.backward, at: now)
    }

    // MARK: - For pipelines

    func count(_ direction: Direction, _ change: (inout DirectionCounters) -> Void) {
        if direction == .forward {
            change(&self.forward.counters)
        } else {
            change(&self.backward.counters)
        }
    }

    /// Notes a decision in the fingerprint of a direction.
    func fold(_ direction: Direction, _ tag: UInt64, _ ordinal: UInt64, _ value: UInt64) {
        func folded(_ summary: inout DirectionSummary) {
            summary.decisions += 1
            summary.fingerprint =
                Seed(summary.fingerprint).derived(tag).derived(ordinal).derived(value).value
        }
        if direction == .forward { folded(&self.forward) } else { folded(&self.backward) }
    }

    /// The queue that a rate has for this flow alone.
    func queue(of identity: Int, _ direction: Direction) -> RateQueue {
        for entry in self.queues where entry.identity == identity && entry.direction == direction {
            return entry.queue
        }
        let queue = RateQueue()
        self.queues.append((identity, direction, queue))
        return queue
    }

    /// Notes that a stage acted on it; tells whether it did so for the first time.
    func isFirstStrike(of stage: Int, _ direction: Direction) -> Bool {
        if self.struck.contains(where: { $0.stage == stage && $0.direction == direction }) {
            return false
        }
        self.struck.append((stage, direction))
        return true
    }
}
