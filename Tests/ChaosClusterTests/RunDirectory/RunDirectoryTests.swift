import ChaosCluster
import ChaosCore
import Foundation
import Testing

@Suite("Run directory")
struct RunDirectoryTests {
    private static let time = WallTime(seconds: 1_795_247_112)

    private static func record(_ directory: RunDirectory, seed: UInt64 = .max) -> RunRecord {
        RunRecord(
            name: "kv split", seed: Seed(seed), command: ["chaos", "run", "a b"], pid: getpid(),
            version: "0.1", backend: "proxy", started: self.time, socket: directory.socketPath)
    }

    private static func withDirectory(_ body: (String) throws -> Void) throws {
        let path = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func runsOfOneSecondGetNamesOfTheirOwnAndLatestPointsToTheLast() throws {
        try Self.withDirectory { path in
            let parent = "\(path)/deep/runs"
            let first = try RunDirectory(in: parent, name: "kv split/brain", time: Self.time)
            let second = try RunDirectory(in: parent, name: "kv split/brain", time: Self.time)
            let name = "\(Self.time.fileName)-kv-split-brain"
            #expect(first.path == "\(parent)/\(name)")
            #expect(second.path == "\(parent)/\(name)-2")
            let latest = try FileManager.default.destinationOfSymbolicLink(
                atPath: "\(parent)/latest")
            #expect(latest == "\(name)-2")
            #expect(first.socketPath == "\(first.path)/control.sock")
            #expect(first.temporaryDirectory == nil)
        }
    }

    @Test func timesAreTextsThatSort() {
        #expect(Self.time.iso8601 == "2026-11-21T07:45:12Z")
        #expect(Self.time.fileName.wholeMatch(of: /\d{8}-\d{6}/) != nil)
    }

    @Test func aDeepDirectoryPutsItsSocketsElsewhereAndRunJSONSaysSo() throws {
        try Self.withDirectory { path in
            let deep = "\(path)/" + String(repeating: "d", count: 60)
            let run = try RunDirectory(
                in: deep, name: "x", longestSocketName: 30, runtimeDirectory: path)
            let sockets = try #require(run.temporaryDirectory)
            #expect(sockets.hasPrefix("\(path)/chaos-"))
            #expect(run.socketPath == "\(sockets)/control.sock")
            #expect(run.socketPath.utf8.count <= SocketPath.limit)
            try run.write(Self.record(run))
            let json = try JSONValue(
                parsing: try String(contentsOfFile: run.file("run.json"), encoding: .utf8))
            #expect(json["socket"]?.stringValue == run.socketPath)
        }
    }

    @Test func aRunIsLiveAsLongAsItsDirectoryIsHeld() throws {
        try Self.withDirectory { path in
            let parent = "\(path)/runs"
            #expect(RunDirectory.live(in: parent).isEmpty)
            var run: RunDirectory? = try RunDirectory(in: parent, name: "a", time: Self.time)
            let other = try RunDirectory(in: parent, name: "b", time: Self.time)
            let held = try #require(run)
            // Without run.json there is nothing to talk to yet.
            #expect(RunDirectory.live(in: parent).isEmpty)
            let record = Self.record(held)
            try held.write(record)
            try other.write(Self.record(other, seed: 7))
            let live = RunDirectory.live(in: parent)
            #expect(live.map(\.path) == [held.path, other.path])
            #expect(live.first?.record == record)
            run = nil
            _ = consume held
            #expect(RunDirectory.live(in: parent).map(\.path) == [other.path])
        }
    }

    @Test func aFileIsReplacedAsAWhole() throws {
        try Self.withDirectory { path in
            let run = try RunDirectory(in: path, name: "x")
            try run.write("one", to: "results.json")
            try run.write("two", to: "results.json")
            #expect(try String(contentsOfFile: run.file("results.json"), encoding: .utf8) == "two")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
                    == ["nodes", "results.json"])
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
        let error = #expect(throws: InputError.self) {
            _ = try RunDirectory(in: "/proc/no/runs", name: "x")
        }
        #expect(error?.found == "/proc/no")
        #expect(error?.rule.hasPrefix("a directory of the run must be creatable: ") == true)
    }
}

@Suite("Line file")
struct LineFileTests {
    @Test func linesOfManyThreadsAreWholeAndEachThreadsInOrder() async throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = try LineFile(path: "\(directory)/journal.jsonl")
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<1000 {
                        file.append(.array([.int(Int64(thread)), .int(Int64(number))]))
                    }
                }
            }
        }
        try file.close()
        let lines = try String(contentsOfFile: file.path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 8000)
        var next = [Int64](repeating: 0, count: 8)
        for line in lines {
            let pair = try #require(try JSONValue(parsing: String(line)).arrayValue)
            let thread = Int(try #require(pair[0].intValue))
            #expect(pair[1].intValue == next[thread])
            next[thread] += 1
        }
    }

    @Test func linesReachTheFileByThemselves() async throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = try LineFile(path: "\(directory)/log")
        file.append("one")
        #expect(
            await eventually {
                (try? String(contentsOfFile: file.path, encoding: .utf8)) == "one\n"
            })
        // Appending goes on behind what is there.
        try file.close()
        file.append("lost: the file is closed")
        let again = try LineFile(path: file.path)
        again.append("two")
        try again.close()
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "one\ntwo\n")
    }

    @Test func aFullDiskIsReported() throws {
        let file = try LineFile(path: "/dev/full")
        file.append("x")
        let error = #expect(throws: InputError.self) { try file.close() }
        #expect(
            error?.description
                == "a file of the run must take every line: no space left on device (errno 28), "
                + "found '/dev/full'")
    }
}
