import ChaosCore

/// One proxied connection: two directions with their faults, and the cuts that concern both.
///
/// The driver reports what the sockets did, carries out ``nextAction(at:)`` until there is none,
/// and comes back at ``deadline`` at the latest. After each change of the network it calls
/// ``networkChanged(at:)`` and applies ``isSilent(_:)`` to both sockets.
package final class Connection<Bytes: StreamBytes> {
    /// The link over which the connection was opened.
    package let link: Link
    /// Its number among the connections opened over that link, from 0.
    package let ordinal: Int
    /// When it was opened.
    package let openedAt: Instant

    private let network: Network
    private let exchange = Exchange()
    private let order: Int
    private var forward: StreamPipeline<Bytes>
    private var backward: StreamPipeline<Bytes>
    private var forwardIsReady = false
    private var backwardIsReady = false
    private var forwardIsFinished = false
    private var backwardIsFinished = false
    private var pendingReset = false
    /// Whether nothing more will happen.
    package private(set) var isOver = false

    /// Opens a connection over a link.
    package init(
        over link: Link, in network: Network, at now: Instant, messageLimit: Int = 16 << 20
    ) {
        let forward = network.state(of: link)
        let backward = network.state(of: link.reversed)
        self.link = link
        self.network = network
        self.ordinal = forward.connectionsOpened
        self.openedAt = now
        self.order = network.nextOrder()
        self.forward = StreamPipeline(
            link: forward, direction: .forward, connectionOrdinal: self.ordinal, seed: network.seed,
            messageLimit: messageLimit)
        self.backward = StreamPipeline(
            link: backward, direction: .backward, connectionOrdinal: self.ordinal,
            seed: network.seed, messageLimit: messageLimit)
        forward.connectionsOpened += 1
        forward.connectionsOpen += 1
        network.connectionsOpen += 1
        self.record("opened", at: now, [])
        self.networkChanged(at: now)
    }

    /// The counters of a direction.
    package func counters(_ direction: Direction) -> DirectionCounters {
        direction == .forward ? self.forward.counters : self.backward.counters
    }

    /// The hash over all decisions of a direction so far.
    package func fingerprint(_ direction: Direction) -> UInt64 {
        direction == .forward ? self.forward.fingerprint : self.backward.fingerprint
    }

    private func with<Result>(
        _ direction: Direction, _ body: (inout StreamPipeline<Bytes>) -> Result
    ) -> Result {
        direction == .forward ? body(&self.forward) : body(&self.backward)
    }

    private func journal(_ now: Instant) -> Journal {
        Journal(network: self.network, connectionOrdinal: self.ordinal, now: now)
    }

    // MARK: - What the sockets did

    /// Tells whether bytes that were just read may be written at once, and counts them if so.
    package func passes(_ count: Int, _ direction: Direction) -> Bool {
        self.with(direction) { pipeline in
            guard pipeline.isTransparent else { return false }
            pipeline.counters.received += count
            pipeline.counters.written += count
            return true
        }
    }

    /// Whether bytes of a direction pass without a look.
    package func isTransparent(_ direction: Direction) -> Bool {
        self.with(direction) { $0.isTransparent }
    }

    /// Bytes were read from the source of a direction.
    package func received(_ bytes: Bytes, _ direction: Direction, at now: Instant) {
        let context = MessageContext(journal: self.journal(now), exchange: self.exchange)
        let isFinished = direction == .forward ? self.forwardIsFinished : self.backwardIsFinished
        let methods = direction == .backward ? self.takeMethods() : []
        self.with(direction) { pipeline in
            pipeline.counters.received += bytes.count
            if self.isOver || isFinished {
                pipeline.counters.discarded += bytes.count
                return
            }
            pipeline.release.noteActivity(at: now)
            if pipeline.framer == nil {
                pipeline.admitRaw(bytes, at: now, journal: context.journal)
            } else {
                for method in methods { pipeline.framer?.noteRequest(method: method) }
                pipeline.admitFramed(bytes, at: now, context: context)
            }
        }
        if self.exchange.isToReset { self.pendingReset = true }
    }

    private func takeMethods() -> [String] {
        defer { self.exchange.methods.removeAll(keepingCapacity: true) }
        return self.exchange.methods
    }

    /// The source of a direction ended its stream (FIN).
    package func ended(_ direction: Direction, at now: Instant) {
        self.finish(direction, with: .end, at: now)
    }

    /// The socket of a leg was reset by its peer, or failed.
    package func wasReset(_ leg: Leg, at now: Instant) {
        let fromLeg: Direction = leg == .opener ? .forward : .backward
        // What was on its way to this leg has nowhere to go any more.
        self.with(fromLeg.reversed) { $0.discardAll() }
        self.setFinished(fromLeg.reversed)
        self.finish(fromLeg, with: .reset, at: now)
    }

    private func finish(
        _ direction: Direction, with content: QueueItem<Bytes>.Content, at now: Instant
    ) {
        let context = MessageContext(journal: self.journal(now), exchange: self.exchange)
        self.with(direction) { pipeline in
            if self.isOver || (pipeline.hasEnded && !content.isReset) { return }
            pipeline.admitEnd(at: now, context: context)
            pipeline.hasEnded = true
            pipeline.release.noteActivity(at: now)
            let due = now.advanced(byNanoseconds: pipeline.delay == nil ? 0 : pipeline.link.meanDelay)
            pipeline.enqueue(content, due: due)
        }
    }

    /// The socket at which a direction ends can, or cannot, take bytes.
    package func setReady(_ direction: Direction, _ isReady: Bool) {
        if direction == .forward { self.forwardIsReady = isReady } else { self.backwardIsReady = isReady }
    }

    /// The driver wrote bytes to the socket at which a direction ends. Counted apart from the
    /// pipeline's own numbers: this is the evidence that nothing crossed a cut.
    package func wrote(_ count: Int, _ direction: Direction) {
        let state = direction == .forward ? self.forward.link : self.backward.link
        state.bytesDelivered += count
        for cut in self.cutsThatForbid(direction) { cut.crossedBytes[state.link, default: 0] += count }
    }

    /// The cuts under which nothing may be written in a direction of this connection.
    private func cutsThatForbid(_ direction: Direction) -> [Cut] {
        let state = direction == .forward ? self.forward.link : self.backward.link
        let opener = self.forward.link
        if state.cuts.isEmpty && opener.cuts.isEmpty { return [] }
        return state.cuts.filter { [.lose, .drop, .hold].contains($0.mode) }
            + opener.cuts.filter { cut in
                cut.mode == .reject || (cut.mode == .establishedOnly && cut.order > self.order)
                    || (cut.mode == .newOnly && cut.order < self.order)
            }
    }

    // MARK: - What is to be done

    /// Whether more bytes should be read from the source of a direction. Where no fault wants them
    /// earlier, they are read once the other socket can take them.
    package func wantsInput(_ direction: Direction) -> Bool {
        if self.isOver { return false }
        let share = self.network.queueLimitOfRun / max(1, 2 * self.network.connectionsOpen)
        let isReady = direction == .forward ? self.forwardIsReady : self.backwardIsReady
        return self.with(direction) { pipeline in
            // An unfinished message does not count: it could never be finished at the limit.
            let waiting = pipeline.counters.queued - (pipeline.partial?.count ?? 0)
            return !pipeline.hasEnded && waiting < pipeline.limit(share: share)
                && (isReady || !pipeline.link.faults.isEmpty)
        }
    }

    /// Whether the target may be dialled now: nothing may reach it, or come back, through a cut in
    /// mode `drop`; nothing may reach it while it is held; `new-only` cuts off what came later.
    package var mayReachTarget: Bool {
        !self.forward.link.isCut(.drop) && !self.backward.link.isCut(.drop)
            && !self.forward.link.isCut(.hold)
            && !self.forward.link.cuts.contains { $0.mode == .newOnly && $0.order < self.order }
    }

    /// Whether the socket of a leg must be deaf: a cut in mode `drop` loses all that its peer sends.
    package func isSilent(_ leg: Leg) -> Bool {
        (leg == .opener ? self.forward.link : self.backward.link).isCut(.drop)
    }

    /// When to ask for the next action if nothing happens before.
    package var deadline: Instant {
        self.isOver ? .never : min(self.forward.deadline, self.backward.deadline)
    }

    /// Takes over changes of faults and cuts.
    package func networkChanged(at now: Instant) {
        if self.isOver { return }
        self.forward.configure(at: now)
        self.backward.configure(at: now)
        let identity = ObjectIdentifier(self)
        for state in [self.forward.link, self.backward.link] {
            for cut in state.cuts where [.drop, .hold].contains(cut.mode) {
                if cut.met.insert(identity).inserted {
                    cut.touched += 1
                    cut.hits += 1
                }
            }
        }
        for cut in self.forward.link.cuts
        where cut.mode == .reject || (cut.mode == .establishedOnly && cut.order > self.order) {
            if cut.met.insert(identity).inserted {
                cut.touched += 1
                cut.hits += 1
            }
            self.pendingReset = true
        }
    }

    /// The next thing to do, or `nil` until something happens or ``deadline`` comes.
    package func nextAction(at now: Instant) -> StreamAction<Bytes>? {
        if self.isOver { return nil }
        if self.pendingReset { return self.end(.reset) }
        for direction in Direction.allCases {
            let isReady = direction == .forward ? self.forwardIsReady : self.backwardIsReady
            let journal = self.journal(now)
            let action = self.with(direction) { pipeline in
                pipeline.next(at: now, isSinkReady: isReady, journal: journal)
            }
            switch action {
            case .write(let bytes): return .write(direction, bytes)
            case .closeWriting:
                self.setFinished(direction)
                return .closeWriting(direction)
            case .reset: return self.end(.reset)
            case .close: return self.end(.close)
            case nil: break
            }
        }
        if self.forwardIsFinished && self.backwardIsFinished { return self.end(.close) }
        return nil
    }

    private func setFinished(_ direction: Direction) {
        if direction == .forward { self.forwardIsFinished = true } else { self.backwardIsFinished = true }
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
        self.forward.link.connectionsOpen -= 1
        self.network.connectionsOpen -= 1
        let identity = ObjectIdentifier(self)
        for cut in self.forward.link.cuts + self.backward.link.cuts { cut.met.remove(identity) }
        self.record("closed", at: now, [
            ("forward", self.summary(self.forward)), ("backward", self.summary(self.backward)),
        ])
    }

    private func summary(_ pipeline: StreamPipeline<Bytes>) -> JSONValue {
        let counters = pipeline.counters
        var object: JSONObject = [
            "received": counters.received.json, "written": counters.written.json,
        ]
        if counters.lost > 0 { object["lost"] = counters.lost.json }
        if counters.duplicated > 0 { object["duplicated"] = counters.duplicated.json }
        if counters.discarded > 0 { object["discarded"] = counters.discarded.json }
        if pipeline.decisions > 0 {
            object["decisions"] = pipeline.decisions.json
            object["fingerprint"] = .string(String(pipeline.fingerprint, radix: 16))
        }
        return .object(object)
    }

    private func record(
        _ state: String, at now: Instant, _ details: [(key: String, value: JSONValue)]
    ) {
        let members: [(key: String, value: JSONValue)] = [
            ("state", .string(state)), ("link", .string(self.link.description)),
            ("connection", self.ordinal.json),
        ]
        self.network.record(
            JournalEntry(at: now, event: "connection", details: JSONObject(members + details)))
    }
}

extension QueueItem.Content {
    fileprivate var isReset: Bool {
        if case .reset = self { return true }
        return false
    }
}
