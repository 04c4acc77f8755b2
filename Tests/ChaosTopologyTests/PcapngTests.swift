import ChaosTopology
import Testing

/// Capture files, read back by a reader of the test's own that follows the draft.
struct PcapngTests {
    struct Block: Equatable {
        let kind: UInt32
        let body: [UInt8]
        var options: [(code: UInt16, value: [UInt8])] = []

        static func == (left: Block, right: Block) -> Bool {
            left.kind == right.kind && left.body == right.body
        }
    }

    private static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads blocks; `fixed` tells how long a kind is before its options.
    private static func blocks(
        _ bytes: [UInt8], fixed: (UInt32, [UInt8]) -> Int
    ) throws -> [Block] {
        var blocks: [Block] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let kind = UInt32(Self.number(rest.prefix(4)))
            let length = Int(Self.number(rest.dropFirst(4).prefix(4)))
            try #require(length % 4 == 0 && length >= 12 && length <= rest.count)
            let body = Array(rest.dropFirst(8).prefix(length - 12))
            #expect(Int(Self.number(rest.dropFirst(length - 4).prefix(4))) == length)
            var block = Block(kind: kind, body: body)
            var options = body[min(fixed(kind, body), body.count)...]
            while options.count >= 4 {
                let code = UInt16(Self.number(options.prefix(2)))
                let size = Int(Self.number(options.dropFirst(2).prefix(2)))
                if code == 0 { break }
                block.options.append((code, Array(options.dropFirst(4).prefix(size))))
                options = options.dropFirst(4 + (size + 3) / 4 * 4)
            }
            blocks.append(block)
            rest = rest.dropFirst(length)
        }
        return blocks
    }

    private static func fixed(_ kind: UInt32, _ body: [UInt8]) -> Int {
        switch kind {
        case Pcapng.Block.section: 16
        case Pcapng.Block.interface: 8
        case Pcapng.Block.packet: 20 + (Int(self.number(body[12..<16])) + 3) / 4 * 4
        case Pcapng.Block.statistics: 12
        default: body.count
        }
    }

    @Test func fileOfOnePacket() throws {
        let packet: [UInt8] = [1, 2, 3, 4, 5]
        let time: UInt64 = 1_763_730_000_123_456_789
        let file =
            Pcapng.sectionHeader(application: "chaos", comment: "seed 7")
            + Pcapng.interface("n1->n2:main", description: "what n1 sends to n2")
            + Pcapng.packet(
                packet, on: 0, at: time, length: 1500,
                comments: ["delayed 40ms by f1: delay 40ms", "copied by f1: duplicate 1%"])
            + Pcapng.statistics(of: 0, at: time, received: 3, missing: 2)
        let blocks = try Self.blocks(file, fixed: Self.fixed)
        try #require(blocks.count == 4)

        #expect(blocks[0].kind == 0x0a0d_0d0a)
        #expect(Self.number(blocks[0].body[0..<4]) == 0x1a2b_3c4d)
        #expect(Array(blocks[0].body[4..<8]) == [1, 0, 0, 0], "version 1.0")
        #expect(blocks[0].body[8..<16].allSatisfy { $0 == 0xff }, "of no known length")
        #expect(blocks[0].options.map(\.code) == [1, 4])

        #expect(blocks[1].kind == 1)
        #expect(Self.number(blocks[1].body[0..<2]) == 1, "Ethernet")
        #expect(Self.number(blocks[1].body[4..<8]) == 262_144)
        #expect(blocks[1].options.map(\.code) == [2, 3, 9])
        #expect(String(decoding: blocks[1].options[0].value, as: UTF8.self) == "n1->n2:main")
        #expect(blocks[1].options[2].value == [9], "nanoseconds")

        #expect(blocks[2].kind == 6)
        #expect(
            Self.number(blocks[2].body[4..<8]) << 32 | Self.number(blocks[2].body[8..<12]) == time)
        #expect(Self.number(blocks[2].body[12..<16]) == 5)
        #expect(Self.number(blocks[2].body[16..<20]) == 1500)
        #expect(Array(blocks[2].body[20..<28]) == packet + [0, 0, 0])
        #expect(blocks[2].options.map(\.code) == [1, 1])
        #expect(
            blocks[2].options.map { String(decoding: $0.value, as: UTF8.self) }
                == ["delayed 40ms by f1: delay 40ms", "copied by f1: duplicate 1%"])

        #expect(blocks[3].kind == 5)
        #expect(blocks[3].options.map(\.code) == [4, 5])
        #expect(blocks[3].options.map { Self.number($0.value) } == [3, 2])
    }

    /// A packet without comments has no options at all, and no end of options.
    @Test func nothingToSay() throws {
        for count in 0...5 {
            let block = Pcapng.packet(
                [UInt8](repeating: 1, count: count), on: 1, at: 0, length: count)
            #expect(block.count == 32 + (count + 3) / 4 * 4)
        }
    }

    /// What goes by in pieces of any size is counted the same.
    @Test(arguments: [1, 3, 7, 64, 1000])
    func tally(_ size: Int) {
        let packet = Pcapng.packet([9, 9, 9], on: 0, at: 5, length: 3, comments: ["x"])
        let file =
            Pcapng.sectionHeader(application: "chaos") + Pcapng.interface("a", description: "b")
            + packet + packet + Pcapng.statistics(of: 0, at: 0, received: 2, missing: 0)
        var tally = PcapngTally()
        for start in stride(from: 0, to: file.count, by: size) {
            tally.take(file[start..<min(start + size, file.count)])
        }
        #expect(tally.packets == 2 && tally.bytes == file.count && tally.isBetweenBlocks)
        tally.take(packet.dropLast())
        #expect(tally.packets == 2 && !tally.isBetweenBlocks)
    }
}
