import ChaosCore
import DequeModule

/// One stage at work on one direction of one connection.
struct StageState {
    /// How many chunks a stage that delays holds.
    private static let delayedChunks = 1024
    /// How late a driver may come without costing bandwidth.
    private static let slack: Int64 = 20_000_000
    private static let millisecond: Int64 = 1_000_000

    let link: LinkStage
    private let place: ChainPlace
    private(set) var stage: Stage
    /// What does the work of a stage that is more than a few words; then this only passes on.
    private var worker: (any StageWorker)?
    /// The stage's draws on this connection; the first says whether it acts at all.
    private let draws: Seed

    /// What it has, in order.
    private var held: Deque<ChainItem> = []
    private(set) var heldBytes = 0
    private(set) var isRemoved = false
    /// Whether it has ended the connection.
    private var isFinished = false
    /// When what it waits for happens: a close, a reset, the end of a pause.
    private var timer: Instant?
    /// From when on the chunk in front is paid for, and how late the one before it left, which the next
    /// one gets back.
    private var paidAt = Instant.start
    private var credit: Int64 = 0
    private var allowance: (size: Int, at: Instant)?
    /// What is left to be cut off the chunk in front.
    private var pieces: Deque<Int> = []
    /// How many bytes arrived, by which draws are numbered, and how many left.
    private var offset: UInt64 = 0
    private var passed: Int64 = 0
    /// Whether all has left that a limit allows, so that the connection closes at once.
    private var hasReachedLimit = false
    private var hasDropped = false
    private var lastDue = Instant.start
    /// Bytes that the stage took away, and added, since they were last counted.
    private var lost = 0
    private var added = 0
    private var hasTouched = false
    /// Whether it acted for the first time since that was last asked.
    private var hasNews = false

    /// - Parameter key: From which the draws of this connection and direction derive.
    init(_ link: LinkStage, _ place: ChainPlace, key: Seed, at now: Instant) {
        self.link = link
        self.place = place
        self.stage = link.stage
        self.draws = key.derived("stage", link.stage.label)
        self.begin(at: now)
    }

    /// Whether it acts on this connection. Drawn once: neither another stage nor an update of this one
    /// draws again, an update only moves the border.
    var isActive: Bool {
        !self.isRemoved && self.stage.isMeant(forDraw: self.draws.word(at: 0))
    }

    /// Whether it has nothing and does nothing any more.
    var isDone: Bool {
        self.isRemoved && self.held.isEmpty && self.timer == nil && self.worker == nil
    }

    private var action: Stage.Action { self.isActive ? self.stage.action : .pass }

    private mutating func begin(at now: Instant) {
        if self.worker == nil && self.isActive { self.worker = self.makeWorker() }
        if case .swallow(let after) = self.action {
            self.timer = after > 0 ? Self.later(now, milliseconds: after) : nil
        }
    }

    private func makeWorker() -> (any StageWorker)? {
        let conversation = { self.place.exchange.conversation(of: self.stage.identity) }
        switch self.stage.action {
        case .fault: return FaultWorker(self.link, self.place)
        case .http: return HTTPRequestWorker(self.link, conversation(), self.draws)
        case .httpReplies: return HTTPReplyWorker(conversation())
        default: return nil
        }
    }

    /// Counts what the worker did, and lets it go once it is not needed any more.
    private mutating func settle(_ worker: any StageWorker) {
        let tally = worker.takeTally()
        self.lost += tally.lost
        self.added += tally.added
        if tally.hits > 0 { self.hit(tally.hits) }
        if !self.isActive && worker.isDone { self.worker = nil }
    }

    private static func later(_ instant: Instant, milliseconds: Int64) -> Instant {
        let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: Self.millisecond)
        if overflow { return milliseconds > 0 ? .never : instant }
        return instant.advanced(byNanoseconds: max(0, nanoseconds))
    }

    /// Counts that it acted.
    private mutating func hit(_ count: Int = 1) {
        self.link.hits += count
        if self.hasTouched { return }
        self.hasTouched = true
        self.hasNews = true
        self.link.connections += 1
    }

    mutating func takeNews() -> Bool {
        defer { self.hasNews = false }
        return self.hasNews
    }

    mutating func takeCounts() -> (lost: Int, added: Int) {
        defer { (self.lost, self.added) = (0, 0) }
        return (self.lost, self.added)
    }

    // MARK: - In

    /// Whether it takes something now.
    ///
    /// - Parameter limit: How many bytes it may hold, if it delays.
    func accepts(at now: Instant, limit: Int) -> Bool {
        if self.isFinished || self.hasReachedLimit { return false }
        if let worker = self.worker { return self.held.isEmpty && worker.accepts(limit: limit) }
        switch self.action {
        case .delay:
            return self.held.isEmpty
                || (self.held.count <= Self.delayedChunks && self.heldBytes < limit)
        case .swallow: return true
        case .slice: return self.held.isEmpty && (self.timer ?? now) <= now
        default: return self.held.isEmpty
        }
    }

    /// Takes something; only after it said that it does.
    mutating func take(_ item: ChainItem, at now: Instant) {
        if let worker = self.worker {
            worker.take(item, at: now)
            return self.settle(worker)
        }
        let begin = self.offset
        self.offset += UInt64(item.byteCount)
        switch (self.action, item.content) {
        case (.swallow(let after), _):
            self.lost += item.byteCount
            self.timer = after > 0 ? Self.later(now, milliseconds: after) : nil
            self.hit()
            return
        case (.drop(let probability, let correlation), .bytes(let chunk)):
            let chance = self.hasDropped ? probability + correlation : probability
            self.hasDropped = Self.unit(self.draws.word(at: begin, index: 1)) < chance
            if self.hasDropped {
                self.lost += chunk.count
                self.hit()
                return
            }
        case (.reset(let after), _): self.timer = Self.later(now, milliseconds: after)
        case (.delayEnd(let delay), .end):
            self.timer = Self.later(now, milliseconds: delay)
            if delay > 0 { self.hit() }
        case (.rate, .bytes):
            self.paidAt = now.advanced(byNanoseconds: -self.credit)
            self.credit = 0
            self.hit()
        case (.slice(let average, let variation, _), .bytes(let chunk)):
            self.pieces = []
            self.cut(chunk.count, average: average, variation: variation, at: begin)
            if self.pieces.count > 1 { self.hit() }
        default: break
        }
        self.heldBytes += item.byteCount
        var item = item
        item.place = begin
        self.held.append(item)
        if case .delay(let delay, let jitter) = self.action, !item.isEnd, delay > 0 || jitter > 0 {
            self.hit()
        }
    }

    private static func unit(_ word: UInt64) -> Double { Double(word >> 11) * 0x1p-53 }

    /// Halves a chunk, not quite in the middle, until the pieces are small enough.
    private mutating func cut(_ size: Int, average: Int, variation: Int, at offset: UInt64) {
        var open = [size]
        var draw: UInt64 = 2
        while let piece = open.popLast() {
            if piece - average <= variation || piece < 2 {
                self.pieces.append(piece)
                continue
            }
            var middle = piece / 2
            if variation > 0 {
                let word = self.draws.word(at: offset, index: draw)
                draw += 1
                middle += Int(word.multipliedFullWidth(by: UInt64(2 * variation)).high) - variation
            }
            middle = min(max(1, middle), piece - 1)
            open.append(piece - middle)
            open.append(middle)
        }
    }

    // MARK: - Out

    /// When something leaves if nothing happens before; `nil` if nothing will.
    func wake(after now: Instant) -> Instant? {
        if self.isFinished { return nil }
        if let head = self.held.first, head.isReleased || self.passesOn { return now }
        if let worker = self.worker { return worker.wake(after: now) }
        switch self.action {
        case .swallow, .reset: return self.timer
        case .delay:
            return self.held.first.map { $0.isEnd ? now : max(self.lastDue, self.due($0)) }
        case .delayEnd: return self.held.first.map { $0.isEnd ? self.timer ?? now : now }
        case .slice:
            if self.held.isEmpty { return self.timer }
            return max(now, self.timer ?? now)
        case .rate(let kilobytes, let isShared):
            guard let head = self.held.first else { return nil }
            if head.isEnd { return now }
            if kilobytes <= 0 { return nil }
            if isShared { return self.allowance?.at ?? now }
            return self.paidUntil(head.byteCount, kilobytes)
        case .limit: return self.held.isEmpty && !self.hasReachedLimit ? nil : now
        case .pass, .drop, .fault, .http, .httpReplies: return self.held.isEmpty ? nil : now
        }
    }

    /// Whether what it has itself leaves at once.
    private var passesOn: Bool { self.isRemoved || self.worker != nil }

    private func due(_ item: ChainItem) -> Instant {
        guard case .delay(let delay, let jitter) = self.stage.action else { return item.arrived }
        var total = delay
        if jitter > 0 {
            let word = self.draws.word(at: item.place, index: 1)
            let offset = Int64(word.multipliedFullWidth(by: UInt64(2 * jitter)).high) - jitter
            let (sum, overflow) = delay.addingReportingOverflow(offset)
            total = overflow ? (offset > 0 ? .max : .min) : sum
        }
        return Self.later(item.arrived, milliseconds: total)
    }

    private static func size(_ count: Int, _ kilobytes: Int64) -> Int {
        let piece = kilobytes.multipliedReportingOverflow(by: 100)
        return piece.overflow ? count : Int(min(Int64(count), piece.partialValue))
    }

    /// Until when the next piece of a chunk is paid for.
    private func paidUntil(_ count: Int, _ kilobytes: Int64) -> Instant {
        let size = Self.size(count, kilobytes)
        return self.paidAt.advanced(byNanoseconds: Int64(size) * Self.millisecond / kilobytes)
    }

    /// Whether what leaves next ends the connection, for which the socket need not be ready.
    func endsNext(at now: Instant) -> Bool {
        if self.isFinished { return false }
        if let head = self.held.first, head.isAbrupt { return true }
        if let worker = self.worker { return self.held.isEmpty && worker.endsNext(at: now) }
        switch self.action {
        case .swallow, .reset: return (self.timer ?? .never) <= now
        case .limit(let bytes):
            return self.hasReachedLimit || (bytes <= self.passed && self.held.first?.isEnd == false)
        default: return false
        }
    }

    /// The next thing that leaves now, if something does. Only to be asked when it has somewhere to go.
    mutating func emit(at now: Instant) -> ChainItem? {
        if self.isFinished { return nil }
        if let head = self.held.first, head.isReleased || self.passesOn {
            self.pieces = []
            return self.takeHead()
        }
        if let worker = self.worker {
            let item = worker.emit(at: now)
            self.settle(worker)
            return item
        }
        switch self.action {
        case .swallow:
            guard let timer = self.timer, timer <= now else { return nil }
            return self.finish(.closed, at: now)
        case .reset:
            guard let timer = self.timer, timer <= now else { return nil }
            self.hit()
            return self.finish(.reset, at: now)
        case .delay: return self.emitDelayed(at: now)
        case .delayEnd:
            guard let head = self.held.first else { return nil }
            if head.isEnd, let timer = self.timer, timer > now { return nil }
            return self.takeHead()
        case .rate(let kilobytes, let isShared):
            return self.emitPaid(kilobytes, isShared, at: now)
        case .slice(_, _, let pause): return self.emitPiece(pause, at: now)
        case .limit(let bytes): return self.emitLimited(bytes, at: now)
        case .pass, .drop, .fault, .http, .httpReplies:
            return self.held.isEmpty ? nil : self.takeHead()
        }
    }

    private mutating func takeHead() -> ChainItem {
        let item = self.held.removeFirst()
        self.heldBytes -= item.byteCount
        return item
    }

    /// Ends the connection; what it still has is lost.
    private mutating func finish(_ end: ChainEnd, at now: Instant) -> ChainItem {
        self.isFinished = true
        self.timer = nil
        self.lost += self.heldBytes
        self.heldBytes = 0
        self.held = []
        return ChainItem(.end(end), arrived: now)
    }

    private mutating func emitDelayed(at now: Instant) -> ChainItem? {
        guard let head = self.held.first else { return nil }
        if head.isEnd { return self.takeHead() }
        let due = max(self.lastDue, self.due(head))
        if due > now { return nil }
        self.lastDue = due
        var item = self.takeHead()
        // What follows counts from when it should have left, so that delays add up exactly.
        item.arrived = max(item.arrived, due)
        return item
    }

    private mutating func emitPaid(
        _ kilobytes: Int64, _ isShared: Bool, at now: Instant
    ) -> ChainItem? {
        guard let head = self.held.first else { return nil }
        if head.isEnd { return self.takeHead() }
        if kilobytes <= 0 { return nil }
        let size = Self.size(head.byteCount, kilobytes)
        var due = self.paidUntil(head.byteCount, kilobytes)
        if isShared {
            if self.allowance == nil {
                // Connections take turns: each waits behind what was granted before it asked.
                let cost = Int64(size) * Self.millisecond / kilobytes
                self.link.freeAt = max(now, self.link.freeAt).advanced(byNanoseconds: cost)
                self.allowance = (size, self.link.freeAt)
            }
            due = self.allowance?.at ?? now
        }
        if due > now { return nil }
        self.allowance = nil
        self.credit = min(now.nanoseconds - due.nanoseconds, Self.slack)
        self.paidAt = now.advanced(byNanoseconds: -self.credit)
        return self.takePiece(size, at: now)
    }

    /// Cuts the first bytes off the chunk in front.
    private mutating func takePiece(_ size: Int, at now: Instant) -> ChainItem {
        guard case .bytes(var chunk) = self.held[0].content, size < chunk.count else {
            return self.takeHead()
        }
        let piece = chunk.removePrefix(size)
        self.held[0].content = .bytes(chunk)
        self.heldBytes -= size
        return ChainItem(.bytes(piece), arrived: max(self.held[0].arrived, now))
    }

    private mutating func emitPiece(_ pause: Int64, at now: Instant) -> ChainItem? {
        guard let head = self.held.first else {
            if let timer = self.timer, timer <= now { self.timer = nil }
            return nil
        }
        if let timer = self.timer, timer > now { return nil }
        if head.isEnd { return self.takeHead() }
        let size = self.pieces.popFirst() ?? head.byteCount
        let (nanoseconds, overflow) = pause.multipliedReportingOverflow(by: 1000)
        self.timer =
            pause <= 0 ? nil : overflow ? .never : now.advanced(byNanoseconds: nanoseconds)
        return self.takePiece(size, at: now)
    }

    private mutating func emitLimited(_ bytes: Int64, at now: Instant) -> ChainItem? {
        if !self.hasReachedLimit, let head = self.held.first {
            if head.isEnd { return self.takeHead() }
            let rest = bytes > self.passed ? bytes - self.passed : 0
            if rest > 0 {
                let piece = self.takePiece(Int(min(rest, Int64(head.byteCount))), at: now)
                self.passed += Int64(piece.byteCount)
                self.hasReachedLimit = self.passed >= bytes
                return piece
            }
            self.hasReachedLimit = true
        }
        if !self.hasReachedLimit { return nil }
        self.hit()
        return self.finish(.closed, at: now)
    }

    // MARK: - Changes

    /// Passes on at once what is under way, because a stage was put behind this one, or the one behind
    /// was taken away.
    mutating func interrupt() {
        switch self.action {
        case .delay, .rate, .slice: self.release(1)
        case .pass, .delayEnd, .swallow, .reset, .limit, .drop, .fault, .http, .httpReplies: break
        }
    }

    private mutating func release(_ count: Int) {
        for index in self.held.indices.prefix(count) where !self.held[index].isEnd {
            self.held[index].isReleased = true
        }
        self.pieces = []
        self.allowance = nil
    }

    /// Takes over new values; what waits behind the chunk under way waits as they say.
    mutating func update(at now: Instant) {
        let wasActive = self.isActive
        self.interrupt()
        self.stage = self.link.stage
        if self.isFinished { return }
        self.lastDue = .start
        self.paidAt = now
        if let worker = self.worker {
            if self.isActive { worker.update(at: now) } else { self.retire(worker, at: now) }
            return self.settle(worker)
        }
        switch self.action {
        case .swallow, .fault, .http, .httpReplies: self.begin(at: now)
        case .reset(let after):
            self.timer = self.held.isEmpty ? nil : Self.later(now, milliseconds: after)
        case .delayEnd(let delay):
            self.timer = self.held.isEmpty ? nil : Self.later(now, milliseconds: delay)
        default: self.timer = nil
        }
        if wasActive && !self.isActive { self.release(self.held.count) }
    }

    /// Passes on at once all it has and does nothing any more. What swallowed bytes closes the
    /// connection: the stream could not go on without them.
    mutating func remove(at now: Instant) {
        let action = self.action
        self.isRemoved = true
        self.timer = nil
        self.pieces = []
        if let worker = self.worker {
            self.retire(worker, at: now)
            self.settle(worker)
        }
        if case .swallow = action, !self.isFinished {
            self.lost += self.heldBytes
            self.heldBytes = 0
            self.held = [ChainItem(.end(.closed), arrived: now)]
        }
    }

    /// Takes back from the worker what it has.
    private mutating func retire(_ worker: any StageWorker, at now: Instant) {
        worker.retire(at: now)
        while var item = worker.emit(at: now) {
            item.isReleased = true
            self.heldBytes += item.byteCount
            self.held.append(item)
        }
    }

    /// Whether taking it away ends the connection.
    var closesWhenRemoved: Bool {
        if case .swallow = self.action { return !self.isFinished }
        return false
    }

    /// Gives up what it has; returns how many bytes that were.
    mutating func discard() -> Int {
        defer { self.heldBytes = 0 }
        self.held = []
        self.timer = nil
        return self.heldBytes + (self.worker?.discard() ?? 0)
    }
}
