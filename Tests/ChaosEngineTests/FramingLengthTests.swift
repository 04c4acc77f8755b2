import ChaosCore
import ChaosEngine
import FuzzTargets
import Testing

@Suite("Framing by lines and lengths")
struct FramingLengthTests {
    @Test func linesEndWithANewline() {
        #expect(
            Framer.pieces(.lines, .requests, of: "one\r\n\ntwo\nthree")
                == [.message("one\r\n"), .message("\n"), .message("two\n"), .unfinished("three")])
    }

    @Test func lengthsAreBigEndianAndDoNotCountThemselves() {
        #expect(
            Framer.pieces(.length16, .requests, of: [0, 2, 7, 8, 0, 0, 1, 0, 9])
                == [.message([0, 2, 7, 8]), .message([0, 0]), .unfinished([1, 0, 9])])
        #expect(
            Framer.pieces(.length32, .responses, of: [0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0])
                == [.message([0, 0, 0, 1, 5]), .message([0, 0, 0, 0]), .unfinished([0, 0])])
    }

    @Test func varintsCarrySevenBitsAByteLowestFirst() {
        let long = [UInt8](repeating: 1, count: 300)
        // 300 = 0b10_0101100; also with useless leading groups.
        #expect(
            Framer.pieces(
                .varint, .requests, of: [0xAC, 0x02] + long + [0x00, 0x81, 0x80, 0x00, 0x42])
                == [
                    .message([0xAC, 0x02] + long), .message([0x00]),
                    .message([0x81, 0x80, 0x00, 0x42]),
                ])
    }

    @Test func aVarintOfTenBytesIsTheLongest() {
        let nine = [UInt8](repeating: 0x80, count: 9)
        #expect(Framer.pieces(.varint, .requests, of: nine + [0x00]) == [.message(nine + [0x00])])
        #expect(
            Framer.pieces(.varint, .requests, of: [0x00] + nine + [0x01, 5])
                == [.message([0x00]), .rest(nine + [0x01, 5])])
        var framer = Framer(.varint, side: .requests)
        _ = framer.pieces(of: nine + [0x80])
        #expect(framer.desynchronised == "a varint length is below 2^63 and has at most 10 bytes")
    }

    @Test func messagesOverTheLimitPassAndSyncIsKept() {
        #expect(
            Framer.pieces(.lines, .requests, of: "1234\n12345\n1\n", limit: 5)
                == [.message("1234\n"), .passed("12345\n"), .message("1\n")])
        #expect(
            Framer.pieces(
                .length16, .requests, of: [0, 3, 1, 2, 3, 0, 4, 1, 2, 3, 4, 0, 1, 9], limit: 5)
                == [.message([0, 3, 1, 2, 3]), .passed([0, 4, 1, 2, 3, 4]), .message([0, 1, 9])])
        #expect(
            Framer.pieces(.varint, .requests, of: [5, 1, 2, 3, 4, 5, 1, 1], limit: 5)
                == [.passed([5, 1, 2, 3, 4, 5]), .message([1, 1])])
    }

    @Test func aLengthOverTheLimitIsKnownBeforeItsBytesCome() {
        var framer = Framer(.length32, side: .requests, limit: 1000)
        let prefix: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(framer.next(prefix.span, from: 0) == .oversized(end: 4, finished: false))
        let more: [UInt8] = [1, 2]
        #expect(framer.next(more.span, from: 1) == .oversized(end: 2, finished: false))
        #expect(framer.end() == .unfinished)
    }

    @Test func aCorruptedLengthShiftsAllThatFollows() {
        // The 2 became a 3, so the first message takes a byte of the second, whose length is then
        // 259.
        #expect(
            Framer.pieces(.length16, .requests, of: [0, 3, 7, 8, 0, 1, 3, 4, 5])
                == [.message([0, 3, 7, 8, 0]), .unfinished([1, 3, 4, 5])])
    }

    @Test func withoutFramingNothingIsAMessage() {
        #expect(Framer.pieces(.none, .requests, of: "a\n") == [.rest("a\n")])
        #expect(Framer.reason(.none, .requests, "") == "the stream has no framing")
    }

    @Test func aStoppedFramerKeepsItsFirstReason() {
        var framer = Framer(.lines, side: .requests)
        let read = Array("ab".utf8)
        #expect(framer.next(read.span, from: 0) == .more)
        framer.stop(because: "first")
        framer.stop(because: "second")
        #expect(framer.desynchronised == "first")
        #expect(framer.next(read.span, from: 0) == .unsynchronised)
        #expect(framer.end() == .clean)
    }
}
