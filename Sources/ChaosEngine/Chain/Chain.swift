import ChaosCore
import DequeModule

// Stages one behind the other on one direction of one connection:
//
//   bytes in ─ inbox ─ stage ─ stage ─ … ─▶ socket
//
// Something moves on as soon as what is behind takes it, so a stage that holds back holds back all in
// front of it, up to the sender. A stage that was taken away passes on what it had and is gone once it
// has nothing.

/// What stages do to the bytes of one direction.
final class Chain {
    /// The most bytes that move together, as chunks are when they are read in halves of 64 KiB.
    static var chunkSize: Int { 32 << 10 }

    /// What a direction wants done.
    enum Action {
        case write(Chunk)
        case closeWriting
        case close
        case reset
    }

    /// Where it stands.
    private let place: ChainPlace
    private var stages: [StageState] = []
    private var inbox: Deque<ChainItem> = []
    /// From which the stages' draws derive.
    private let key: Seed
    /// How many bytes a stage that delays may hold.
    var limit: Int
    /// Whether the connection ends: nothing more comes in.
    private var isEnding = false
    /// Whether it took nothing more when it was last asked for something to do.
    private(set) var isFull = false
    private(set) var wakeAt = Instant.never
    /// Bytes that came in, left, were taken away on purpose, and had nowhere to go.
    private(set) var received = 0
    private(set) var written = 0
    private(set) var lost = 0
    private(set) var discarded = 0
    /// Bytes that stages added.
    private(set) var added = 0

    /// Makes a chain without stages.
    ///
    /// - Parameter limit: How many bytes a stage that delays may hold.
    init(_ place: ChainPlace, key: Seed, limit: Int) {
        self.place = place
        self.key = key
        self.limit = limit
    }

    /// Bytes that wait.
    var queued: Int { self.received + self.added - self.written - self.lost - self.discarded }

    /// Whether nothing is here and nothing would be done to what comes.
    var isPlain: Bool { self.stages.isEmpty && self.inbox.isEmpty && !self.isEnding }

    // MARK: - In

    /// Whether it takes something now.
    func accepts(at now: Instant) -> Bool {
        if self.isEnding || !self.inbox.isEmpty { return false }
        return self.stages.first?.accepts(at: now, limit: self.limit) ?? true
    }

    func take(_ chunk: Chunk, at now: Instant) {
        self.received += chunk.count
        var rest = chunk
        while rest.count > 0 {
            let piece = rest.removePrefix(min(rest.count, Self.chunkSize))
            self.inbox.append(ChainItem(.bytes(piece), arrived: now))
        }
    }

    func take(_ end: ChainEnd, at now: Instant) {
        self.inbox.append(ChainItem(.end(end), arrived: now))
    }

    // MARK: - Out

    /// The next thing to do, or `nil`; then ``wakeAt`` says when to ask again.
    func next(at now: Instant, isSinkReady: Bool) -> Action? {
        var isMoving = true
        while isMoving {
            isMoving = false
            for index in self.stages.indices.reversed() {
                if let action = self.move(from: index, at: now, isSinkReady, &isMoving) {
                    return action
                }
            }
            if self.stages.isEmpty {
                if let action = self.leave(fromInboxTo: isSinkReady) { return action }
            } else {
                while let head = self.inbox.first,
                    self.stages[0].accepts(at: now, limit: self.limit)
                {
                    self.inbox.removeFirst()
                    self.stages[0].take(head, at: now)
                    self.count(0)
                    isMoving = true
                }
            }
            self.stages.removeAll(where: \.isDone)
        }
        self.isFull = !self.accepts(at: now)
        self.wakeAt = .never
        for stage in self.stages {
            if let wake = stage.wake(after: now), wake > now {
                self.wakeAt = min(self.wakeAt, wake)
            }
        }
        return nil
    }

    /// Moves on what a stage lets go.
    private func move(
        from index: Int, at now: Instant, _ isSinkReady: Bool, _ isMoving: inout Bool
    ) -> Action? {
        let isLast = index == self.stages.count - 1
        while isLast
            ? isSinkReady || self.stages[index].endsNext(at: now)
            : self.stages[index + 1].accepts(at: now, limit: self.limit)
        {
            let item = self.stages[index].emit(at: now)
            self.count(index)
            guard let item else { return nil }
            isMoving = true
            if case .end(let end) = item.content, end != .finished { self.end(before: index) }
            if isLast { return self.leave(item) }
            self.stages[index + 1].take(item, at: now)
            self.count(index + 1)
        }
        return nil
    }

    /// Counts what a stage took away and added.
    private func count(_ index: Int) {
        let (lost, added) = self.stages[index].takeCounts()
        self.lost += lost
        self.added += added
    }

    /// A stage ends the connection: what is in front of it has nowhere to go.
    private func end(before index: Int) {
        self.isEnding = true
        for item in self.inbox { self.discarded += item.byteCount }
        self.inbox = []
        for front in 0..<index { self.discarded += self.stages[front].discard() }
    }

    private func leave(fromInboxTo isSinkReady: Bool) -> Action? {
        guard let head = self.inbox.first else { return nil }
        var isAbrupt = false
        if case .end(let end) = head.content { isAbrupt = end != .finished }
        if !isSinkReady && !isAbrupt { return nil }
        self.inbox.removeFirst()
        return self.leave(head)
    }

    private func leave(_ item: ChainItem) -> Action {
        switch item.content {
        case .bytes(let chunk):
            self.written += chunk.count
            return .write(chunk)
        case .end(.finished): return .closeWriting
        case .end(.closed): return .close
        case .end(.reset): return .reset
        }
    }

    /// Gives up everything, because the connection ends.
    func discardAll() {
        self.discarded += self.queued
        self.inbox = []
        for index in self.stages.indices { _ = self.stages[index].discard() }
        self.isEnding = true
        self.wakeAt = .never
    }

    // MARK: - Changes

    /// Takes over the stages of the link.
    func configure(_ wanted: [LinkStage], at now: Instant) {
        for index in self.stages.indices
        where !self.stages[index].isRemoved
            && !wanted.contains(where: { $0 === self.stages[index].link })
        {
            if self.stages[index].closesWhenRemoved { self.end(before: index) }
            self.stages[index].remove(at: now)
            self.count(index)
            if index > 0 { self.stages[index - 1].interrupt() }
        }
        for link in wanted {
            guard let index = self.stages.firstIndex(where: { $0.link === link }) else {
                if !self.stages.isEmpty { self.stages[self.stages.count - 1].interrupt() }
                self.stages.append(StageState(link, self.place, key: self.key, at: now))
                continue
            }
            if self.stages[index].stage.revision != link.stage.revision {
                self.stages[index].update(at: now)
                self.count(index)
            }
        }
        self.stages.removeAll(where: \.isDone)
        self.wakeAt = now
    }

    /// What stages with a network of their own wrote down since this was last asked.
    func takeEntries() -> [JournalEntry] {
        var entries: [JournalEntry] = []
        for stage in self.stages { entries += stage.link.takeEntries() }
        return entries
    }

    /// The stages that acted for the first time since this was last asked.
    func takeNews() -> [Stage] {
        var news: [Stage] = []
        for index in self.stages.indices where self.stages[index].takeNews() {
            news.append(self.stages[index].stage)
        }
        return news
    }
}
