import Testing

@testable import ChaosCluster

@Suite("Line splitter")
struct LineSplitterTests {
    /// The lines of bytes that arrive in pieces of this size.
    private static func lines(_ bytes: [UInt8], piece: Int) -> [String] {
        var splitter = LineSplitter()
        var lines: [String] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            lines += splitter.append(bytes[start..<min(start + piece, bytes.count)])
        }
        return lines + (splitter.finish().map { [$0] } ?? [])
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func findsTheSameLinesHoweverTheBytesAreCut(piece: Int) {
        let bytes = Array("one\ntwo\r\n\nthree ✓\npartial".utf8)
        #expect(Self.lines(bytes, piece: piece) == ["one", "two", "", "three ✓", "partial"])
    }

    @Test func anEndedStreamHasNoLineBehindItsLastLineEnd() {
        #expect(Self.lines(Array("one\n".utf8), piece: 9) == ["one"])
        #expect(Self.lines([], piece: 9) == [])
    }

    @Test func bytesThatAreNotUTF8BecomeReplacementCharacters() {
        #expect(Self.lines([0x61, 0xFF, 0xFE, 0x62, 0x0A], piece: 1) == ["a\u{FFFD}\u{FFFD}b"])
    }

    @Test(arguments: [1000, 65_536, 65_537, 300_000])
    func aHugeLineIsCutOnceAndTheNextOneIsWhole(piece: Int) {
        let bytes = [UInt8](repeating: 0x78, count: 300_000) + Array("\nnext\n".utf8)
        let lines = Self.lines(bytes, piece: piece)
        #expect(lines.count == 2)
        #expect(
            lines[0] == String(repeating: "x", count: 65_536)
                + " … (cut: a line has at most 65536 bytes)")
        #expect(lines[1] == "next")
    }

    @Test func aLineOfExactlyTheLimitIsWhole() {
        let bytes = [UInt8](repeating: 0x78, count: 65_536) + [0x0A]
        #expect(Self.lines(bytes, piece: 4096) == [String(repeating: "x", count: 65_536)])
    }
}
