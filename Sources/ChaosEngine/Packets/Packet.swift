import ChaosCore

/// What is in a packet, as its driver holds it. Copies of it are apart from each other.
package protocol PacketContent {
    /// Flips bits, by their numbers from the first bit of the first byte on.
    mutating func flip(_ bits: [Int])
}

/// Something that crosses a link whole, or not at all: a datagram, an IP packet.
package final class Packet {
    /// Of whose packets it is one.
    package let flow: PacketFlow
    /// Which way of its flow it goes.
    package let direction: Direction
    /// How many bytes count for rates, queues and counters.
    package let size: Int
    /// Which of its bits a fault may flip.
    package let corruptibleBits: Range<Int>
    /// The packet itself.
    package private(set) var content: any PacketContent
    /// By which draws about it are numbered: its place on its link; copies have others.
    var ordinal: UInt64 = 0
    /// What was done to it, where somebody watches its link.
    package internal(set) var marks: [PacketMark] = []

    /// Makes a packet.
    ///
    /// - Parameter corruptibleBits: `nil` for all that count.
    package init(
        _ content: any PacketContent, size: Int, of flow: PacketFlow, _ direction: Direction,
        corruptibleBits: Range<Int>? = nil
    ) {
        self.content = content
        self.size = size
        self.flow = flow
        self.direction = direction
        self.corruptibleBits = corruptibleBits ?? 0..<size * 8
    }

    func flip(_ bits: [Int]) { self.content.flip(bits) }

    /// The same once more, with draws of its own.
    func copy() -> Packet {
        let copy = Packet(
            self.content, size: self.size, of: self.flow, self.direction,
            corruptibleBits: self.corruptibleBits)
        // Apart from all places that packets of a link can have.
        copy.ordinal = self.ordinal ^ 1 << 63
        copy.marks = self.marks
        return copy
    }
}
