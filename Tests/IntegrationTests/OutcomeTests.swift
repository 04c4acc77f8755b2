import ChaosCore
import Foundation
import Testing

/// What a run leaves and prints.
@Suite(.serialized) struct OutcomeTests {
    private static let short = broadcastScenario(
        """
        schedule: [{ at: 100ms, for: 200ms, partition: n1 / n2 n3, mode: lose }]
        workload: { kind: broadcast, rate: 100/s, for: 500ms }
        checks: [set-full]
        """)

    @Test func aTestLeavesAllItsFilesAndTheScenarioRunsAgain() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.short, to: "s.yaml")
        let test = try await directory.finished(
            "test", "s.yaml", "--seed", "3", "--junit", "junit.xml")
        #expect(test.code == 0, "\(test.out)\(test.err)")
        let run = try directory.run()
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/\(run)")
        #expect(
            files.sorted() == [
                "history.edn", "history.jsonl", "journal.jsonl", "messages.jsonl", "messages.svg",
                "nodes", "recorded.yaml", "report.html", "results.json", "run.json",
                "scenario.yaml",
            ])
        let results = try JSONValue(text: try directory.text("\(run)/results.json"))
        #expect(results["verdict"] == "valid")
        #expect(results["seed"] == 3)
        #expect(results["faults"]?[0]?["id"] == "schedule[0]")
        for name in ["journal.jsonl", "history.jsonl"] {
            let lines = try directory.text("\(run)/\(name)").split(separator: "\n")
            #expect(!lines.isEmpty)
            for line in lines { _ = try JSONValue(text: line) }
        }
        #expect(try directory.text("\(run)/report.html").contains("schedule[0]"))
        #expect(try directory.text("\(run)/history.edn").hasPrefix("{"))
        let journal = try directory.text("\(run)/journal.jsonl").split(separator: "\n")
        #expect(journal.first?.contains(#""event":"run","state":"begin""#) == true)
        #expect(journal.first?.contains(#""seed":"3""#) == true)
        #expect(
            journal.last?.contains(#""event":"run","state":"end","exit":0,"verdict":"valid"#)
                == true)
        let junit = try directory.text("junit.xml")
        #expect(junit.contains(#"<testcase classname="cluster" name="seed 3""#))
        #expect(junit.contains(#"tests="1" failures="0" errors="0""#))
        // First and last lines: seed, run directory, and what repeats it.
        #expect(
            test.errLines.prefix(3) == [
                "seed    3", "run     \(run)", "repeat  chaos test s.yaml --seed 3",
            ])
        #expect(test.out.contains("\nrun     \(run)\nrepeat  chaos test s.yaml --seed 3\n"))
        let again = try await directory.finished(
            "run", "\(run)/scenario.yaml", "--runs", "again", "--json")
        #expect(again.code == 0, "\(again.err)")
        let result = try JSONValue(text: again.out)
        #expect(result["seed"] == 3)
        #expect(result["verdict"] == "valid")
    }

    @Test func runsThatCouldNotStartStandInJUnitToo() async throws {
        let directory = try TestDirectory()
        try directory.write(
            "name: broken\nnodes: { n1: { command: no-such-program } }", to: "a.yaml")
        try directory.write(echoScenario("for: 50ms"), to: "b.yaml")
        let test = try await directory.finished("test", "a.yaml", "b.yaml", "--junit", "junit.xml")
        #expect(test.code == 75)
        let junit = try directory.text("junit.xml")
        #expect(junit.contains(#"tests="2" failures="0" errors="1""#))
        #expect(junit.contains(#"classname="broken""#))
        #expect(test.out.hasSuffix("2 runs: 1 as expected, 1 not\n"))
    }

    @Test func severalSeedsAreSeveralRuns() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario("for: 50ms"), to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seeds", "4..6", "--json")
        #expect(test.code == 0)
        let results = try test.out.split(separator: "\n").map { line in
            try JSONValue(text: line)
        }
        #expect(results.map { $0["seed"] } == [4, 5, 6])
    }

    @Test func quietTellsNothingButTheResultAndNothingIsColouredInAPipe() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario("for: 50ms"), to: "s.yaml")
        let quiet = try await directory.finished("run", "s.yaml", "--quiet")
        #expect(quiet.err == "")
        #expect(quiet.out.hasPrefix("NOT CHECKED  echo  seed "))
        let plain = try await directory.finished(
            "run", "s.yaml", environment: ["NO_COLOR": "1", "TERM": "xterm-256color"])
        #expect(!plain.err.contains("\u{1B}"))
        #expect(!plain.out.contains("\u{1B}"))
    }

    @Test func aScenarioIsReadFromStandardInput() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario("for: 50ms"), to: "s.yaml")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        let chaos = Programs.folder.appendingPathComponent("chaos").path
        shell.arguments = [
            "-c", "'\(chaos)' run - --quiet < s.yaml > out.txt 2> err.txt; echo $? > code.txt",
        ]
        shell.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        try shell.run()
        #expect(await eventually { (try? directory.text("code.txt")) != nil && !shell.isRunning })
        #expect(try directory.text("code.txt") == "0\n")
    }
}
