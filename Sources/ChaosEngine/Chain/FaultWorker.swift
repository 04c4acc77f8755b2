import ChaosCore

// Faults of links are decided in pipelines. As a stage such a fault has a network of its own, in which
// nothing else is in force, and each connection has a pipeline there: so it acts at its place in the
// chain, on its share of connections, and beside others of its kind.

/// Where the fault of a stage is in force.
final class StageNetwork {
    private static let link = Link("opener", "listener", "stage")

    let framing: Framing
    private let network: Network
    private(set) var injection: Injection

    init(_ fault: Fault, framing: Framing, seed: Seed) {
        self.framing = framing
        self.network = Network(
            seed: seed, nodes: [], framing: [Self.link.port: framing],
            queueLimit: ByteCount(.max), queueLimitOfRun: ByteCount(.max))
        self.injection = Self.inject(fault, into: self.network)
    }

    /// Puts another fault in the place of the one that was there; it draws as that one did.
    func set(_ fault: Fault) {
        self.network.removeInjections { _ in true }
        self.injection = Self.inject(fault, into: self.network)
    }

    private static func inject(_ fault: Fault, into network: Network) -> Injection {
        network.inject(
            fault, on: .betweenNodes, id: "stage", origin: .control, at: .start)
    }

    func pipeline(of place: ChainPlace) -> StreamPipeline {
        let link = place.direction == .forward ? Self.link : Self.link.reversed
        return StreamPipeline(
            over: self.network.state(of: link), reverse: self.network.state(of: link.reversed),
            ordinal: place.ordinal, direction: place.direction, pieceLimit: Chain.chunkSize)
    }

    func context(_ place: ChainPlace, _ exchange: Exchange, _ now: Instant) -> MessageContext {
        MessageContext(
            journal: Journal(network: self.network, connectionOrdinal: place.ordinal, now: now),
            exchange: exchange)
    }

    func takeEntries() -> [JournalEntry] {
        self.network.hasJournal ? self.network.takeJournal() : []
    }
}

/// A fault at work on one direction of one connection.
final class FaultWorker: StageWorker {
    private let link: LinkStage
    private let place: ChainPlace
    private var network: StageNetwork
    private var pipeline: StreamPipeline
    private let exchange = Exchange()
    /// Whether the connection ends behind all that waits.
    private var isClosing = false
    private var tally = StageTally()
    private var counted = DirectionCounters()
    /// What came out of a pipeline that another framing has replaced.
    private var former = TimedItems()

    init(_ link: LinkStage, _ place: ChainPlace) {
        guard let network = link.network else {
            preconditionFailure("a stage with a fault has a network")
        }
        self.link = link
        self.place = place
        self.network = network
        self.pipeline = network.pipeline(of: place)
        self.pipeline.configure(at: .start, exchange: self.exchange)
    }

    func accepts(limit: Int) -> Bool { self.pipeline.wantsInput(share: limit) }

    func take(_ item: ChainItem, at now: Instant) {
        self.watching(at: now) { context in
            switch item.content {
            case .bytes(let chunk):
                self.pipeline.counters.received += chunk.count
                if self.network.framing == .none {
                    self.pipeline.admitRaw(chunk, at: now, journal: context.journal)
                } else {
                    self.pipeline.admitFramed(chunk, at: now, context: context)
                }
            case .end(let end): self.take(end, at: now, context)
            }
        }
    }

    private func take(_ end: ChainEnd, at now: Instant, _ context: MessageContext) {
        self.pipeline.admitEnd(at: now, context: context)
        self.pipeline.hasEnded = true
        let due = now.advanced(byNanoseconds: self.pipeline.link.latency)
        switch end {
        case .finished: self.pipeline.enqueue(QueueItem(.end, due: due, place: .max))
        case .reset: self.pipeline.enqueue(QueueItem(.reset, due: due, place: .max))
        case .closed: self.isClosing = true
        }
    }

    func emit(at now: Instant) -> ChainItem? {
        self.former.popFirst(at: now) ?? self.emitFromPipeline(at: now)
    }

    private func emitFromPipeline(at now: Instant) -> ChainItem? {
        self.watching(at: now) { context in
            let action = self.pipeline.next(
                at: now, isSinkReady: true, gates: Gates(), context: context)
            switch action {
            case .write(let chunk): return ChainItem(.bytes(chunk), arrived: now)
            case .closeWriting: return ChainItem(.end(.finished), arrived: now)
            case .reset: return ChainItem(.end(.reset), arrived: now)
            case .close: return ChainItem(.end(.closed), arrived: now)
            case nil:
                guard self.isClosing, self.pipeline.queue.isEmpty else { return nil }
                self.isClosing = false
                return ChainItem(.end(.closed), arrived: now)
            }
        }
    }

    func wake(after now: Instant) -> Instant? {
        if let due = self.former.due { return due }
        return self.pipeline.deadline == .never ? nil : self.pipeline.deadline
    }

    func endsNext(at now: Instant) -> Bool {
        guard self.former.isEmpty, let head = self.pipeline.queue.first else {
            return self.former.isEmpty && self.isClosing
        }
        if case .reset = head.content { return head.due <= now }
        return false
    }

    func update(at now: Instant) {
        guard let network = self.link.network else { return }
        if network !== self.network {
            // Messages are told apart in another way: what waits cannot wait on.
            self.retire(at: now)
            while let item = self.emitFromPipeline(at: now) {
                self.former.append(item.content, due: now, at: now)
            }
            self.network = network
            self.pipeline = network.pipeline(of: self.place)
            self.counted = DirectionCounters()
        }
        self.pipeline.configure(at: now, exchange: self.exchange)
    }

    func retire(at now: Instant) {
        self.watching(at: now) { self.pipeline.flush(at: now, context: $0) }
    }

    var isDone: Bool { true }

    func discard() -> Int {
        let queued = self.pipeline.counters.queued
        self.pipeline.discardAll()
        self.counted = self.pipeline.counters
        self.isClosing = false
        return queued + self.former.removeAll()
    }

    func takeTally() -> StageTally { self.tally.take() }

    /// Does something and counts what the fault did meanwhile.
    private func watching<Result>(
        at now: Instant, _ body: (MessageContext) -> Result
    ) -> Result {
        let network = self.network
        let hits = network.injection.hits
        let result = body(network.context(self.place, self.exchange, now))
        self.tally.hits += network.injection.hits - hits
        let counters = self.pipeline.counters
        self.tally.lost += counters.lost - self.counted.lost
        self.tally.lost += counters.discarded - self.counted.discarded
        self.tally.added += counters.duplicated - self.counted.duplicated
        self.counted = counters
        return result
    }
}
