import ChaosCore
import DequeModule

// What happens to the bytes of one direction, in this order:
//
//   read ─ framing ─ match, ack_loss ─ loss ─ duplicate ─ corrupt ─ delay, reorder ─▶ queue
//   queue ─ reset_peer, timeout ─ coalesce ─ rate, slicer ─ limit_data ─ partition ─▶ write
//
// The first line is decided when bytes arrive, the second when they may leave. Everything before
// the queue decides once per block or message; nothing behind it draws a random number but the
// slicer. The partition holds back also what the faults before it do: a reset or a close crosses a
// cut no more than a byte does.

/// Decides what happens to the bytes on one direction of one connection.
///
/// A pipeline never reads a clock and never touches a socket. Its connection reports what happened
/// and asks for the next action until there is none.
struct StreamPipeline {
    /// The size of a block of a raw stream: the payload of a full Ethernet segment with timestamps.
    static var blockSize: Int { 1448 }
    /// How much a direction may hold that nothing delays.
    static var undelayedLimit: Int { 256 << 10 }
    /// What a waiting chunk costs beside its bytes, so that tiny ones cannot fill the memory.
    static var itemCost: Int { 256 }

    let link: LinkState
    /// The link the other way, for round trips.
    let reverseLink: LinkState
    let direction: Direction
    /// How much of a raw stream is written at once.
    let pieceLimit: Int
    /// From which every draw of this direction derives.
    private let key: Seed
    var counters = DirectionCounters()
    /// The faults that act before the queue, if there are any.
    private(set) var faults: StreamFaults?

    // Before the queue.
    var framer: Framer?
    var partial: Chunk?
    /// Set while the parts of a message pass as they come; then the rest must too.
    var passing: PassingMessage?
    /// What was drawn for the block whose bytes are arriving.
    var block = BlockDecision()
    /// Where the blocks end that are lost once and may still be repaired, in order.
    var repairableEnds: [Int] = []
    var messagesStarted = 0
    /// The method of the HTTP request whose bytes are arriving.
    var method: String?
    var held: [HeldMessage] = []
    var hasWarnedOfSync = false
    /// What was taken away of an HTTP/2 connection, once something was.
    var flow: HTTP2Flow?

    // The queue and what follows it.
    var queue: Deque<QueueItem> = []
    var release = ReleaseState()
    var hasEnded = false
    /// When the message that is leaving began to, in the order of cuts: what of it follows a cut in
    /// mode `lose` that came later has to pass.
    var leavingSince = 0

    /// The stages behind it all, if the link has had any.
    private(set) var chain: Chain?
    let connectionOrdinal: Int

    /// When what is here was read, where that is measured.
    private var arrivals = Arrivals()
    private var revision = -1
    /// A rolling hash over all decisions, to compare runs by.
    private(set) var fingerprint: UInt64 = 0
    private(set) var decisions = 0

    init(
        _ ticket: ConnectionTicket, direction: Direction, messageLimit: Int, pieceLimit: Int
    ) {
        let isForward = direction == .forward
        self.init(
            over: isForward ? ticket.forward : ticket.backward,
            reverse: isForward ? ticket.backward : ticket.forward, ordinal: ticket.ordinal,
            direction: direction, messageLimit: messageLimit, pieceLimit: pieceLimit)
    }

    /// Makes the pipeline of a connection that the network need not know of.
    init(
        over link: LinkState, reverse: LinkState, ordinal: Int, direction: Direction,
        messageLimit: Int = Framer.limitDefault, pieceLimit: Int
    ) {
        self.link = link
        self.reverseLink = reverse
        self.direction = direction
        self.pieceLimit = pieceLimit
        self.connectionOrdinal = ordinal
        self.key = self.link.network.seed.derived(
            "stream", self.link.link.description, String(ordinal), direction.rawValue)
        if self.link.framing != .none {
            self.framer = Framer(self.link.framing, side: self.side, limit: messageLimit)
        }
    }

    var side: StreamSide { self.direction == .forward ? .requests : .responses }

    /// Whether bytes may pass without a look: nothing waits, and nothing is in force.
    var isTransparent: Bool {
        self.framer == nil && self.queue.isEmpty && self.link.faults.isEmpty
            && self.link.cuts.isEmpty && !self.release.isPausing && !self.hasEnded
            && self.chain?.isPlain != false
    }

    /// Takes over changed faults and cuts. Faults that stay keep their draws. Bytes in the queue
    /// keep the deadline they have, unless `delay` was taken away: then everything is released at
    /// once, in order. (Taking away `rate` releases what only the rate kept back.)
    ///
    /// - Parameter exchange: What both directions of the connection know of each other.
    mutating func configure(at now: Instant, exchange: Exchange) {
        if self.revision == self.link.revision { return }
        self.revision = self.link.revision
        let hadDelay = self.faults?.delay != nil
        if self.faults != nil || !self.link.faults.isEmpty {
            let faults = self.faults ?? StreamFaults()
            faults.update(
                self.link, isFramed: self.framer != nil, direction: self.direction, key: self.key,
                firstBlock: self.counters.received / Self.blockSize)
            self.faults = faults.isEmpty ? nil : faults
        }
        self.block.keepOnly(self.faults)
        self.release.configure(
            self.link, key: self.key, written: self.counters.written, at: now)
        if hadDelay && self.faults?.delay == nil { self.releaseEverything(at: now) }
        if self.chain != nil || !self.link.stages.isEmpty {
            self.configureChain(at: now, exchange)
        }
    }

    private mutating func configureChain(at now: Instant, _ exchange: Exchange) {
        let chain =
            self.chain
            ?? Chain(
                ChainPlace(
                    direction: self.direction, ordinal: self.connectionOrdinal, exchange: exchange),
                key: self.link.stageSeed.derived(UInt64(self.connectionOrdinal))
                    .derived(self.direction.rawValue),
                limit: self.link.network.queueLimit)
        self.chain = chain
        chain.configure(self.link.stages, at: now)
    }

    mutating func releaseEverything(at now: Instant) {
        for index in self.queue.indices {
            self.queue[index].due = min(self.queue[index].due, now)
            self.queue[index].dueWithoutLoss = nil
        }
        self.repairableEnds.removeAll()
        for index in self.held.indices {
            self.held[index].item.due = min(self.held[index].item.due, now)
        }
    }

    /// Whether the driver should read on, if a direction's share of the run's memory is `share`.
    ///
    /// An unfinished message alone never stops reading: only its rest makes it move.
    func wantsInput(share: Int) -> Bool {
        if self.hasEnded { return false }
        let overhead = (self.queue.count + self.held.count) * Self.itemCost
        if self.counters.queued + overhead < self.limit(share: share) { return true }
        return self.queue.isEmpty && self.held.isEmpty
    }

    /// How many bytes may wait before the driver stops reading.
    private func limit(share: Int) -> Int {
        if case .rate(let rate)? = self.release.rate?.fault, let limit = rate.limit {
            return max(1, limit.bytes)
        }
        guard let faults = self.faults,
            faults.delay != nil || faults.loss != nil || faults.reorder != nil
        else { return Self.undelayedLimit }
        return max(Self.undelayedLimit, min(self.link.network.queueLimit, share))
    }

    /// Puts something behind everything that waits.
    mutating func enqueue(_ item: QueueItem) {
        self.counters.queued += item.byteCount
        self.queue.append(item)
    }

    /// Puts bytes that belong to no whole message behind everything that waits. They join bytes
    /// that leave no sooner anyway, if that costs little.
    mutating func enqueue(_ bytes: Chunk, due: Instant, place: Int, at now: Instant) {
        let last = self.queue.count - 1
        if last >= 0, self.queue[last].takesMore(due: due, at: now),
            case .bytes(var waiting) = self.queue[last].content
        {
            let isSmall = bytes.count < 4096 && waiting.count < 64 << 10
            // Otherwise the bytes would have two owners, and appending would copy all of them.
            self.queue[last].content = .end
            let isJoined = waiting.extend(by: bytes)
            if !isJoined && isSmall { waiting.append(bytes) }
            self.queue[last].content = .bytes(waiting)
            if isJoined || isSmall {
                self.counters.queued += bytes.count
                return
            }
        }
        self.enqueue(QueueItem(.bytes(bytes), due: due, place: place))
    }

    /// Notes a decision in the fingerprint.
    mutating func fold(_ tag: UInt64, _ ordinal: Int, _ value: UInt64) {
        self.decisions += 1
        self.fingerprint =
            Seed(self.fingerprint).derived(tag).derived(UInt64(ordinal)).derived(value).value
    }

    /// Notes when bytes were read, if their time is measured.
    mutating func noteArrival(at now: Instant) {
        if self.link.network.measuresLatency {
            self.arrivals.read(to: self.counters.received, at: now)
        }
    }

    /// Counts the time of what is gone.
    mutating func noteDeparture(at now: Instant) {
        if !self.link.network.measuresLatency { return }
        let counters = self.countersThroughChain
        let gone = counters.received - counters.queued - counters.discarded
        let link = self.link
        self.arrivals.gone(to: gone, at: now) { link.latencies.add($0) }
    }

    /// Gives up everything that waits, because the connection ends.
    mutating func discardAll() {
        self.counters.discarded += self.counters.queued
        self.counters.queued = 0
        self.chain?.discardAll()
        self.queue.removeAll()
        self.held.removeAll()
        self.partial = nil
        self.repairableEnds.removeAll()
        self.release.wakeAt = .never
    }
}
