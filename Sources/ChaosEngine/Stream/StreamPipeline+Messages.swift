import ChaosCore
import DequeModule

// Framed streams: faults are decided per message, and a message is never cut in two by one.

/// What a message's fate depends on beside its own bytes.
struct MessageContext {
    let journal: Journal
    let exchange: Exchange
}

/// What was decided for one message.
struct MessageFate {
    var isUnacknowledged = false
    var isLost = false
    var isTwice = false
    var isCorrupt = false
    var isHeld = false
    /// How long it travels, in nanoseconds; `nil` without a delay.
    var drawnDelay: Int64?

    var delay: Int64 { self.drawnDelay ?? 0 }

    /// Whether it just travels.
    var isPlain: Bool {
        !self.isUnacknowledged && !self.isLost && !self.isTwice && !self.isCorrupt && !self.isHeld
    }
}

extension StreamPipeline {
    /// Decides the fate of one whole message and carries it out.
    mutating func admitMessage(_ message: Chunk, at now: Instant, _ context: MessageContext) {
        if self.link.framing == .http2 { return self.admitFrame(message, at: now, context) }
        let ordinal = self.beginMessage()
        var view = LazyMessageView(framing: self.link.framing, side: self.side, bytes: message)
        if let observer = self.link.network.messageObserver { observer(self.link.link, view.value) }
        let isTraced = self.link.network.messageTracer?.takesMore == true
        if isTraced { self.trace(.sent(view.value), ordinal, at: now) }
        if self.direction == .backward, view.isReply, context.exchange.suppresses(&view) {
            if isTraced { self.trace(.lost(injection: self.idOfAckLoss), ordinal, at: now) }
            self.suppress(message, at: now)
            return
        }
        let fate = self.decideFate(of: ordinal, &view, context)
        self.deliver(message, ordinal, fate, at: now, isTraced: isTraced)
    }

    /// The injection that takes replies away.
    var idOfAckLoss: String {
        self.reverseLink.fault(.ackLoss)?.injection.id ?? FaultKind.ackLoss.rawValue
    }

    /// Takes a reply away and resets the connection behind all that came before it.
    mutating func suppress(_ reply: Chunk, at now: Instant) {
        self.counters.lost += reply.count
        self.releaseHeldMessages(at: now, all: true)
        self.hasEnded = true
        let delay = self.faults?.delay?.isForEveryMessage == true ? self.link.latency : 0
        self.enqueue(
            QueueItem(
                .abort, due: now.advanced(byNanoseconds: delay), place: self.messagesStarted))
    }

    // MARK: - Decisions

    /// Draws what each fault does to a message. All of them draw, also for a message that is lost:
    /// what one fault does never shifts what another decides.
    ///
    /// - Parameter kinds: The faults that concern it, where not all do.
    mutating func decideFate(
        of ordinal: Int, _ view: inout LazyMessageView, _ context: MessageContext,
        kinds: Set<FaultKind>? = nil
    ) -> MessageFate {
        var fate = MessageFate()
        guard let faults = self.faults else { return fate }
        func draws(_ kind: FaultKind, _ draws: FaultDraws?) -> FaultDraws? {
            kinds?.contains(kind) == false ? nil : draws
        }
        fate.isUnacknowledged = self.strikes(
            draws(.ackLoss, faults.ackLoss), ordinal, &view, context)
        fate.isLost = self.strikes(draws(.loss, faults.loss), ordinal, &view, context)
        fate.isTwice = self.strikes(draws(.duplicate, faults.duplicate), ordinal, &view, context)
        fate.isCorrupt = self.strikes(draws(.corrupt, faults.corrupt), ordinal, &view, context)
        if let draws = faults.delay, draws.meets(&view, self.direction) != nil {
            let delay = draws.delay(at: UInt64(ordinal))
            fate.drawnDelay = delay
            if !draws.isConstantDelay { self.fold(draws.tag, ordinal, UInt64(delay)) }
            // A line for each message of a delayed link would drown all others.
            if !draws.isForEveryMessage {
                context.journal.decision(
                    self, draws.fault,
                    [("message", ordinal.json), ("delay_us", UInt64(delay / 1000).json)])
            }
        }
        fate.isHeld = self.strikes(draws(.reorder, faults.reorder), ordinal, &view, context)
        self.countHits(of: fate, faults)
        return fate
    }

    private mutating func strikes(
        _ draws: FaultDraws?, _ ordinal: Int, _ view: inout LazyMessageView,
        _ context: MessageContext
    ) -> Bool {
        guard let draws, let number = draws.meets(&view, self.direction),
            draws.strikes(at: UInt64(ordinal), matched: number)
        else { return false }
        self.fold(draws.tag, ordinal, 1)
        context.journal.decision(self, draws.fault, [("message", ordinal.json)])
        return true
    }

    private func countHits(of fate: MessageFate, _ faults: StreamFaults) {
        if fate.isLost {
            faults.loss?.fault.hit()
            return
        }
        if fate.isUnacknowledged { faults.ackLoss?.fault.hit() }
        if fate.isTwice { faults.duplicate?.fault.hit() }
        if fate.isCorrupt { faults.corrupt?.fault.hit() }
        if fate.drawnDelay != nil { faults.delay?.fault.hit() }
        if fate.isHeld { faults.reorder?.fault.hit() }
    }

    // MARK: - Effects

    /// Carries out what was decided for a message.
    mutating func deliver(
        _ message: Chunk, _ ordinal: Int, _ fate: MessageFate, at now: Instant,
        isTraced: Bool = false
    ) {
        if fate.isLost {
            if isTraced, let fault = self.faults?.loss?.fault {
                self.trace(.lost(injection: fault.injection.id), ordinal, at: now)
            }
            self.counters.lost += message.count
            self.method = nil
            return
        }
        var message = message
        var view: LazyMessageView?
        if fate.isCorrupt || fate.isUnacknowledged {
            view = LazyMessageView(framing: self.link.framing, side: self.side, bytes: message)
        }
        let messageID = fate.isUnacknowledged ? view?.value.correlation.messageID : nil
        if fate.isCorrupt, let view = view?.value { self.corrupt(&message, ordinal, view) }
        let note =
            fate.isUnacknowledged
            ? RequestNote(isUnacknowledged: true, messageID: messageID) : nil
        var item = QueueItem(
            messages: message, due: now.advanced(byNanoseconds: fate.delay), ordinal: ordinal,
            notes: self.takeNotes(note))
        if isTraced { item.traced = [ordinal] }
        if fate.isHeld, case .reorder(let reorder)? = self.faults?.reorder?.fault.fault {
            self.counters.queued += message.count
            self.held.append(
                HeldMessage(item: item, until: item.due + reorder.hold, gap: reorder.gap))
        } else {
            self.enqueueOnItsWay(item)
            if !self.held.isEmpty { self.overtakeHeldMessages() }
        }
        if fate.isTwice {
            self.counters.duplicated += message.count
            self.enqueueOnItsWay(item)
        }
    }

    /// Puts messages that leave together behind all others, or where their delay frees the order in
    /// front of those that leave later, but never inside of one.
    mutating func enqueueOnItsWay(_ item: QueueItem) {
        guard case .delay(let delay)? = self.faults?.delay?.fault.fault, delay.order == .free,
            let border = self.lastBorder, self.link.framing != .http2
        else { return self.enqueue(item) }
        var place = border
        while place > 0, self.queue[place - 1].isWholeMessage, self.queue[place - 1].due > item.due
        {
            place -= 1
        }
        self.counters.queued += item.byteCount
        self.queue.insert(item, at: place)
    }

    /// What the other direction must know of the current message once it leaves.
    mutating func takeNotes(_ note: RequestNote?) -> [RequestNote] {
        guard note != nil || self.method != nil else { return [] }
        var note = note ?? RequestNote()
        note.method = self.method
        self.method = nil
        return [note]
    }

    /// Flips as many different bits as the fault asks for, or as the message has.
    private mutating func corrupt(_ message: inout Chunk, _ ordinal: Int, _ view: MessageView) {
        guard let draws = self.faults?.corrupt, case .corrupt(let corrupt) = draws.fault.fault
        else { return }
        var flipped: [MessageBit] = []
        // Some numbers choose a bit that was chosen before; a small message may not have enough.
        for number in 0..<(2 * corrupt.bits + 16) where flipped.count < corrupt.bits {
            guard let place = view.bitToFlip(draws.word(at: UInt64(ordinal), number: number))
            else { return }
            if flipped.contains(place) { continue }
            flipped.append(place)
            self.fold(draws.tag, ordinal, UInt64(place.offset * 8 + place.bit))
        }
        message.flip(flipped.map { $0.offset * 8 + $0.bit })
    }

    // MARK: - Messages held back for others to overtake

    /// Counts one overtaking for each held message and lets those go that were overtaken enough,
    /// right behind the message that overtook them.
    private mutating func overtakeHeldMessages() {
        var waiting: [HeldMessage] = []
        for var message in self.held {
            message.gap = message.gap.map { $0 - 1 }
            if let gap = message.gap, gap <= 0 {
                self.queue.append(message.item)
            } else {
                waiting.append(message)
            }
        }
        self.held = waiting
    }

    /// Lets held messages go whose time is over, or all of them before the stream ends.
    mutating func releaseHeldMessages(at now: Instant, all: Bool) {
        guard !self.held.isEmpty, all || self.held.contains(where: { $0.until <= now }),
            var border = self.lastBorder ?? (all ? self.queue.count : nil)
        else { return }
        for message in self.held where all || message.until <= now {
            let place = all ? border : self.place(for: message.item, before: border, at: now)
            self.queue.insert(message.item, at: place)
            border += 1
        }
        self.held.removeAll { all || $0.until <= now }
    }

    /// Where a message may be put behind all others. One whose parts are passing is not complete:
    /// then in front of it, or nowhere yet if it has begun to leave.
    private var lastBorder: Int? {
        if self.passing == nil { return self.queue.count }
        guard let index = self.queue.lastIndex(where: { $0.startsMessage }),
            self.queue[index].place == self.messagesStarted - 1
        else { return nil }
        return index
    }

    /// Where a held message leaves at once: in front of later messages that are still on their way,
    /// but never inside of one.
    private func place(
        for item: QueueItem, before border: Int, at now: Instant
    ) -> Int {
        var place = border
        var index = border
        while index > 0 {
            let before = self.queue[index - 1]
            if before.due <= now || before.place < item.place { break }
            index -= 1
            if before.isBorder { place = index }
        }
        return place
    }
}
