import ChaosCore
import Foundation
import Testing

/// What a run leaves for people and for CI, with the built program.
@Suite struct ReportFilesTests {
    @Test func theMessagesOfARunAreDrawn() async throws {
        let directory = try TestDirectory()
        let scenario = broadcastScenario(
            "workload: { kind: broadcast, rate: 50/s, for: 500ms }\nchecks: [set-full]")
        try directory.write(scenario, to: "scenario.yaml")
        let run = try await directory.finished(
            "test", "scenario.yaml", "--seed", "1")
        #expect([0, 1, 2].contains(run.code))
        let folder = try directory.run()
        let steps = try directory.text("\(folder)/messages.jsonl").split(separator: "\n")
        let first = try JSONValue(text: String(try #require(steps.first)))
        #expect(first["event"] == "sent")
        let drawing = try directory.text("\(folder)/messages.svg")
        #expect(drawing.hasPrefix("<svg xmlns="))
        #expect(try directory.text("\(folder)/report.html").contains("<h2>Messages</h2>"))
        let without = try TestDirectory()
        try without.write(scenario, to: "scenario.yaml")
        _ = try await without.finished(
            "test", "scenario.yaml", "--seed", "1", "--trace-messages", "0")
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "\(without.path)/\(try without.run())")
        #expect(!names.contains("messages.jsonl") && !names.contains("messages.svg"))
    }

    @Test func aReportIsMadeAgainFromTheFilesOfARun() async throws {
        let directory = try TestDirectory()
        try directory.write(
            broadcastScenario(
                "schedule:\n  - { at: 100ms, for: 200ms, partition: n1 / n2 }\n"
                    + "workload: { kind: broadcast, rate: 50/s, for: 500ms }\nchecks: [set-full]"),
            to: "scenario.yaml")
        let run = try await directory.finished("test", "scenario.yaml", "--seed", "1")
        #expect([0, 1, 2].contains(run.code))
        // The directory may be anywhere by now.
        try FileManager.default.moveItem(
            atPath: "\(directory.path)/\(try directory.run())", toPath: "\(directory.path)/moved")
        let before = try directory.text("moved/report.html")
        let drawing = try directory.text("moved/messages.svg")
        for name in ["report.html", "messages.svg"] { try directory.write("", to: "moved/\(name)") }
        let report = try await directory.finished("report", "moved", "--junit", "moved.xml")
        #expect(report.code == 0)
        #expect(report.out.hasSuffix("report  moved/report.html moved/messages.svg\n"))
        // It says where the run lies now, and is the same in everything else.
        let place = try #require(before.firstMatch(of: /run directory<\/dt><dd><code>([^<]*)/)).1
        let after = try directory.text("moved/report.html")
        #expect(after == before.replacing(place, with: "moved"))
        #expect(try directory.text("moved/messages.svg") == drawing)
        #expect(try directory.text("moved.xml").contains("<testsuites"))
        let json = try await directory.finished("report", "moved", "--json")
        let result = try JSONValue(text: json.out)
        #expect(result["dir"] == "moved")
        #expect(result["links"]?.arrayValue?.isEmpty == false)
    }

    @Test func aTestsReportsAreKeptForCI() async throws {
        let directory = try TestDirectory()
        try directory.write(
            echoScenario("workload: { kind: echo, rate: 20/s, for: 200ms }"), to: "s.yaml")
        let test = try await directory.finished(
            "test", "s.yaml", "--seed", "1", "-q", "--report", "kept/html", "--junit", "kept/j.xml")
        // The folder of one is made, that of the other has to be there, before anything runs.
        #expect(test.code == 64)
        #expect(test.err == "--junit: the file cannot be written, found 'kept/j.xml'\n")
        let again = try await directory.finished(
            "test", "s.yaml", "--seed", "1", "-q", "--report", "kept/html", "--junit", "j.xml")
        #expect(again.code == 0)
        let run = try directory.run()
        let name = try #require(run.split(separator: "/").last)
        #expect(
            try directory.text("kept/html/\(name).html") == directory.text("\(run)/report.html"))
        #expect(try directory.text("j.xml").contains("tests=\"1\""))
    }

    @Test func aRunWithoutResultsHasNoReport() async throws {
        let directory = try TestDirectory()
        let missing = try await directory.finished("report", "runs/none")
        #expect(missing.code == 64)
        #expect(
            missing.err
                == "a run directory has a 'run.json', found 'runs/none'\n"
                + "hint: 'runs/latest' is the last run's\n")
        try directory.write(echoScenario(), to: "scenario.yaml")
        let run = try directory.chaos("run", "scenario.yaml")
        try await run.waitFor("1 node ready")
        let early = try await directory.finished("report", "latest")
        #expect(early.code == 64)
        #expect(early.err.contains("'results.json' cannot be read"))
        #expect(early.err.contains("still going on"))
        #expect(try await directory.finished("end").code == 0)
        _ = try await run.exit()
        #expect(try await directory.finished("report", "latest").code == 0)
    }

    @Test func gitHubIsToldOfARunThatIsNotAsExpected() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            name: nobody
            nodes:
              n1: { command: "no-such-program-at-all" }
            """, to: "scenario.yaml")
        try directory.write("before\n", to: "summary.md")
        let run = try await directory.finished(
            "test", "scenario.yaml", "--seed", "1",
            environment: [
                "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "\(directory.path)/summary.md",
            ])
        #expect(run.code != 0)
        #expect(
            run.errLines.contains {
                $0.hasPrefix("::error file=scenario.yaml,title=chaos%3A nobody::nobody, seed 1: ")
            })
        let summary = try directory.text("summary.md")
        #expect(summary.hasPrefix("before\n### chaos: 0 of 1 run as expected\n"))
    }

    @Test func topShowsALiveRunUntilItEnds() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(), to: "scenario.yaml")
        let run = try directory.chaos("run", "scenario.yaml")
        try await run.waitFor("1 node ready")
        let looks = try await directory.finished("top", "--looks", "2", "--interval", "100ms")
        #expect(looks.code == 0)
        #expect(looks.out.ranges(of: "nodes    n1 running").count == 2)
        let top = try directory.chaos("top", "--interval", "100ms")
        try await top.waitFor("nodes    n1 running")
        #expect(try await directory.finished("end").code == 0)
        #expect(try await run.exit() == 0)
        // It ends with the run.
        #expect(try await top.exit() == 0)
        let wrong = try await directory.finished("top", "--interval", "5")
        #expect(wrong.code == 64)
        #expect(
            wrong.err == "--interval: a time of at least 100ms, found '5'\nhint: such as 2s\n")
    }
}
