import ChaosCore

// Framed streams: faults are decided per message, and a message is never cut in two by one.

/// A message that later ones are to overtake.
struct HeldMessage<Bytes: StreamBytes> {
    var bytes: Bytes
    /// When it leaves even if nothing overtakes it.
    var until: Instant
    /// How many messages have still to overtake it; `nil` leaves it to the time.
    var gap: Int?
}

extension StreamPipeline {
    /// Takes in bytes and finds the messages in them.
    mutating func admitFramed(_ bytes: Bytes, at now: Instant, context: MessageContext) {
        if self.release.swallows(self.link) {
            self.counters.lost += bytes.count
            self.release.noteSwallowed(at: now)
            return
        }
        if context.exchange.isTunnel { self.framer?.stop(because: "the connection became a tunnel") }
        var bytes = bytes
        while bytes.count > 0 {
            let step = bytes.withSpan { self.framer?.next($0, from: 0) ?? .unsynchronised }
            switch step {
            case .more:
                self.admitUnfinished(bytes, at: now)
                return
            case .message(let end):
                let part = bytes.removePrefix(end)
                self.noteRequestMethods(context)
                self.admitEndOfMessage(part, at: now, context: context)
            case .oversized(let end, let finished):
                if !self.isInPassedMessage {
                    context.journal.warning(
                        "a message over the size limit passes without message faults", self)
                }
                self.passPart(bytes.removePrefix(end), finished: finished, at: now)
            case .streamed(let end, let finished):
                self.passPart(bytes.removePrefix(end), finished: finished, at: now)
            case .unsynchronised:
                if self.link.framing == .http1, self.direction == .backward {
                    context.exchange.isTunnel = true
                }
                if !self.release.hasWarnedOfSync {
                    self.release.hasWarnedOfSync = true
                    let why = self.framer?.desynchronised ?? "the framing does not fit"
                    context.journal.warning(
                        "\(self.link.framing.rawValue) framing lost: \(why); bytes pass untouched", self)
                }
                self.passPartial(at: now)
                self.enqueue(.bytes(bytes), due: now)
                return
            }
        }
    }

    /// Lets a part of a message pass, with what was kept of it.
    private mutating func passPart(_ part: Bytes, finished: Bool, at now: Instant) {
        self.passPartial(at: now)
        self.enqueue(.bytes(part), due: now)
        self.isInPassedMessage = !finished
        if finished { self.messagesStarted += 1 }
    }

    /// The stream ended: what was kept of an unfinished message passes, and a message that only the
    /// end of the stream finishes meets its faults.
    mutating func admitEnd(at now: Instant, context: MessageContext) {
        if self.framer?.end() == .message, let partial = self.partial {
            self.partial = nil
            self.counters.queued -= partial.count
            let ordinal = self.messagesStarted
            self.messagesStarted += 1
            self.link.messagesSeen += 1
            self.admitMessage(partial, ordinal, at: now, context: context)
        }
        self.passPartial(at: now)
        self.releaseHeldMessages(at: now, all: true)
    }

    /// Keeps an unfinished message back if a fault may want the whole of it; otherwise it passes as
    /// it comes, so that a framing nobody needs right now does not delay anything.
    private mutating func admitUnfinished(_ bytes: Bytes, at now: Instant) {
        let mustHold = !self.isInPassedMessage && (self.needsWholeMessages || self.partialIsSmall(bytes))
        if mustHold {
            if self.partial == nil { self.partial = bytes } else { self.partial?.append(bytes) }
            self.counters.queued += bytes.count
            return
        }
        self.passPartial(at: now)
        self.isInPassedMessage = true
        self.enqueue(.bytes(bytes), due: now)
    }

    /// Small messages are held until they are whole, so that a cut never finds half of one on its
    /// way. HTTP bodies stream.
    private func partialIsSmall(_ bytes: Bytes) -> Bool {
        self.link.framing != .http1 && (self.partial?.count ?? 0) + bytes.count <= 64 << 10
    }

    private var needsWholeMessages: Bool {
        self.loss != nil || self.duplicate != nil || self.corrupt != nil || self.delay != nil
            || self.reorder != nil || self.ackLoss != nil || self.link.isCut(.lose)
    }

    /// Lets go of the part of a message that was kept back.
    mutating func passPartial(at now: Instant) {
        guard let partial = self.partial else { return }
        self.partial = nil
        self.counters.queued -= partial.count
        self.isInPassedMessage = true
        self.enqueue(.bytes(partial), due: now)
    }

    private mutating func admitEndOfMessage(
        _ part: Bytes, at now: Instant, context: MessageContext
    ) {
        let ordinal = self.messagesStarted
        self.messagesStarted += 1
        self.link.messagesSeen += 1
        if self.isInPassedMessage {
            self.isInPassedMessage = false
            self.enqueue(.bytes(part), due: now)
            return
        }
        var whole = part
        if var partial = self.partial {
            self.partial = nil
            self.counters.queued -= partial.count
            partial.append(part)
            whole = partial
        }
        self.admitMessage(whole, ordinal, at: now, context: context)
    }

    private mutating func noteRequestMethods(_ context: MessageContext) {
        guard self.link.framing == .http1, self.direction == .forward else { return }
        context.exchange.methods += self.framer?.takeRequestMethods() ?? []
    }

    /// Decides the fate of one whole message.
    private mutating func admitMessage(
        _ message: Bytes, _ ordinal: UInt64, at now: Instant, context: MessageContext
    ) {
        let view = LazyMessageView(framing: self.link.framing, side: self.side, bytes: message)
        if let observer = self.link.network.messageObserver { observer(self.link.link, view.value) }
        if self.direction == .backward, context.exchange.suppresses(view, ordinal) {
            self.counters.lost += message.count
            context.exchange.isToReset = true
            return
        }
        if self.strikes(.ackLoss, ordinal, view, context) {
            context.exchange.suppressReply(to: view, ordinal)
        }
        if self.strikes(.loss, ordinal, view, context) {
            self.counters.lost += message.count
            return
        }
        let isTwice = self.strikes(.duplicate, ordinal, view, context)
        var message = message
        if self.strikes(.corrupt, ordinal, view, context) {
            self.corrupt(&message, ordinal, view)
        }
        var due = now
        if let fault = self.delay?.fault, self.exposed(fault, view) {
            let delay = self.delay?.delay(at: ordinal) ?? 0
            fault.hit()
            self.fold(.delay, ordinal, UInt64(delay))
            context.journal.decision(
                .delay, self, fault,
                [("message", ordinal.json), ("delay_us", UInt64(delay / 1000).json)])
            due = due.advanced(byNanoseconds: delay)
        }
        if self.strikes(.reorder, ordinal, view, context),
            case .reorder(let reorder)? = self.reorder?.fault.fault
        {
            self.held.append(
                HeldMessage(bytes: message, until: due + reorder.hold, gap: reorder.gap))
            self.counters.queued += message.count
        } else {
            self.enqueue(.bytes(message), due: due, isMessage: true)
            self.overtakeHeldMessages()
        }
        if isTwice {
            self.counters.duplicated += message.count
            self.enqueue(.bytes(message), due: due, isMessage: true)
        }
    }

    private var side: StreamSide { self.direction == .forward ? .requests : .responses }

    /// Whether a message is one that the fault is meant for; counts it if so.
    private func exposed(_ fault: LinkFault, _ view: LazyMessageView<Bytes>) -> Bool {
        self.matchNumber(fault, view) != nil
    }

    /// How many messages the fault has met, this one included, or `nil` if it is not meant for it.
    private func matchNumber(_ fault: LinkFault, _ view: LazyMessageView<Bytes>) -> Int? {
        guard let match = fault.fault.match else {
            fault.touch()
            return fault.countMatch()
        }
        if let direction = match.direction, (direction == .request) != (self.direction == .forward) {
            return nil
        }
        if !view.satisfies(match) { return nil }
        let number = fault.countMatch()
        if let nth = match.nth, number != nth { return nil }
        if let first = match.first, number > first { return nil }
        if let after = match.after, number <= after { return nil }
        fault.touch()
        return number
    }

    private mutating func strikes(
        _ kind: FaultKind, _ ordinal: UInt64, _ view: LazyMessageView<Bytes>,
        _ context: MessageContext
    ) -> Bool {
        guard let fault = self[draws: kind]?.fault, let number = self.matchNumber(fault, view),
            self[draws: kind]?.strikes(at: ordinal, matched: number) == true
        else { return false }
        fault.hit()
        self.fold(kind, ordinal, 1)
        context.journal.decision(kind, self, fault, [("message", ordinal.json)])
        return true
    }

    private mutating func corrupt(
        _ message: inout Bytes, _ ordinal: UInt64, _ view: LazyMessageView<Bytes>
    ) {
        guard case .corrupt(let corrupt)? = self.corrupt?.fault.fault else { return }
        for number in 0..<corrupt.bits {
            let random = self.corrupt?.word(at: ordinal, number: number) ?? 0
            guard let place = view.value.bitToFlip(random) else { return }
            self.fold(.corrupt, ordinal, UInt64(place.offset * 8 + place.bit))
            message.flipBit(place.bit, at: place.offset)
        }
    }

    /// Counts one overtaking for each held message and lets those go that were overtaken enough.
    private mutating func overtakeHeldMessages() {
        guard !self.held.isEmpty, let due = self.queue.last?.due else { return }
        var waiting: [HeldMessage<Bytes>] = []
        for var message in self.held {
            message.gap = message.gap.map { $0 - 1 }
            if let gap = message.gap, gap <= 0 {
                self.counters.queued -= message.bytes.count
                self.enqueue(.bytes(message.bytes), due: due, isMessage: true)
            } else {
                waiting.append(message)
            }
        }
        self.held = waiting
    }

    /// Lets held messages go whose time is over, or all of them before the stream ends.
    mutating func releaseHeldMessages(at now: Instant, all: Bool) {
        guard !self.held.isEmpty else { return }
        let leaving = self.held.filter { all || $0.until <= now }
        self.held.removeAll { all || $0.until <= now }
        for message in leaving {
            self.counters.queued -= message.bytes.count
            self.enqueue(.bytes(message.bytes), due: now, isMessage: true)
        }
    }
}

/// What a message's fate depends on beside its own bytes.
struct MessageContext {
    let journal: Journal
    let exchange: Exchange
}

/// A message interpreted only when somebody asks for it, and then once.
final class LazyMessageView<Bytes: StreamBytes> {
    private let framing: Framing
    private let side: StreamSide
    private let bytes: Bytes
    /// The interpreted message.
    private(set) lazy var value = self.bytes.withSpan { span in
        MessageView(framing: self.framing, side: self.side, bytes: span)
    }

    init(framing: Framing, side: StreamSide, bytes: Bytes) {
        self.framing = framing
        self.side = side
        self.bytes = bytes
    }

    /// Whether the message has what a match asks for; the answer costs nothing without a question.
    func satisfies(_ match: MessageMatch) -> Bool {
        if match.type == nil && match.fields.isEmpty { return true }
        return match.matchesContent(of: self.value)
    }
}
