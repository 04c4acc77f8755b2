import ChaosCore

/// One proxied connection: two directions with their faults, and the cuts that concern both.
///
/// The driver reports what the sockets did. After each report, and after each change of the
/// network (``networkChanged(at:)``), it carries out ``nextAction(at:)`` until there is none, reads
/// on where ``wantsInput(_:)`` says so, applies ``isSilent(_:)`` to both sockets, and comes back at
/// ``deadline`` at the latest.
package final class Connection<Bytes: StreamBytes> {
    /// Its place in the network's books.
    package let ticket: ConnectionTicket

    let network: Network
    var forward: StreamPipeline
    var backward: StreamPipeline
    private let exchange = Exchange()
    private var forwardIsReady = false
    private var backwardIsReady = false
    private var forwardIsFinished = false
    private var backwardIsFinished = false
    private var pendingReset = false
    /// The revisions of both links that were taken over.
    private var revisions = (forward: -1, backward: -1)
    /// Where cuts keep everything back.
    private var forwardGate = false
    private var backwardGate = false
    /// Whether nothing more will happen.
    package private(set) var isOver = false

    /// Opens a connection over a link.
    package convenience init(
        over link: Link, in network: Network, at now: Instant,
        messageLimit: Int = Framer.limitDefault
    ) {
        let ticket = ConnectionTicket(
            forward: network.state(of: link), backward: network.state(of: link.reversed), at: now)
        self.init(ticket, messageLimit: messageLimit, at: now)
    }

    /// Takes a connection over that passed bytes without an engine so far.
    ///
    /// - Parameters:
    ///   - pieceLimit: How much of a raw stream is handed to the driver at once.
    package init(
        _ ticket: ConnectionTicket, forward: PassedDirection<Bytes> = PassedDirection(),
        backward: PassedDirection<Bytes> = PassedDirection(),
        messageLimit: Int = Framer.limitDefault, pieceLimit: Int = 64 << 10, at now: Instant
    ) {
        self.ticket = ticket
        self.network = ticket.forward.network
        self.forward = StreamPipeline(
            ticket, direction: .forward, messageLimit: messageLimit, pieceLimit: pieceLimit)
        self.backward = StreamPipeline(
            ticket, direction: .backward, messageLimit: messageLimit, pieceLimit: pieceLimit)
        self.forwardIsFinished = self.forward.takeOver(forward, at: now)
        self.backwardIsFinished = self.backward.takeOver(backward, at: now)
        self.networkChanged(at: now)
    }

    /// The link over which the connection was opened.
    package var link: Link { self.ticket.link }
    /// Its number among the connections opened over that link, from 0.
    package var ordinal: Int { self.ticket.ordinal }
    /// When it was opened.
    package var openedAt: Instant { self.ticket.openedAt }
    /// Its place among cuts and connections: which came first.
    var order: Int { self.ticket.order }

    /// The counters of a direction.
    package func counters(_ direction: Direction) -> DirectionCounters {
        self.with(direction) { $0.countersThroughChain }
    }

    /// The hash over all decisions of a direction so far.
    package func fingerprint(_ direction: Direction) -> UInt64 {
        direction == .forward ? self.forward.fingerprint : self.backward.fingerprint
    }

    private func with<Result>(
        _ direction: Direction, _ body: (inout StreamPipeline) -> Result
    ) -> Result {
        direction == .forward ? body(&self.forward) : body(&self.backward)
    }

    private func context(_ now: Instant) -> MessageContext {
        MessageContext(
            journal: Journal(network: self.network, connectionOrdinal: self.ordinal, now: now),
            exchange: self.exchange)
    }

    // MARK: - What the sockets did

    /// Tells whether bytes that were just read may be written at once, and counts them if so.
    package func passes(_ count: Int, _ direction: Direction) -> Bool {
        guard self.isTransparent(direction) else { return false }
        self.with(direction) { pipeline in
            pipeline.counters.received += count
            pipeline.link.received(count)
            pipeline.counters.written += count
        }
        return true
    }

    /// Whether bytes of a direction pass without a look.
    package func isTransparent(_ direction: Direction) -> Bool {
        // A cut of the opener's link may end the connection, and with it the other direction.
        if self.isOver || self.pendingReset || !self.forward.link.cuts.isEmpty { return false }
        return !self.isFinished(direction) && self.with(direction) { $0.isTransparent }
    }

    /// Bytes were read from the source of a direction.
    package func received(_ bytes: Bytes, _ direction: Direction, at now: Instant) {
        self.takeChanges(at: now)
        let context = self.context(now)
        let isFinished = self.isFinished(direction)
        let count = bytes.count
        self.with(direction) { pipeline in
            pipeline.counters.received += count
            pipeline.link.received(count)
            if self.isOver || isFinished || pipeline.hasEnded {
                pipeline.counters.discarded += count
                return
            }
            if count == 0 { return }
            pipeline.noteArrival(at: now)
            pipeline.release.noteActivity(at: now)
            if pipeline.framer == nil {
                pipeline.admitRaw(Chunk(bytes), at: now, journal: context.journal)
                return
            }
            if direction == .backward {
                for method in context.exchange.takeMethods() {
                    pipeline.framer?.noteRequest(method: method)
                }
            }
            pipeline.admitFramed(Chunk(bytes), at: now, context: context)
        }
    }

    /// The source of a direction ended its stream (FIN).
    package func ended(_ direction: Direction, at now: Instant) {
        if self.isFinished(direction) { return }
        self.finish(direction, with: .end, at: now)
    }

    /// The socket of a leg was reset by its peer, or failed. The other leg learns of it behind all
    /// bytes that were on their way to it.
    package func wasReset(_ leg: Leg, at now: Instant) {
        let fromLeg: Direction = leg == .opener ? .forward : .backward
        // What was on its way to this leg has nowhere to go any more.
        self.with(fromLeg.reversed) { $0.discardAll() }
        self.setFinished(fromLeg.reversed)
        self.finish(fromLeg, with: .reset, at: now)
    }

    private func finish(
        _ direction: Direction, with content: QueueItem.Content, at now: Instant
    ) {
        if self.isOver { return }
        self.takeChanges(at: now)
        let context = self.context(now)
        self.with(direction) { pipeline in
            if pipeline.hasEnded && !content.isReset { return }
            if !pipeline.hasEnded { pipeline.admitEnd(at: now, context: context) }
            pipeline.hasEnded = true
            pipeline.release.noteActivity(at: now)
            let isDelayed = pipeline.faults?.delay?.isForEveryMessage == true
            let delay = isDelayed ? pipeline.link.latency : 0
            pipeline.enqueue(
                QueueItem(content, due: now.advanced(byNanoseconds: delay), place: .max))
        }
    }

    /// The socket at which a direction ends can, or cannot, take bytes.
    package func setReady(_ direction: Direction, _ isReady: Bool) {
        if direction == .forward {
            self.forwardIsReady = isReady
        } else {
            self.backwardIsReady = isReady
        }
    }

    // MARK: - What is to be done

    /// Whether more bytes should be read from the source of a direction. Where no fault wants them
    /// earlier, they are read once the other socket can take them.
    package func wantsInput(_ direction: Direction) -> Bool {
        if self.isOver || self.isFinished(direction) { return false }
        let share = self.network.queueLimitOfRun / max(1, 2 * self.network.connectionsOpen)
        let isReady = direction == .forward ? self.forwardIsReady : self.backwardIsReady
        return self.with(direction) { pipeline in
            pipeline.wantsInput(share: share)
                && (isReady || !pipeline.link.faults.isEmpty || pipeline.chain?.isPlain == false)
        }
    }

    /// When to ask for the next action if nothing happens before.
    package var deadline: Instant {
        self.isOver
            ? .never : min(self.forward.deadlineThroughChain, self.backward.deadlineThroughChain)
    }

    /// Takes over changes of faults and cuts.
    package func networkChanged(at now: Instant) { self.takeChanges(at: now) }

    private func takeChanges(at now: Instant) {
        let forward = self.forward.link
        let backward = self.backward.link
        if self.isOver || self.revisions == (forward.revision, backward.revision) { return }
        self.revisions = (forward.revision, backward.revision)
        self.forward.configure(at: now, exchange: self.exchange)
        self.backward.configure(at: now, exchange: self.exchange)
        self.meetCuts()
        self.forwardGate = self.isGateClosed(.forward)
        self.backwardGate = self.isGateClosed(.backward)
        if self.resetsByCut { self.pendingReset = true }
    }

    /// The next thing to do, or `nil` until something happens or ``deadline`` comes.
    package func nextAction(at now: Instant) -> StreamAction<Bytes>? {
        if self.isOver { return nil }
        self.takeChanges(at: now)
        if self.pendingReset { return self.end(.reset) }
        let context = self.context(now)
        let forward = self.forward.nextThroughChain(
            at: now, isSinkReady: self.forwardIsReady,
            gates: Gates(isClosed: self.forwardGate, isOtherClosed: self.backwardGate),
            context: context)
        if let action = forward.flatMap({ self.action(.forward, $0, at: now) }) { return action }
        let backward = self.backward.nextThroughChain(
            at: now, isSinkReady: self.backwardIsReady,
            gates: Gates(isClosed: self.backwardGate, isOtherClosed: self.forwardGate),
            context: context)
        if let action = backward.flatMap({ self.action(.backward, $0, at: now) }) { return action }
        if self.forwardIsFinished && self.backwardIsFinished && self.forward.queue.isEmpty
            && self.backward.queue.isEmpty
        {
            return self.end(.close)
        }
        return nil
    }

    private func action(
        _ direction: Direction, _ action: PipelineAction, at now: Instant
    ) -> StreamAction<Bytes> {
        switch action {
        case .write(let chunk):
            self.with(direction) { $0.noteDeparture(at: now) }
            return .write(direction, chunk.bytes(as: Bytes.self))
        case .closeWriting:
            self.setFinished(direction)
            return .closeWriting(direction)
        case .reset: return self.end(.reset)
        case .close: return self.end(.close)
        }
    }

    private func isFinished(_ direction: Direction) -> Bool {
        direction == .forward ? self.forwardIsFinished : self.backwardIsFinished
    }

    private func setFinished(_ direction: Direction) {
        if direction == .forward {
            self.forwardIsFinished = true
        } else {
            self.backwardIsFinished = true
        }
    }

    private func end(_ action: StreamAction<Bytes>) -> StreamAction<Bytes> {
        self.isOver = true
        self.forward.discardAll()
        self.backward.discardAll()
        return action
    }

    /// The connection is gone; to be called exactly once, when both sockets are closed.
    package func closed(at now: Instant) {
        self.isOver = true
        self.forward.discardAll()
        self.backward.discardAll()
        self.forgetCuts()
        self.ticket.close(
            forward: self.forward.summary, backward: self.backward.summary, at: now)
    }
}

extension QueueItem.Content {
    fileprivate var isReset: Bool {
        if case .reset = self { return true }
        return false
    }
}

extension StreamPipeline {
    /// What the journal tells about a direction of a connection that is gone.
    fileprivate var summary: DirectionSummary {
        DirectionSummary(
            counters: self.countersThroughChain, decisions: self.decisions,
            fingerprint: self.fingerprint)
    }

    /// Goes on behind what passed without an engine; tells whether the direction has ended, and its
    /// end was passed on.
    fileprivate mutating func takeOver<Bytes: StreamBytes>(
        _ passed: PassedDirection<Bytes>, at now: Instant
    ) -> Bool {
        let waiting = passed.waiting?.count ?? 0
        self.counters.received = passed.received
        self.counters.written = passed.received - waiting
        if let bytes = passed.waiting {
            self.enqueue(QueueItem(.bytes(Chunk(bytes)), due: now, place: self.counters.written))
        }
        self.hasEnded = passed.hasEnded
        if !passed.hasEnded { return false }
        if waiting > 0 { self.enqueue(QueueItem(.end, due: now, place: .max)) }
        return waiting == 0
    }
}
