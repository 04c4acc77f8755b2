import ChaosCore
import Foundation
import NodeKit
import Testing

/// A folder of a test, removed at its end.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.path + "/nodekit-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func bytes(_ name: String) -> [UInt8] {
        FileManager.default.contents(atPath: "\(self.path)/\(name)").map { [UInt8]($0) } ?? []
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(self.path)/\(name)"))
    }
}

@Suite("Storage of nodes")
struct StorageTests {
    private let records: [JSONValue] = [["term": 1], [2, "three\nlines"], "é😀", nil]

    @Test func aLogIsReadAsItWasWritten() {
        let bytes = self.records.flatMap { Array(LogCodec.line(of: $0).utf8) }
        let (records, byteCount) = LogCodec.records(in: bytes)
        #expect(records == self.records)
        #expect(byteCount == bytes.count)
    }

    /// Cut anywhere, a log has the records that are whole, and says where they end.
    @Test func aTornTailIsCutOff() {
        let lines = self.records.map { Array(LogCodec.line(of: $0).utf8) }
        let bytes = lines.flatMap { $0 }
        for end in 0...bytes.count {
            var whole = 0
            var byteCount = 0
            while whole < lines.count, byteCount + lines[whole].count <= end {
                byteCount += lines[whole].count
                whole += 1
            }
            let found = LogCodec.records(in: bytes[..<end])
            #expect(found.records == Array(self.records.prefix(whole)))
            #expect(found.byteCount == byteCount)
        }
    }

    /// A byte that is wrong anywhere ends the log before its line.
    @Test func aWrongByteEndsTheLog() {
        let line = Array(LogCodec.line(of: ["a": 12345]).utf8)
        for index in line.indices {
            var bytes = line
            bytes[index] ^= 1
            #expect(LogCodec.records(in: bytes + line).records.isEmpty, "byte \(index)")
        }
    }

    @Test func keepsWhatWasSyncedAndCountsStarts() throws {
        let folder = TemporaryFolder()
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            #expect(storage.life == NodeLife(start: 1, records: []))
            storage.append("first")
            #expect(storage.isDirty)
            try storage.sync()
            #expect(!storage.isDirty)
            storage.append("never synced")
        }
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            #expect(storage.life == NodeLife(start: 2, records: ["first"]))
            try storage.replaceLog(with: ["all", "anew"])
            storage.append("more")
            try storage.sync()
        }
        let storage = try NodeStorage(in: folder.path, id: "n1")
        #expect(storage.life == NodeLife(start: 3, records: ["all", "anew", "more"]))
        #expect(storage.tornByteCount == 0)
        // Another node beside it has a folder of its own.
        #expect(try NodeStorage(in: folder.path, id: "n2").life.start == 1)
    }

    @Test func recoversFromATornTail() throws {
        let folder = TemporaryFolder()
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            storage.append("first")
            try storage.sync()
        }
        try folder.write(folder.bytes("n1/log") + Array("0123 half".utf8), to: "n1/log")
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            #expect(storage.tornByteCount == 9)
            #expect(storage.life.records == ["first"])
            storage.append("second")
            try storage.sync()
        }
        let storage = try NodeStorage(in: folder.path, id: "n1")
        #expect(storage.life.records == ["first", "second"])
    }

    @Test func aFolderBelongsToOneProcessAtATime() throws {
        let folder = TemporaryFolder()
        let storage = try NodeStorage(in: folder.path, id: "n1")
        #expect {
            _ = try NodeStorage(in: folder.path, id: "n1")
        } throws: {
            "\($0)"
                == "the folder '\(folder.path)/n1' belongs to another process that runs"
                + "\nhint: give each cluster a folder of its own with --data"
        }
        #expect(storage.life.start == 1)
    }

    @Test(arguments: ["", "..", "a/b"])
    func aNameThatIsNoFolderIsRefused(id: String) {
        #expect {
            _ = try NodeStorage(in: "/nowhere", id: id)
        } throws: {
            "\($0)".hasPrefix("a node's folder has its name, found '\(id)'")
        }
    }

    @Test func aFolderThatCannotBeMadeIsExplained() {
        #expect {
            _ = try NodeStorage(in: "/dev/null/x", id: "n1")
        } throws: {
            "\($0)" == "cannot make the folder '/dev/null/x': not a directory"
                && ($0 as? NodeError)?.code.exitCode == 74
        }
    }
}
