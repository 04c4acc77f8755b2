import ChaosCore
import NodeKit
import Testing

@Suite("Line reader")
struct LineReaderTests {
    private func read(_ pieces: [String], limit: Int = 10) -> [LineReader.Event] {
        var reader = LineReader(limit: limit)
        return pieces.flatMap { reader.read(Array($0.utf8)) } + (reader.finish().map { [$0] } ?? [])
    }

    private func line(_ text: String) -> LineReader.Event { .line(Array(text.utf8)) }

    @Test func findsLines() {
        #expect(self.read(["a\nbc\n"]) == [self.line("a"), self.line("bc")])
        #expect(self.read(["a", "b\nc", "\n"]) == [self.line("ab"), self.line("c")])
        #expect(self.read(["a\r\n\r\n\nb\r", "\n"]) == [self.line("a"), self.line("b")])
        #expect(self.read([]) == [])
    }

    @Test func keepsLinesUpToTheLimit() {
        #expect(self.read(["0123456789\n"]) == [self.line("0123456789")])
        #expect(self.read(["0123456789\r\n"]) == [self.line("0123456789")])
        #expect(self.read(["0123456789A\nb\n"]) == [.overlong(byteCount: 11), self.line("b")])
        #expect(
            self.read(["0123456789", "ABCDEF", "G\nb\n"])
                == [.overlong(byteCount: 17), self.line("b")])
    }

    @Test func reportsWhatIsUnfinished() {
        #expect(self.read(["a\nbc"]) == [self.line("a"), .unfinished(byteCount: 2)])
        #expect(self.read(["0123456789ABC"]) == [.unfinished(byteCount: 13)])
    }

    @Test(arguments: 1...UInt64(50))
    func findsTheSameLinesHoweverTheStreamIsCut(seed: UInt64) {
        var generator = Seed(seed).generator
        var stream: [UInt8] = []
        for _ in 0..<generator.next(below: 300) {
            let alphabet = Array("\n\n\r{}\"\u{e9}ab".utf8)
            stream.append(alphabet[generator.next(below: alphabet.count)])
        }
        var whole = LineReader(limit: 12)
        let expected = whole.read(stream) + (whole.finish().map { [$0] } ?? [])

        var reader = LineReader(limit: 12)
        var events: [LineReader.Event] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let size = min(rest.count, generator.next(below: 9))
            events += reader.read(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        events += reader.finish().map { [$0] } ?? []
        #expect(events == expected)
    }
}
