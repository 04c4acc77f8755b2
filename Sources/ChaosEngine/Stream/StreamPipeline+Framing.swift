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
    /// Where they end in the bytes at hand.
    var end = 0
    var messages = 0
    var firstOrdinal = 0
    var due = Instant.never
}

extension StreamPipeline {
    /// Takes in bytes and finds the messages in them.
    mutating func admitFramed(_ bytes: Bytes, at now: Instant, context: MessageContext) {
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
        var batch = MessageBatch()
        while batch.end < bytes.count {
            let begin = batch.end
            let (step, isReply) = self.nextStep(in: bytes, from: begin)
            if case .message(let end) = step, mayBatch, self.partial == nil, self.passing == nil {
                if isReply { context.exchange.sawReply() }
                self.admitBatched(end - begin, &batch, from: &bytes, at: now, context)
                continue
            }
            self.flush(&batch, from: &bytes)
            self.admit(step, begunAt: begin, from: &bytes, at: now, context: context)
            if self.hasEnded {
                self.counters.discarded += bytes.count
                return
            }
        }
        self.flush(&batch, from: &bytes)
    }

    private mutating func nextStep(
        in bytes: Bytes, from offset: Int
    ) -> (step: FrameStep, isReply: Bool) {
        bytes.withSpan { span in
            let isReply =
                self.direction == .backward
                && LazyMessageView<Bytes>.isReply(span, from: offset, self.link.framing)
            return (self.framer?.next(span, from: offset) ?? .unsynchronised, isReply)
        }
    }

    // MARK: - Batches

    /// Whether messages can be decided on by their ordinals alone, and wait together.
    private func mayBatch(_ context: MessageContext) -> Bool {
        self.link.framing != .http1 && self.link.network.messageObserver == nil
            && !self.splitsBatches && self.faults?.lookInside != true
            && !(self.direction == .backward && context.exchange.isSuppressing)
    }

    /// Decides on a message and lets it join those before it, if nothing strikes it.
    private mutating func admitBatched(
        _ size: Int, _ batch: inout MessageBatch, from bytes: inout Bytes, at now: Instant,
        _ context: MessageContext
    ) {
        let ordinal = self.beginMessage()
        var view = LazyMessageView<Bytes>(framing: self.link.framing, side: self.side, bytes: nil)
        let fate = self.decideFate(of: ordinal, &view, context)
        let due = now.advanced(byNanoseconds: fate.delay)
        guard fate.isPlain && self.held.isEmpty else {
            self.flush(&batch, from: &bytes)
            let message = bytes.removePrefix(size)
            self.deliver(message, ordinal, fate, at: now)
            return
        }
        if batch.messages > 0 && batch.due != due { self.flush(&batch, from: &bytes) }
        if batch.messages == 0 {
            batch.firstOrdinal = ordinal
            batch.due = due
        }
        batch.messages += 1
        batch.end += size
    }

    private mutating func flush(_ batch: inout MessageBatch, from bytes: inout Bytes) {
        if batch.messages == 0 { return }
        let messages = bytes.removePrefix(batch.end)
        self.enqueue(
            QueueItem(
                content: .bytes(messages), due: batch.due, place: batch.firstOrdinal,
                messages: batch.messages, isWhole: true))
        batch = MessageBatch()
    }

    /// Makes messages wait one by one that wait together, because a fault came that may take some
    /// of them or cut them in two.
    mutating func splitBatches() {
        guard self.queue.contains(where: { $0.isWhole && $0.messages > 1 }) else { return }
        var items = self.queue
        self.queue.removeAll()
        while let item = items.popFirst() {
            guard item.isWhole, item.messages > 1, case .bytes(var bytes) = item.content else {
                self.queue.append(item)
                continue
            }
            var framer = Framer(self.link.framing, side: self.side, limit: .max)
            for number in 0..<item.messages {
                var single = item
                single.messages = 1
                single.place = item.place + number
                single.notes = item.notes.filter { $0.index == number }
                for index in single.notes.indices { single.notes[index].index = 0 }
                if number < item.messages - 1,
                    case .message(let end) = bytes.withSpan({ framer.next($0, from: 0) })
                {
                    single.content = .bytes(bytes.removePrefix(end))
                } else {
                    single.content = .bytes(bytes)
                }
                self.queue.append(single)
            }
        }
    }

    // MARK: - One step of the framing

    private mutating func admit(
        _ step: FrameStep, begunAt begin: Int, from bytes: inout Bytes, at now: Instant,
        context: MessageContext
    ) {
        if self.link.framing == .http1, self.direction == .forward,
            let method = self.framer?.takeRequestMethods().last
        {
            self.method = method
        }
        switch step {
        case .more: self.admitUnfinished(bytes.removePrefix(bytes.count), at: now, context)
        case .message(let end):
            self.admitEndOfMessage(bytes.removePrefix(end - begin), at: now, context)
        case .oversized(let end, let isFinished):
            if self.passing?.isKnownOversized != true {
                context.journal.warning(
                    "a message over the size limit passes without message faults", self)
            }
            self.pass(bytes.removePrefix(end - begin), at: now, context)
            self.passing?.isKnownOversized = true
            if isFinished { self.passing = nil }
        case .streamed(let end, let isFinished):
            self.pass(bytes.removePrefix(end - begin), at: now, context)
            if isFinished { self.passing = nil }
        case .unsynchronised:
            self.passUnsynchronised(bytes.removePrefix(bytes.count), at: now, context)
        }
    }

    private mutating func passUnsynchronised(
        _ bytes: Bytes, at now: Instant, _ context: MessageContext
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
            self.enqueue(QueueItem(content: .bytes(partial), due: now, place: self.messagesStarted))
        }
        self.enqueue(bytes, due: now, place: self.messagesStarted, at: now)
    }

    /// Keeps an unfinished message back if a fault may want the whole of it; otherwise it passes as
    /// it comes, so that a framing nobody needs right now does not delay anything.
    private mutating func admitUnfinished(
        _ bytes: Bytes, at now: Instant, _ context: MessageContext
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
            || self.link.network.messageObserver != nil
            || (self.direction == .backward && context.exchange.isSuppressing)
    }

    private mutating func admitEndOfMessage(
        _ part: Bytes, at now: Instant, _ context: MessageContext
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

    private mutating func takePartial() -> Bytes? {
        guard let partial = self.partial else { return nil }
        self.partial = nil
        self.counters.queued -= partial.count
        return partial
    }

    // MARK: - Messages that pass in parts

    /// Lets a part of a message pass, behind what was kept of it.
    private mutating func pass(_ part: Bytes, at now: Instant, _ context: MessageContext) {
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
                content: .bytes(part), due: now.advanced(byNanoseconds: passing.delay),
                place: ordinal, messages: 1, notes: self.takeNotes(nil)))
    }

    /// The delay that all messages have.
    private mutating func delayOfParts(_ ordinal: Int) -> Int64 {
        guard let faults = self.faults, let fault = faults.delay?.fault,
            faults.delay?.isForEveryMessage == true
        else { return 0 }
        fault.touch()
        fault.hit()
        let delay = faults.delay?.delay(at: UInt64(ordinal)) ?? 0
        if faults.delay?.isConstantDelay == false {
            self.fold(faults.delay, ordinal, UInt64(delay))
        }
        return delay
    }

    /// The stream ended: a message that only its end finishes meets its faults, and what was kept
    /// of an unfinished one passes.
    mutating func admitEnd(at now: Instant, context: MessageContext) {
        if self.framer?.end() == .message, let whole = self.takePartial() {
            self.admitMessage(whole, at: now, context)
        }
        self.releaseHeldMessages(at: now, all: true)
        if let partial = self.takePartial() { self.pass(partial, at: now, context) }
        self.passing = nil
    }

    /// Numbers the next message.
    mutating func beginMessage() -> Int {
        defer { self.messagesStarted += 1 }
        self.link.messagesSeen += 1
        return self.messagesStarted
    }
}
