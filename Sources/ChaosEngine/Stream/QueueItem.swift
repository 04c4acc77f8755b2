import ChaosCore

/// Something that waits on one direction of a connection, in order.
struct QueueItem<Bytes: StreamBytes> {
    var content: Content
    /// When it may leave; it also waits for everything in front of it.
    var due: Instant
    /// On a raw stream the offset of its first byte, on a framed one the ordinal of its message.
    var place = 0
    /// Set while a single loss may still be repaired by fast retransmit: when the item would have
    /// left without the loss.
    var dueWithoutLoss: Instant?
    /// How many messages begin in it and have not begun to leave.
    var messages = 0
    /// Whether it consists of whole messages, which `lose` may take away as long as none of it has
    /// left.
    var isWhole = false
    /// What the other direction must know once it leaves.
    var notes: [RequestNote] = []

    enum Content {
        case bytes(Bytes)
        /// The source ended its stream.
        case end
        /// The source reset its connection.
        case reset
        /// A fault resets both legs.
        case abort
    }

    var byteCount: Int {
        if case .bytes(let bytes) = self.content { return bytes.count }
        return 0
    }

    /// Whether bytes that are due then would leave together with these anyway, and may join them.
    func takesMore(due: Instant, at now: Instant) -> Bool {
        guard case .bytes(let bytes) = self.content, !self.isWhole, self.dueWithoutLoss == nil
        else { return false }
        return bytes.count < 64 << 10 && due <= max(self.due, now)
    }

    /// Whether later messages end here and others begin, so that a message may go in front of it.
    var isBorder: Bool {
        if case .bytes = self.content { return self.messages > 0 }
        return true
    }
}

/// A message that later ones are to overtake.
struct HeldMessage<Bytes: StreamBytes> {
    var item: QueueItem<Bytes>
    /// When it leaves even if nothing overtakes it.
    var until: Instant
    /// How many messages have still to overtake it; `nil` leaves it to the time.
    var gap: Int?
}
