import ChaosCore

// A connection that no fault, framing or cut concerns needs its place in the books and nothing else of
// the engine: its driver passes the bytes on by itself. When something comes to concern it, the driver
// makes a `Connection` with the same ticket and what happened so far.

/// A connection's place in the network's books.
package struct ConnectionTicket {
    /// The state of the link over which the connection was opened.
    package let forward: LinkState
    /// The state of the link the other way.
    package let backward: LinkState
    /// Its number among the connections opened over that link, from 0.
    package let ordinal: Int
    /// When it was opened.
    package let openedAt: Instant
    /// Its place among cuts and connections: which came first.
    let order: Int

    /// Counts a new connection and writes down that it was opened.
    ///
    /// - Parameter isOlder: Whether it was there before everything else in the books: the driver has
    ///   only now come to see it.
    package init(
        forward: LinkState, backward: LinkState, isOlder: Bool = false, at now: Instant
    ) {
        let network = forward.network
        self.forward = forward
        self.backward = backward
        self.ordinal = forward.connectionsOpened
        self.openedAt = now
        self.order = isOlder ? -1 : network.nextOrder()
        forward.connectionsOpened += 1
        forward.connectionsOpen += 1
        network.connectionsOpen += 1
        network.record(JournalEntry(at: now, opened: forward.link, ordinal: self.ordinal))
    }

    /// The link over which the connection was opened.
    package var link: Link { self.forward.link }

    /// Whether the engine has nothing to do for the connection right now.
    package var needsNoEngine: Bool {
        self.forward.isUntouched && self.backward.isUntouched && self.forward.framing == .none
    }

    /// Writes down that a connection without an engine is gone; to be called exactly once.
    package func closed(
        forward: DirectionCounters, backward: DirectionCounters, at now: Instant
    ) {
        self.close(
            forward: DirectionSummary(counters: forward),
            backward: DirectionSummary(counters: backward), at: now)
    }

    func close(forward: DirectionSummary, backward: DirectionSummary, at now: Instant) {
        self.forward.connectionsOpen -= 1
        self.forward.network.connectionsOpen -= 1
        self.forward.network.record(
            JournalEntry(
                at: now, closed: self.link, ordinal: self.ordinal, forward: forward,
                backward: backward))
    }
}

/// What one direction of a connection did before it had an engine.
package struct PassedDirection<Bytes: StreamBytes> {
    /// How many bytes were read.
    package var received = 0
    /// The last of them, if they still wait for their socket to take them.
    package var waiting: Bytes?
    /// Whether the source ended its stream.
    package var hasEnded = false

    /// Nothing yet.
    package init() {}
}
