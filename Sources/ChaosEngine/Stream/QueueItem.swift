import ChaosCore

/// Something that waits on one direction of a connection, in order.
struct QueueItem<Bytes: StreamBytes> {
    var content: Content
    /// When it may leave; it also waits for everything in front of it.
    var due: Instant
    /// Whether it is a whole message, which `lose` may take away as long as none of it has left.
    var isMessage = false
    /// Set while a single loss may still be repaired by fast retransmit: when the item would have
    /// left without the loss.
    var dueWithoutLoss: Instant?

    enum Content {
        case bytes(Bytes)
        case end
        case reset
    }

    var byteCount: Int {
        if case .bytes(let bytes) = self.content { return bytes.count }
        return 0
    }
}
