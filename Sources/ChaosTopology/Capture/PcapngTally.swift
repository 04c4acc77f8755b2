/// Counts the packets of a capture that goes by in pieces, and notes whether it ends between two blocks.
package struct PcapngTally: Sendable {
    /// How many packets have gone by whole.
    package private(set) var packets = 0
    /// How many bytes have gone by.
    package private(set) var bytes = 0
    /// The beginning of a block, as far as it is there.
    private var head: [UInt8] = []
    /// How much of the block is still to come behind its first eight bytes.
    private var rest = 0
    private var isPacket = false

    package init() {}

    /// Whether nothing of a block is missing.
    package var isBetweenBlocks: Bool { self.head.isEmpty && self.rest == 0 }

    /// Takes the next piece.
    package mutating func take(_ piece: some Sequence<UInt8>) {
        for byte in piece {
            self.bytes += 1
            if self.rest > 0 {
                self.rest -= 1
                if self.rest == 0 && self.isPacket { self.packets += 1 }
                continue
            }
            self.head.append(byte)
            if self.head.count < 8 { continue }
            func word(_ at: Int) -> UInt32 {
                self.head[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            }
            self.isPacket = word(0) == Pcapng.Block.packet
            self.rest = max(0, Int(word(4)) - 8)
            self.head = []
        }
    }
}
