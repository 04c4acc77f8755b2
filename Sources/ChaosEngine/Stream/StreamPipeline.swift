import ChaosCore
import DequeModule

// What happens to the bytes of one direction, in this order:
//
//   read ─ framing ─ match, ack_loss ─ loss ─ duplicate ─ corrupt ─ delay, reorder ─▶ queue
//   queue ─ reset_peer, timeout ─ rate ─ coalesce, slicer ─ limit_data ─ partition ─▶ write
//
// The first line is decided when bytes arrive, the second when they may leave. Everything before the
// queue decides once per block or message; nothing behind it draws a random number but the slicer.

/// Decides what happens to the bytes on one direction of one connection.
///
/// A pipeline never reads a clock and never touches a socket. Its connection reports what happened
/// and asks for the next action until there is none.
struct StreamPipeline<Bytes: StreamBytes> {
    /// The size of a block of a raw stream: the payload of a full Ethernet segment with timestamps.
    static var blockSize: Int { 1448 }
    /// How much a direction may hold that nothing delays.
    static var undelayedLimit: Int { 256 << 10 }
    /// How much of a raw stream is written at once.
    static var writeLimit: Int { 64 << 10 }

    let link: LinkState
    let direction: Direction
    /// From which every draw of this direction derives.
    private let key: Seed
    var counters = DirectionCounters()

    // Before the queue.
    var framer: Framer?
    var partial: Bytes?
    /// Whether the first bytes of the current message have passed already; then the rest must too.
    var isInPassedMessage = false
    var blocksStarted: UInt64 = 0
    /// What was drawn for the block whose bytes are arriving.
    var block = BlockDecision()
    var messagesStarted: UInt64 = 0
    var held: [HeldMessage<Bytes>] = []

    // The queue and what follows it.
    var queue: Deque<QueueItem<Bytes>> = []
    var release = ReleaseState()
    var hasEnded = false

    /// The sizes of the slicer's pieces.
    var sliceSizes: Seed { self.key.derived("slicer") }

    // The faults in force, with their draws.
    var loss: FaultDraws?
    var duplicate: FaultDraws?
    var corrupt: FaultDraws?
    var delay: FaultDraws?
    var reorder: FaultDraws?
    var ackLoss: FaultDraws?
    private var revision = -1
    /// A rolling hash over all decisions, to compare runs by.
    private(set) var fingerprint: UInt64 = 0
    private(set) var decisions = 0

    subscript(draws kind: FaultKind) -> FaultDraws? {
        get {
            switch kind {
            case .loss: self.loss
            case .duplicate: self.duplicate
            case .corrupt: self.corrupt
            case .delay: self.delay
            case .reorder: self.reorder
            case .ackLoss: self.ackLoss
            default: nil
            }
        }
        set {
            switch kind {
            case .loss: self.loss = newValue
            case .duplicate: self.duplicate = newValue
            case .corrupt: self.corrupt = newValue
            case .delay: self.delay = newValue
            case .reorder: self.reorder = newValue
            case .ackLoss: self.ackLoss = newValue
            default: break
            }
        }
    }

    private static var drawingKinds: [FaultKind] {
        [.loss, .duplicate, .corrupt, .delay, .reorder, .ackLoss]
    }

    init(link: LinkState, direction: Direction, connectionOrdinal: Int, seed: Seed, messageLimit: Int) {
        self.link = link
        self.direction = direction
        self.key = seed.derived(
            "stream", link.link.description, String(connectionOrdinal), direction.rawValue)
        if link.framing != .none {
            self.framer = Framer(
                link.framing, side: direction == .forward ? .requests : .responses,
                limit: messageLimit)
        }
    }

    /// Whether bytes may pass without a look: nothing waits, and nothing is in force.
    var isTransparent: Bool {
        self.framer == nil && self.queue.isEmpty && self.link.faults.isEmpty
            && self.link.cuts.isEmpty && !self.release.isPausing
    }

    /// Takes over changed faults and cuts. Faults that stay keep their draws; bytes in the queue
    /// keep the deadline they have, unless `delay` or `rate` was taken away: then everything is
    /// released at once, in order.
    mutating func configure(at now: Instant) {
        if self.revision == self.link.revision { return }
        self.revision = self.link.revision
        let hadDelay = self.delay != nil
        for kind in Self.drawingKinds {
            let fault = self.link.fault(kind)
            let applies = fault.map { $0.fault.needsFraming ? self.framer != nil : true } ?? false
            if let fault, applies {
                if self[draws: kind]?.fault !== fault {
                    self[draws: kind] = FaultDraws(
                        fault: fault, key: self.key.derived(fault.injection.id))
                    // Each open connection is exposed to a new fault once bytes flow; see `admit`.
                }
            } else {
                self[draws: kind] = nil
            }
        }
        self.release.configure(self.link, at: now)
        if hadDelay && self.delay == nil || self.release.takeRateWasRemoved() {
            self.releaseEverything(at: now)
        }
    }

    private mutating func releaseEverything(at now: Instant) {
        for index in self.queue.indices {
            self.queue[index].due = min(self.queue[index].due, now)
            self.queue[index].dueWithoutLoss = nil
        }
    }

    /// How many bytes may wait before the driver stops reading.
    func limit(share: Int) -> Int {
        var limit = Self.undelayedLimit
        if self.delay != nil || self.loss != nil || self.reorder != nil {
            limit = max(limit, min(self.link.network.queueLimit, share))
        }
        if case .rate(let rate)? = self.link.fault(.rate)?.fault, let bytes = rate.limit?.bytes {
            limit = bytes
        }
        return limit
    }

    /// Puts something behind everything that waits.
    mutating func enqueue(
        _ content: QueueItem<Bytes>.Content, due: Instant, isMessage: Bool = false
    ) {
        let item = QueueItem(content: content, due: due, isMessage: isMessage)
        self.counters.queued += item.byteCount
        self.queue.append(item)
    }

    /// Notes a decision in the fingerprint.
    mutating func fold(_ kind: FaultKind, _ ordinal: UInt64, _ value: UInt64) {
        self.decisions += 1
        let tag = UInt64(FaultKind.allCases.firstIndex(of: kind) ?? 0)
        self.fingerprint = Seed(self.fingerprint).derived(tag).derived(ordinal).derived(value).value
    }
}
