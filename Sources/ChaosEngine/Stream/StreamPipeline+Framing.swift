import ChaosCore
import DequeModule

// Framed streams: where messages begin and end, and which of them pass in parts.

/// A message whose parts pass as they come, without the faults that need the whole of it.
struct PassingMessage {
    /// How much later its parts leave than they came, in nanoseconds.
    var delay: Int64
    /// Whether the journal says that it is too large.
    var isKnownOversized = false
}

/// Messages that arrived together, that nothing struck, and that leave together.
private struct MessageBatch {
    /// Where they end in the bytes at hand, which they begin with.
    var end = 0
    /// Where those but the first begin.
    var borders: [Int] = []
    var firstOrdinal = 0
    var due = Instant.never
}

/// What ends a batch.
private enum BatchEnd {
    /// Nothing is left.
    case exhausted
    /// A message that leaves later than those before it has begun a batch of its own.
    case laterMessage(size: Int, ordinal: Int, due: Instant)
    /// Something strikes the next message.
    case struckMessage(size: Int, ordinal: Int, MessageFate)
    /// What follows is no message that can be decided on by its ordinal alone.
    case other(FrameStep)
}

extension StreamPipeline {
    /// Takes in bytes and finds the messages in them.
    mutating func admitFramed(_ bytes: Chunk, at now: Instant, context: MessageContext) {
        if self.release.timeout != nil {
            self.counters.lost += bytes.count
            self.release.noteSwallowed(at: now)
            return
        }
        if context.exchange.isTunnel {
            self.framer?.stop(because: "the connection became a tunnel")
        }
        let mayBatch = self.mayBatch(context)
        var bytes = bytes
        while bytes.count > 0 {
            if mayBatch && self.partial == nil && self.passing == nil {
                self.admitBatches(of: &bytes, at: now, context)
            } else {
                let step = bytes.withSpan { self.framer?.next($0, from: 0) ?? .unsynchronised }
                self.admit(step, from: &bytes, at: now, context: context)
            }
            if self.hasEnded {
                self.counters.discarded += bytes.count
                return
            }
        }
    }

    // MARK: - Batches

    /// Whether messages can be decided on by their ordinals alone.
    private func mayBatch(_ context: MessageContext) -> Bool {
        self.link.framing != .http1 && self.link.framing != .http2
            && !self.link.network.looksIntoMessages
            && self.faults?.lookInside != true
            && !(self.direction == .backward && context.exchange.isSuppressing)
    }

    /// Takes in messages as long as they can be decided on by their ordinals, then what ends them.
    private mutating func admitBatches(
        of bytes: inout Chunk, at now: Instant, _ context: MessageContext
    ) {
        var batch = MessageBatch()
        while true {
            let ending = bytes.withSpan { self.fill(&batch, from: $0, at: now, context) }
            if batch.end > 0 {
                let first = bytes.begin
                let messages = bytes.removePrefix(batch.end)
                self.enqueueOnItsWay(
                    QueueItem(
                        messages: messages, due: batch.due, ordinal: batch.firstOrdinal,
                        borders: batch.borders.map { $0 + first }))
            }
            switch ending {
            case .exhausted: return
            case .laterMessage(let size, let ordinal, let due):
                batch = MessageBatch(end: size, firstOrdinal: ordinal, due: due)
            case .struckMessage(let size, let ordinal, let fate):
                self.deliver(bytes.removePrefix(size), ordinal, fate, at: now)
                if bytes.count == 0 { return }
                batch = MessageBatch()
            case .other(let step):
                self.admit(step, from: &bytes, at: now, context: context)
                return
            }
        }
    }

    /// Finds messages that nothing strikes and that leave at the same time.
    private mutating func fill(
        _ batch: inout MessageBatch, from bytes: Span<UInt8>, at now: Instant,
        _ context: MessageContext
    ) -> BatchEnd {
        while batch.end < bytes.count {
            let begin = batch.end
            let step = self.framer?.next(bytes, from: begin) ?? .unsynchronised
            guard case .message(let end) = step else {
                return .other(step.moved(by: -begin))
            }
            if self.direction == .backward,
                LazyMessageView.isReply(bytes, from: begin, self.link.framing)
            {
                context.exchange.sawReply()
            }
            let ordinal = self.beginMessage()
            var due = now
            if self.faults != nil {
                var view = LazyMessageView(
                    framing: self.link.framing, side: self.side, bytes: nil)
                let fate = self.decideFate(of: ordinal, &view, context)
                due = now.advanced(byNanoseconds: fate.delay)
                if !fate.isPlain || !self.held.isEmpty {
                    return .struckMessage(size: end - begin, ordinal: ordinal, fate)
                }
            } else if !self.held.isEmpty {
                return .struckMessage(size: end - begin, ordinal: ordinal, MessageFate())
            }
            if begin == 0 {
                (batch.firstOrdinal, batch.due) = (ordinal, due)
            } else if due == batch.due {
                batch.borders.append(begin)
            } else {
                return .laterMessage(size: end - begin, ordinal: ordinal, due: due)
            }
            batch.end = end
        }
        return .exhausted
    }

    // MARK: - One step of the framing

    private mutating func admit(
        _ step: FrameStep, from bytes: inout Chunk, at now: Instant, context: MessageContext
    ) {
        if self.link.framing == .http1, self.direction == .forward,
            let method = self.framer?.takeRequestMethods().last
        {
            self.method = method
        }
        switch step {
        case .more: self.admitUnfinished(bytes.removePrefix(bytes.count), at: now, context)
        case .message(let end):
            self.admitEndOfMessage(bytes.removePrefix(end), at: now, context)
        case .oversized(let end, let isFinished):
            if self.passing?.isKnownOversized != true {
                context.journal.warning(
                    "a message over the size limit passes without message faults", self)
            }
            self.pass(bytes.removePrefix(end), at: now, context)
            self.passing?.isKnownOversized = true
            if isFinished { self.passing = nil }
        case .streamed(let end, let isFinished):
            self.pass(bytes.removePrefix(end), at: now, context)
            if isFinished { self.passing = nil }
        case .unsynchronised:
            self.passUnsynchronised(bytes.removePrefix(bytes.count), at: now, context)
        }
    }

    private mutating func passUnsynchronised(
        _ bytes: Chunk, at now: Instant, _ context: MessageContext
    ) {
        if self.link.framing == .http1, self.direction == .backward {
            context.exchange.isTunnel = true
        }
        if !self.hasWarnedOfSync {
            self.hasWarnedOfSync = true
            let why = self.framer?.desynchronised ?? "the framing does not fit"
            context.journal.warning(
                "\(self.link.framing.rawValue) framing lost: \(why); bytes pass untouched", self)
        }
        self.releaseHeldMessages(at: now, all: true)
        self.passing = nil
        if let partial = self.takePartial() {
            self.enqueue(QueueItem(.bytes(partial), due: now, place: self.messagesStarted))
        }
        self.enqueue(bytes, due: now, place: self.messagesStarted, at: now)
    }

    /// Keeps an unfinished message back if a fault may want the whole of it; otherwise it passes as
    /// it comes, so that a framing nobody needs right now does not delay anything.
    private mutating func admitUnfinished(
        _ bytes: Chunk, at now: Instant, _ context: MessageContext
    ) {
        guard self.passing == nil && self.needsWholeMessages(context) else {
            self.pass(bytes, at: now, context)
            return
        }
        if self.partial == nil { self.partial = bytes } else { self.partial?.append(bytes) }
        self.counters.queued += bytes.count
    }

    private func needsWholeMessages(_ context: MessageContext) -> Bool {
        self.faults?.needWholeMessages == true || self.link.isCut(.lose)
            || self.link.network.looksIntoMessages
            || (self.direction == .backward && context.exchange.isSuppressing)
            || self.flow != nil || context.exchange.owesCredit(self.direction)
    }

    private mutating func admitEndOfMessage(
        _ part: Chunk, at now: Instant, _ context: MessageContext
    ) {
        if self.passing != nil {
            self.pass(part, at: now, context)
            self.passing = nil
            return
        }
        guard var whole = self.takePartial() else {
            self.admitMessage(part, at: now, context)
            return
        }
        whole.append(part)
        self.admitMessage(whole, at: now, context)
    }

    private mutating func takePartial() -> Chunk? {
        guard let partial = self.partial else { return nil }
        self.partial = nil
        self.counters.queued -= partial.count
        return partial
    }

    // MARK: - Messages that pass in parts

    /// Lets a part of a message pass, behind what was kept of it.
    ///
    /// - Parameter isRest: Whether nothing will follow, so that a message that begins with the part
    ///   is all that there will be of it, and can be lost as a whole.
    private mutating func pass(
        _ part: Chunk, isRest: Bool = false, at now: Instant, _ context: MessageContext
    ) {
        if let partial = self.takePartial() { self.pass(partial, at: now, context) }
        if let passing = self.passing {
            self.enqueue(
                part, due: now.advanced(byNanoseconds: passing.delay),
                place: self.messagesStarted - 1, at: now)
            return
        }
        let ordinal = self.beginMessage()
        if self.direction == .backward {
            let view = LazyMessageView(
                framing: self.link.framing, side: self.side, bytes: part)
            if view.isReply && context.exchange.suppressesNextByOrder() {
                self.suppress(part, at: now)
                return
            }
        }
        let passing = PassingMessage(delay: self.delayOfParts(ordinal))
        self.passing = passing
        self.enqueue(
            QueueItem(
                messages: part, due: now.advanced(byNanoseconds: passing.delay), ordinal: ordinal,
                isFinished: isRest, notes: self.takeNotes(nil)))
    }

    /// The delay that all messages have.
    private mutating func delayOfParts(_ ordinal: Int) -> Int64 {
        guard let draws = self.faults?.delay, draws.isForEveryMessage else { return 0 }
        draws.fault.touch()
        draws.fault.hit()
        let delay = draws.delay(at: UInt64(ordinal))
        if !draws.isConstantDelay { self.fold(draws.tag, ordinal, UInt64(delay)) }
        return delay
    }

    /// The stream ended: a message that only its end finishes meets its faults, and what was kept
    /// of an unfinished one passes.
    mutating func admitEnd(at now: Instant, context: MessageContext) {
        if self.framer?.end() == .message, let whole = self.takePartial() {
            self.admitMessage(whole, at: now, context)
        }
        self.releaseHeldMessages(at: now, all: true)
        if let partial = self.takePartial() { self.pass(partial, isRest: true, at: now, context) }
        self.passing = nil
    }

    /// Lets everything go at once that waits for time or for the rest of a message.
    mutating func flush(at now: Instant, context: MessageContext) {
        self.releaseHeldMessages(at: now, all: true)
        if let partial = self.takePartial() { self.pass(partial, at: now, context) }
        self.releaseEverything(at: now)
    }

    /// Numbers the next message.
    mutating func beginMessage() -> Int {
        defer { self.messagesStarted += 1 }
        self.link.messagesSeen += 1
        return self.messagesStarted
    }
}

extension FrameStep {
    /// The same step in bytes that begin elsewhere.
    fileprivate func moved(by distance: Int) -> FrameStep {
        switch self {
        case .more: .more
        case .message(let end): .message(end: end + distance)
        case .oversized(let end, let isFinished):
            .oversized(end: end + distance, finished: isFinished)
        case .streamed(let end, let isFinished):
            .streamed(end: end + distance, finished: isFinished)
        case .unsynchronised: .unsynchronised
        }
    }
}
