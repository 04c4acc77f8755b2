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

    /// The bucket of a `rate` per connection.
    var bucket = TokenBucket()
    /// What a `rate` has already granted, and when it may leave.
    var granted = 0
    var grantedAt = Instant.start
    /// From which the sizes of the slicer's pieces are drawn, how many pieces have begun, and how
    /// much of the last is still to come.
    private(set) var sliceSizes = Seed(0)
    var piecesBegun: UInt64 = 0
    var pieceRest = 0
    var nextPieceAt = Instant.start
    /// When the end of the stream may be passed on under `slow_close`.
    var endDue: Instant?
    /// When `reset_peer` strikes.
    private(set) var resetAt: Instant?
    /// Since when no byte came under `timeout`.
    private var quietSince = Instant.start
    /// Whether `timeout` took bytes away; the stream must not go on without them.
    private var hasSwallowed = false
    /// Until when `coalesce` collects, and how much of what it collected is still to be written.
    var collectUntil: Instant?
    var collectedRest = 0
    /// How much had been written when `limit_data` came.
    private(set) var limitBase = 0
    /// Whether the connection must close since exactly as many bytes passed as `limit_data` allows.
    var hasReachedLimit = false
    /// When to look again.
    var wakeAt = Instant.never

    private var touched: [Int] = []
    private var struck: [Int] = []

    /// Whether anything here keeps bytes back.
    var isPausing: Bool { self.hasSwallowed || self.resetAt != nil || self.hasReachedLimit }

    /// Whether bytes leave as they are.
    var isPlain: Bool {
        self.rate == nil && self.slicer == nil && self.limitData == nil && self.coalesce == nil
    }

    /// Takes over the faults of a link; `written` is how many bytes of the direction have left.
    mutating func configure(_ link: LinkState, key: Seed, written: Int, at now: Instant) {
        self.wakeAt = min(self.wakeAt, now)
        let rate = link.fault(.rate)
        if rate !== self.rate { (self.granted, self.grantedAt) = (0, .start) }
        self.rate = rate
        let slicer = link.fault(.slicer)
        if slicer !== self.slicer {
            (self.piecesBegun, self.pieceRest, self.nextPieceAt) = (0, 0, .start)
            if let slicer { self.sliceSizes = key.derived(slicer.injection.id) }
        }
        self.slicer = slicer
        let limitData = link.fault(.limitData)
        // What counts begins with the first of several limits, as Toxiproxy's counter does.
        if self.limitData == nil { self.limitBase = written }
        if limitData !== self.limitData { self.hasReachedLimit = false }
        self.limitData = limitData
        let slowClose = link.fault(.slowClose)
        // A changed delay counts from now; without one the end passes at once.
        if slowClose !== self.slowClose { self.endDue = nil }
        self.slowClose = slowClose
        let resetPeer = link.fault(.resetPeer)
        if resetPeer !== self.resetPeer {
            // The first bytes have come already; a changed time counts from now.
            let wasWaiting = self.resetAt != nil
            self.resetAt = nil
            self.resetPeer = resetPeer
            if wasWaiting { self.noteActivity(at: now) }
        }
        let timeout = link.fault(.timeout)
        if timeout !== self.timeout { self.quietSince = now }
        self.timeout = timeout
        self.coalesce = link.fault(.coalesce)
        if self.coalesce == nil { (self.collectUntil, self.collectedRest) = (nil, 0) }
    }

    mutating func noteSwallowed(at now: Instant) {
        self.hasSwallowed = true
        self.quietSince = now
        if let timeout = self.timeout {
            self.touchOnce(timeout)
            self.hitOnce(timeout)
        }
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
        guard let fault = self.resetPeer, case .resetPeer(let after) = fault.fault,
            self.resetAt == nil
        else { return }
        self.resetAt = now + after
        self.touchOnce(fault)
    }

    /// After how many bytes of the direction `limit_data` closes the connection.
    var limit: Int? {
        guard case .limitData(let limit)? = self.limitData?.fault else { return nil }
        let (sum, overflow) = self.limitBase.addingReportingOverflow(limit.bytes)
        return overflow ? .max : sum
    }

    /// Counts a connection as exposed to a fault, once.
    mutating func touchOnce(_ fault: LinkFault) {
        if self.touched.contains(fault.identity) { return }
        self.touched.append(fault.identity)
        fault.touch()
    }

    /// Counts a connection as struck by a fault, once.
    mutating func hitOnce(_ fault: LinkFault) {
        if self.struck.contains(fault.identity) { return }
        self.struck.append(fault.identity)
        fault.hit()
    }
}
