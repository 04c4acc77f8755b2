import ChaosCore

// Most stages are a few words about one chunk and are written out in `StageState`. Those that look
// into a stream, or are faults of links put into a chain, do their work here.

/// What does the work of a stage on one direction of one connection.
protocol StageWorker: AnyObject {
    /// Whether it takes something now.
    ///
    /// - Parameter limit: How many bytes it may hold, if it delays.
    func accepts(limit: Int) -> Bool
    /// Takes something; only after it said that it does.
    func take(_ item: ChainItem, at now: Instant)
    /// The next thing that leaves now, if something does.
    func emit(at now: Instant) -> ChainItem?
    /// When something leaves if nothing happens before.
    func wake(after now: Instant) -> Instant?
    /// Whether what leaves next ends the connection.
    func endsNext(at now: Instant) -> Bool
    /// Takes over new values of its stage.
    func update(at now: Instant)
    /// Does nothing any more to what comes, and lets go at once what it may.
    func retire(at now: Instant)
    /// Whether it may be forgotten once it was retired.
    var isDone: Bool { get }
    /// Gives up what it has; returns how many bytes that were.
    func discard() -> Int
    /// What it did since this was last asked.
    func takeTally() -> StageTally
}

/// What a stage did.
struct StageTally {
    /// Bytes that it took away.
    var lost = 0
    /// Bytes that it added.
    var added = 0
    /// How often it acted.
    var hits = 0

    mutating func take() -> StageTally {
        defer { self = StageTally() }
        return self
    }
}

/// What waits in a worker, in order.
struct TimedItems {
    private var items: [(item: ChainItem, due: Instant)] = []
    private var next = 0
    private var lastDue = Instant.start
    private(set) var byteCount = 0

    var isEmpty: Bool { self.next == self.items.count }

    /// Puts something behind all others; it leaves no sooner than they do.
    mutating func append(_ content: ChainItem.Content, due: Instant, at now: Instant) {
        self.lastDue = max(self.lastDue, due)
        let item = ChainItem(content, arrived: now)
        self.byteCount += item.byteCount
        self.items.append((item, self.lastDue))
    }

    /// When the first one leaves.
    var due: Instant? { self.isEmpty ? nil : self.items[self.next].due }

    func endsNext(at now: Instant) -> Bool {
        !self.isEmpty && self.items[self.next].due <= now && self.items[self.next].item.isAbrupt
    }

    mutating func popFirst(at now: Instant) -> ChainItem? {
        guard let due = self.due, due <= now else { return nil }
        var item = self.items[self.next].item
        // What follows counts from when it left here, so that delays add up.
        item.arrived = max(item.arrived, due)
        self.next += 1
        if self.next == self.items.count {
            self.items.removeAll(keepingCapacity: true)
            self.next = 0
        }
        self.byteCount -= item.byteCount
        return item
    }

    /// Lets everything leave at once.
    mutating func release(at now: Instant) {
        for index in self.items.indices { self.items[index].due = min(self.items[index].due, now) }
        self.lastDue = min(self.lastDue, now)
    }

    mutating func removeAll() -> Int {
        defer { self = TimedItems() }
        return self.byteCount
    }
}
