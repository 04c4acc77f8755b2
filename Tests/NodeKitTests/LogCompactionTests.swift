import Testing

@testable import NodeKit

/// When a log is written anew, and that no crash on the way loses it.
@Suite("Compaction of logs")
struct LogCompactionTests {
    @Test func aLogIsRewrittenWhenItIsTwiceItsSnapshot() {
        var log = LogCompaction(least: 4)
        var snapshot: [JSONValue] = ["a"]
        func append(_ count: Int) -> [Effect] {
            log.compacting((0..<count).map { .append(.int(Int64($0))) }) { snapshot }
        }
        #expect(append(3).count == 3)
        #expect(append(1) == [.append(0), .replaceLog(["a"])])
        #expect(log.count == 1)
        snapshot = ["a", "b", "c", "d"]
        #expect(append(3).last == .replaceLog(snapshot))
        // Now it has to double.
        #expect(append(3).count == 3)
        #expect(append(1).last == .replaceLog(snapshot))
        // What a node replaces by itself counts as well.
        #expect(log.compacting([.replaceLog(["x"])]) { snapshot }.count == 1)
        #expect(log.count == 1)
    }

    @Test func aNodeThatCrashesWritesNoSnapshot() {
        var log = LogCompaction(least: 1)
        let effects: [Effect] = [.append("a"), .crash("now"), .append("b")]
        #expect(log.compacting(effects) { ["all"] } == effects)
    }

    /// What earlier lives left counts.
    @Test func aLongLogIsRewrittenSoonInTheNextLife() {
        var log = LogCompaction(least: 4)
        log.start(NodeLife(start: 2, records: Array(repeating: "old", count: 9)))
        #expect(log.compacting([.append("new")]) { ["all"] }.last == .replaceLog(["all"]))
    }

    /// However records and snapshots grow, the log stays short and all rewriting together costs no more than appending.
    @Test(arguments: [0, 1, 2, 3]) func costsLittle(recordsPerThing: Int) {
        var log = LogCompaction(least: 10)
        var things = 0
        var (appended, rewritten) = (0, 0)
        for step in 0..<5000 {
            if recordsPerThing == 0 || step % recordsPerThing == 0 { things = things + 1 }
            if recordsPerThing == 0 { things = 1 }
            appended += 1
            let snapshot = Array(repeating: JSONValue.null, count: things)
            if case .replaceLog(let records)? = log.compacting([.append(nil)], { snapshot }).last {
                rewritten += records.count
            }
            #expect(log.count <= max(10, 2 * things))
        }
        #expect(rewritten <= 2 * appended)
    }

    // MARK: - On the disk

    private static let old: [JSONValue] = ["one", "two", "three"]
    private static let new: [JSONValue] = ["all of it"]

    /// Killed behind each step, a node finds the log as it was or as it was to be, and can replace it again.
    @Test(arguments: NodeStorage.ReplacementStep.allCases)
    func aKillAtEveryStepLeavesOneLog(_ step: NodeStorage.ReplacementStep) throws {
        let folder = TemporaryFolder()
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            for record in Self.old { storage.append(record) }
            try storage.sync()
            // Whatever would come after this step does not happen any more.
            #expect(throws: NodeError.self) {
                try storage.replaceLog(with: Self.new) { reached throws(NodeError) in
                    if reached == step { throw NodeError("killed", code: .cannotStore) }
                }
            }
        }
        let storage = try NodeStorage(in: folder.path, id: "n1")
        #expect(storage.life.records == (step == .renamed ? Self.new : Self.old))
        #expect(storage.tornByteCount == 0)
        try storage.replaceLog(with: Self.new)
        storage.append("and more")
        try storage.sync()
        #expect(
            folder.bytes("n1/log").count { $0 == UInt8(ascii: "\n") } == Self.new.count + 1)
    }

    /// A kill in the middle of writing leaves any part of the new file, beside the old one.
    @Test func aNewLogThatIsNotWholeIsNotRead() throws {
        let folder = TemporaryFolder()
        do {
            let storage = try NodeStorage(in: folder.path, id: "n1")
            for record in Self.old { storage.append(record) }
            try storage.sync()
        }
        let whole = Self.new.flatMap { Array(LogCodec.line(of: $0).utf8) }
        for end in 0...whole.count {
            try folder.write(Array(whole[..<end]), to: "n1/log.new")
            #expect(try NodeStorage(in: folder.path, id: "n1").life.records == Self.old)
        }
    }

    /// Lives of nodes with byte streams are counted as those of all others.
    @Test func aFolderOfAStreamNodeCountsItsStarts() throws {
        let folder = TemporaryFolder()
        for start in 1...3 {
            let file = try AppendFile(in: folder.path, id: "n1")
            #expect(file.start == UInt64(start))
        }
        #expect(try NodeStorage(in: folder.path, id: "n1").life.start == 4)
    }
}
