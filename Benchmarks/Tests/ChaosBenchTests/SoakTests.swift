import Foundation
import Synchronization
import Testing

@testable import chaos_bench

/// The soak's own eyes: what it would overlook must not be overlooked.
@Suite("What the soak sees")
struct SoakTests {
    private final class Notes: Sendable {
        let sentences = Mutex<[String]>([])
        func note(_ sentence: String) { self.sentences.withLock { $0.append(sentence) } }
    }

    @Test(arguments: [0, 1, 65_535, 1_048_572, 1_048_573, 5_000_000])
    func aByteThatIsMissingOrMovedDoesNotFit(offset: Int) {
        let pattern = PatternStream(seed: 42)
        let bytes = pattern.withBytes(at: offset, count: 1000) { Array($0) }
        func fits(_ bytes: [UInt8], at offset: Int, _ pattern: PatternStream) -> Bool {
            bytes.withUnsafeBytes { pattern.matches($0, at: offset) }
        }
        #expect(fits(bytes, at: offset, pattern))
        #expect(!fits(bytes, at: offset + 1, pattern))
        #expect(!fits(Array(bytes.dropFirst()), at: offset, pattern))
        #expect(!fits(bytes, at: offset, PatternStream(seed: 43)))
        var changed = bytes
        changed[999] ^= 1
        #expect(!fits(changed, at: offset, pattern))
    }

    @Test func aLineIsWholeOrNone() throws {
        let line = SoakLine(number: 7, count: 3)
        let bytes = Array(line.text(length: 20).utf8.dropLast())
        #expect(SoakLine(bytes) == line)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 4
            #expect(SoakLine(changed) == nil)
        }
        #expect(SoakLine(bytes.dropLast()) == nil)
    }

    @Test func aHeaderIsReadBack() {
        let header = SoakHeader(number: .max, length: 1 << 30)
        #expect(SoakHeader(header.bytes) == header)
        #expect(SoakHeader(Array(header.bytes.dropLast())) == nil)
        #expect(SoakHeader([UInt8](repeating: 0xFF, count: SoakHeader.size)) == nil)
    }

    @Test func streamsAndLinesComeBackWhole() throws {
        let notes = Notes()
        let server = try SoakServer(violation: notes.note)
        let room = Room(64 << 10)
        for (length, piece) in [(1, 17), (3_000_000, 64 << 10), (20_000, 100)] {
            let exchange = try SoakExchange(
                to: server.raw, number: UInt64(length), length: length, patience: 5)
            #expect(try exchange.run(piece: piece, room: room) == .complete)
            #expect(exchange.received == length)
        }
        let outcome = try SoakLines.run(
            to: server.lines, number: 9, count: 100, length: 50, patience: 5, room: room)
        #expect(outcome == SoakLines.Outcome(sent: 100, returned: 100))
        #expect(notes.sentences.withLock { $0 } == [])
    }

    @Test func aWrongByteIsToldByTheServer() throws {
        let notes = Notes()
        let server = try SoakServer(violation: notes.note)
        let socket = try Socket.connected(to: server.raw)
        let header = SoakHeader(number: 1, length: 100)
        var bytes = header.bytes + header.request.withBytes(at: 0, count: 100) { Array($0) }
        bytes[50] ^= 1
        try bytes.withUnsafeBytes { try socket.sendAll($0) }
        // The server closes the connection that it found at fault.
        let room = Room(1000)
        while try socket.receiveNow(room.bytes) != 0 {
            _ = socket.wait(forOutput: false, milliseconds: 100)
        }
        #expect(notes.sentences.withLock { $0 }.count == 1)
        #expect(
            notes.sentences.withLock { $0 }.first?.hasPrefix("stream 1: among the 100 bytes")
                == true)
    }

    @Test func countersThatDoNotAddUpAreTold() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("journal-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = [
            #"{"t":1,"event":"connection","state":"opened","link":"a->b","connection":0}"#,
            #"{"t":1,"event":"connection","state":"closed","link":"a->b","connection":0,"forward":{"received":10,"written":7,"lost":2,"discarded":1},"backward":{"received":5,"written":6,"duplicated":1}}"#,
            #"{"t":1,"event":"connection","state":"closed","link":"a->b","connection":1,"forward":{"received":10,"written":9},"backward":{"received":0,"written":0}}"#,
            #"{"t":1,"event":"warning","message":"node 7 died"}"#,
        ]
        try (lines.joined(separator: "\n") + "\n").write(
            to: file, atomically: true, encoding: .utf8)
        let journal = try SoakJournal(file: file.path)
        #expect(journal.connections == 2)
        #expect(journal.unaccounted.count == 1)
        #expect(journal.unaccounted.first?.hasPrefix("a->b connection 1 forward") == true)
        #expect(journal.warnings == ["node # died": 1])
    }

    @Test func memoryIsJudgedByQuarters() {
        #expect(SoakMemory.mean([1, 2, 3, 4, 5, 6, 7, 8], quarter: 1) == 3.5)
        #expect(SoakMemory.mean([1, 2, 3, 4, 5, 6, 7, 8], quarter: 3) == 7.5)
    }

    @Test func theSameSeedMakesTheSameChanges() {
        func changes(_ seed: UInt64) -> [String] {
            var generator = SplitMix(seed: seed)
            return (0..<200).map { _ in SoakChanges.change(&generator).request }
        }
        #expect(changes(1) == changes(1))
        #expect(changes(1) != changes(2))
    }
}
