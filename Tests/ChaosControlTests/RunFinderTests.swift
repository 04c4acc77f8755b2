import ChaosControl
import Foundation
import Testing

@Suite("Finding the live run")
struct RunFinderTests {
    private func writeRun(_ name: String, socket: String, in runs: String) throws {
        let directory = "\(runs)/\(name)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let json =
            #"{"pid":77,"socket":"\#(socket)","started":"08:15","name":"demo","more":[1]}"#
        try json.write(toFile: "\(directory)/run.json", atomically: true, encoding: .utf8)
    }

    @Test func findsTheOneWhoseSocketAnswers() async throws {
        try await withServer { path in
            try await withTemporaryDirectory { runs in
                try self.writeRun("1-old", socket: "control.sock", in: runs)
                try leaveStaleSocket(at: "\(runs)/1-old/control.sock")
                try self.writeRun("2-live", socket: path, in: runs)
                try "{".write(toFile: "\(runs)/note", atomically: true, encoding: .utf8)
                let finder = RunFinder(in: runs)
                let live = RunRecord(
                    name: "demo", directory: "\(runs)/2-live", socket: path, pid: 77,
                    started: "08:15")
                #expect(finder.records().count == 2)
                #expect(try finder.find() == live)
                #expect(try finder.find("demo") == live)
                #expect(try finder.find("2-live") == live)
                #expect(try finder.find("\(runs)/2-live") == live)
                try FileManager.default.createSymbolicLink(
                    atPath: "\(runs)/latest", withDestinationPath: "2-live")
                #expect(try finder.find() == live)
                #expect(try finder.find("latest").socket == path)
                let over = try #require(throws: RunChoiceError.self) {
                    try finder.find("\(runs)/1-old")
                }
                #expect(over.description == "the run in '\(runs)/1-old' is over")
                #expect(over.exitCode == 69)
            }
        }
    }

    @Test func saysWhichRunsAreLive() throws {
        let records = ["1-a", "2-b"].map {
            RunRecord(name: "demo", directory: "runs/\($0)", socket: $0, pid: 7, started: "08:15")
        }
        let finder = RunFinder(place: "runs", records: { records }, isListening: { _ in true })
        let several = try #require(throws: RunChoiceError.self) { try finder.find() }
        #expect(
            several.description == """
                several runs are live; choose one with --run
                  1-a  pid 7  started 08:15
                  2-b  pid 7  started 08:15
                """)
        #expect(several.exitCode == 64)
        #expect(try finder.find("2-b") == records[1])
        let unknown = try #require(throws: RunChoiceError.self) { try finder.find("3-c") }
        #expect(
            unknown.description
                == "no live run has this name, found '3-c'\nhint: live are 1-a, 2-b")
    }

    @Test func saysThatNoRunIsLive() throws {
        let none = try #require(throws: RunChoiceError.self) {
            try RunFinder(in: "/nowhere/runs").find()
        }
        #expect(
            none.description
                == "no run is live in '/nowhere/runs'\nhint: start one with 'chaos run', or name its directory with --run"
        )
        #expect(none.exitCode == 69)
    }
}
