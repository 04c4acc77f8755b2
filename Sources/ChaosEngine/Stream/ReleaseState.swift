import ChaosCore

// The part of a direction behind its queue: faults that act on when and in which pieces bytes leave.

/// The faults behind the queue, and what they remember.
struct ReleaseState {
    private(set) var rate: LinkFault?
    private(set) var slicer: LinkFault?
    private(set) var limitData: LinkFault?
    private(set) var slowClose: LinkFault?
    private(set) var resetPeer: LinkFault?
    private(set) var timeout: LinkFault?
    private(set) var coalesce: LinkFault?

    /// When the bucket of a `rate` per connection is free again.
    var bucketFreeAt = Instant.start
    /// The pieces that the slicer has begun, and how much of the last is still to come.
    var piecesBegun: UInt64 = 0
    var pieceRest = 0
    var nextPieceAt = Instant.start
    /// When the end of the stream may be passed on under `slow_close`.
    var endDue: Instant?
    /// When `reset_peer` strikes.
    var resetAt: Instant?
    /// Since when no byte came under `timeout`.
    private var quietSince = Instant.start
    /// Whether `timeout` took bytes away; the stream must not go on without them.
    private var hasSwallowed = false
    /// Until when `coalesce` collects.
    var collectUntil: Instant?
    /// Whether the connection must close since exactly as many bytes passed as `limit_data` allows.
    var hasReachedLimit = false
    var hasWarnedOfSync = false
    /// When to look again.
    var wakeAt = Instant.never

    private var rateWasRemoved = false
    private var touched: [ObjectIdentifier] = []

    /// Whether anything here keeps bytes back.
    var isPausing: Bool {
        self.hasSwallowed || self.resetAt != nil || self.collectUntil != nil || self.hasReachedLimit
    }

    mutating func configure(_ link: LinkState, at now: Instant) {
        let hadRate = self.rate != nil
        self.rate = link.fault(.rate)
        if hadRate && self.rate == nil { self.rateWasRemoved = true }
        self.slicer = link.fault(.slicer)
        if self.slicer == nil { (self.pieceRest, self.nextPieceAt) = (0, .start) }
        self.limitData = link.fault(.limitData)
        let slowClose = link.fault(.slowClose)
        // A changed delay counts from now; without one the end passes at once.
        if slowClose !== self.slowClose { self.endDue = nil }
        self.slowClose = slowClose
        let resetPeer = link.fault(.resetPeer)
        if resetPeer !== self.resetPeer { self.resetAt = nil }
        self.resetPeer = resetPeer
        let timeout = link.fault(.timeout)
        if timeout !== self.timeout { self.quietSince = now }
        self.timeout = timeout
        self.coalesce = link.fault(.coalesce)
        if self.coalesce == nil { self.collectUntil = nil }
    }

    /// Whether a `rate` was taken away since this was last asked.
    mutating func takeRateWasRemoved() -> Bool {
        defer { self.rateWasRemoved = false }
        return self.rateWasRemoved
    }

    /// Whether arriving bytes are taken away.
    func swallows(_ link: LinkState) -> Bool { self.timeout != nil }

    mutating func noteSwallowed(at now: Instant) {
        self.hasSwallowed = true
        self.quietSince = now
        self.timeout.map { self.touchOnce($0) }
        self.timeout?.hit()
    }

    /// Whether the stream lacks bytes and nothing takes more away: it cannot go on.
    var isBroken: Bool { self.hasSwallowed && self.timeout == nil }

    /// When `timeout` closes the connection, if ever.
    var timeoutAt: Instant? {
        guard case .timeout(let after)? = self.timeout?.fault, after > .zero else { return nil }
        return self.quietSince + after
    }

    /// Notes that bytes or the end arrived: some faults count from then.
    mutating func noteActivity(at now: Instant) {
        if case .resetPeer(let after)? = self.resetPeer?.fault, self.resetAt == nil {
            self.resetAt = now + after
            self.resetPeer.map { self.touchOnce($0) }
        }
    }

    /// Counts a connection as exposed to a fault, once.
    mutating func touchOnce(_ fault: LinkFault) {
        let identity = ObjectIdentifier(fault)
        if self.touched.contains(identity) { return }
        self.touched.append(identity)
        fault.touch()
    }
}
