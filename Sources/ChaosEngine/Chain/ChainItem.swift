import ChaosCore

/// Something on its way through a chain.
struct ChainItem {
    enum Content {
        case bytes(Chunk)
        case end(ChainEnd)
    }

    var content: Content
    /// When it arrived at the stage that has it; a stage that delays counts from then.
    var arrived: Instant
    /// How many bytes the stage that has it had taken before, by which its draws are numbered.
    var place: UInt64 = 0
    /// Whether it leaves at once, whatever the stage does.
    var isReleased = false

    init(_ content: Content, arrived: Instant) {
        self.content = content
        self.arrived = arrived
    }

    var byteCount: Int {
        if case .bytes(let chunk) = content { return chunk.count }
        return 0
    }

    /// Whether it ends the connection rather than the stream.
    var isAbrupt: Bool {
        if case .end(let end) = self.content { return end != .finished }
        return false
    }

    var isEnd: Bool {
        if case .end = self.content { return true }
        return false
    }
}

/// Where a chain stands.
struct ChainPlace {
    let direction: Direction
    /// The connection's number on its link.
    let ordinal: Int
    /// What both directions of the connection know of each other.
    let exchange: Exchange
}

/// How a direction ends.
enum ChainEnd {
    /// The source ended its stream.
    case finished
    /// The source, or a stage, resets the connection.
    case reset
    /// A stage closes the connection.
    case closed
}
