import ChaosEngine

/// An Ethernet frame that waits.
struct FrameBytes: PacketContent {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func flip(_ bits: [Int]) {
        for bit in bits { self.bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
    }
}
