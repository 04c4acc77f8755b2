import ChaosCore

/// Something that waits on one direction of a connection, in order.
struct QueueItem {
    var content: Content
    /// When it may leave; it also waits for everything in front of it.
    var due: Instant
    /// On a raw stream the offset of its first byte, on a framed one the ordinal of its first
    /// message.
    var place = 0
    /// Set while a single loss may still be repaired by fast retransmit: when the item would have
    /// left without the loss.
    var dueWithoutLoss: Instant?
    /// Whether a message begins with its first byte.
    var startsMessage = false
    /// Where more messages begin, by offsets in the chunk's storage, and which of them is next.
    private var borders: [Int] = []
    private var nextBorder = 0
    /// Whether a message ends with its last byte.
    private(set) var endsMessage = false
    /// What the other direction must know once it leaves.
    var notes: [RequestNote] = []
    /// The ordinals of its messages that have not begun to leave; empty where nobody traces them.
    var traced: [Int] = []

    enum Content {
        case bytes(Chunk)
        /// The source ended its stream.
        case end
        /// The source reset its connection.
        case reset
        /// A fault resets both legs.
        case abort
    }

    /// Makes something that is no message.
    init(_ content: Content, due: Instant, place: Int) {
        self.content = content
        self.due = due
        self.place = place
    }

    /// Makes whole messages that leave together, or the beginning of one.
    ///
    /// - Parameter borders: Where messages but the first begin, by offsets in the chunk's storage.
    init(
        messages: Chunk, due: Instant, ordinal: Int, borders: [Int] = [], isFinished: Bool = true,
        notes: [RequestNote] = []
    ) {
        self.content = .bytes(messages)
        self.due = due
        self.place = ordinal
        self.startsMessage = true
        self.borders = borders
        self.endsMessage = isFinished
        self.notes = notes
    }

    var byteCount: Int {
        if case .bytes(let bytes) = self.content { return bytes.count }
        return 0
    }

    /// How many messages in it have not begun to leave.
    var messages: Int {
        self.borders.count - self.nextBorder + (self.startsMessage ? 1 : 0)
    }

    /// Whether it holds whole messages, of which none has begun to leave.
    var isWholeMessage: Bool { self.startsMessage && self.endsMessage }

    /// Whether a message may go in front of it.
    var isBorder: Bool {
        if case .bytes = self.content { return self.startsMessage }
        return true
    }

    /// Whether bytes that are due then would leave together with these anyway, and may join them.
    func takesMore(due: Instant, at now: Instant) -> Bool {
        !self.endsMessage && self.dueWithoutLoss == nil && due <= max(self.due, now)
    }

    /// The size of the message at its beginning, if one is and all of it is here.
    var sizeOfWholeMessage: Int? {
        guard self.startsMessage, case .bytes(let chunk) = self.content else { return nil }
        if self.nextBorder < self.borders.count {
            return self.borders[self.nextBorder] - chunk.begin
        }
        return self.endsMessage ? chunk.count : nil
    }

    /// How many bytes there are before the next message begins.
    var sizeToNextMessage: Int {
        guard case .bytes(let chunk) = self.content else { return 0 }
        if self.nextBorder == self.borders.count { return chunk.count }
        return self.borders[self.nextBorder] - chunk.begin
    }

    /// Cuts off and returns the first bytes, and tells how many messages begin with them.
    mutating func removePrefix(_ size: Int) -> (chunk: Chunk, begun: Int) {
        guard case .bytes(var chunk) = self.content else {
            preconditionFailure("only bytes leave in pieces")
        }
        let before = self.messages
        let prefix = chunk.removePrefix(size)
        self.content = .bytes(chunk)
        while self.nextBorder < self.borders.count, self.borders[self.nextBorder] < chunk.begin {
            self.nextBorder += 1
        }
        self.startsMessage =
            self.nextBorder < self.borders.count && self.borders[self.nextBorder] == chunk.begin
        if self.startsMessage { self.nextBorder += 1 }
        self.notes = []
        let begun = before - self.messages
        if !self.traced.isEmpty { self.traced.removeFirst(min(begun, self.traced.count)) }
        return (prefix, begun)
    }

    /// Takes away the message at its beginning.
    mutating func removeMessage(_ size: Int) {
        let notes = self.notes
        _ = self.removePrefix(size)
        for var note in notes where note.index > 0 {
            note.index -= 1
            self.notes.append(note)
        }
    }

    /// Makes one item of several, with the first one's time and place.
    static func joined(_ items: some Collection<QueueItem>) -> QueueItem? {
        guard var joined = items.first, case .bytes(var whole) = joined.content else { return nil }
        joined.content = .end
        joined.borders = []
        joined.nextBorder = 0
        joined.notes = []
        joined.traced = []
        var size = 0
        var messages = 0
        for item in items {
            guard case .bytes(let chunk) = item.content else { continue }
            if item.startsMessage && size > 0 { joined.borders.append(size) }
            for border in item.borders[item.nextBorder...] {
                joined.borders.append(border - chunk.begin + size)
            }
            for var note in item.notes {
                note.index += messages
                joined.notes.append(note)
            }
            joined.traced += item.traced
            if size > 0 { whole.append(chunk) }
            size += chunk.count
            messages += item.messages
            joined.endsMessage = item.endsMessage
        }
        joined.content = .bytes(whole)
        return joined
    }
}

/// A message that later ones are to overtake.
struct HeldMessage {
    var item: QueueItem
    /// When it leaves even if nothing overtakes it.
    var until: Instant
    /// How many messages have still to overtake it; `nil` leaves it to the time.
    var gap: Int?
}
