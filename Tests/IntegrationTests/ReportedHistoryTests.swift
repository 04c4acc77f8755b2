import ChaosCore
import Foundation
import Testing

/// A command beside the nodes reports what it does, and the scenario's checks judge it.
@Suite(.serialized) struct ReportedHistoryTests {
    private static let checks = "checks: [set-full]"

    /// A shell script that adds 1 and 2 and reads what is told in the end.
    private static func adding(andReading elements: String) -> String {
        """
        say() { echo "$1" >> "$CHAOS_HISTORY"; }
        for i in 1 2; do say '{"type":"invoke","f":"add","value":'$i'}'; say '{"type":"ok"}'; done
        say '{"type":"invoke","f":"read","node":"n1","final":true}'
        say '{"type":"ok","value":\(elements)}'
        """
    }

    @Test(arguments: [
        ("[1, 2]", 0, "VALID", "2 elements in every final read"),
        ("[1]", 1, "INVALID", "1 lost, of 2 known elements"),
    ])
    func theChecksJudgeWhatTheCommandReports(
        elements: String, code: Int32, verdict: String, summary: String
    ) async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(Self.checks), to: "echo.yaml")
        let run = try await directory.finished(
            "run", "--quiet", "echo.yaml", "--", "sh", "-c", Self.adding(andReading: elements))
        #expect(run.code == code)
        #expect(run.err.hasPrefix("\(verdict)  echo  seed "))
        #expect(run.err.contains("set-full: \(summary)") || run.err.contains("valid  \(summary)"))
        let history = try directory.text("\(try directory.run())/history.jsonl")
        #expect(history.split(separator: "\n").count == 6)
        // Nothing of the pipe stays.
        let files = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/\(try directory.run())")
        #expect(!files.contains("history.pipe"))
        #expect(await directory.hasNothingLeft())
    }

    @Test func aLineThatIsNoReportMakesTheVerdictUnknown() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(Self.checks), to: "echo.yaml")
        let run = try await directory.finished(
            "run", "--quiet", "echo.yaml", "--", "sh", "-c",
            Self.adding(andReading: "[1, 2]") + "\nsay '{\"type\":\"done\"}'")
        #expect(run.code == 2)
        #expect(
            run.err.contains(
                "CHAOS_HISTORY, line 7: 'type' is one of invoke, ok, fail, info, found 'done'"))
    }

    @Test func aCommandThatFailsHasItsOwnExitCodeWhateverTheVerdict() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(Self.checks), to: "echo.yaml")
        let run = try await directory.finished(
            "run", "--quiet", "echo.yaml", "--", "sh", "-c",
            Self.adding(andReading: "[1, 2]") + "\nexit 9")
        #expect(run.code == 9)
    }

    @Test func testRunsTheCommandBesideEveryScenarioAndSeed() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(Self.checks), to: "echo.yaml")
        try directory.write(
            echoScenario(Self.checks + "\nexpect: { verdict: invalid, anomaly: lost }")
                .replacing("name: echo", with: "name: losing"), to: "losing.yaml")
        let run = try await directory.finished(
            "test", "--quiet", "echo.yaml", "losing.yaml", "--seeds", "1..2", "--junit",
            "junit.xml",
            "--", "sh", "-c", Self.adding(andReading: "[1]"))
        #expect(run.code == 1)
        #expect(run.out.contains("4 runs: 2 as expected, 2 not"))
        #expect(run.out.contains("repeat  chaos test echo.yaml --seed 2 -- sh -c "))
        let report = try directory.text("junit.xml")
        #expect(report.contains(#"tests="4""#) && report.contains(#"failures="2""#))
    }

    @Test func hereIsTheFolderOfTheScenario() async throws {
        let directory = try TestDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/a folder", withIntermediateDirectories: true)
        try directory.write("echo from beside; exec sleep 1000", to: "a folder/node.sh")
        try directory.write(
            """
            name: here
            nodes:
              n1: { command: "sh {here}/node.sh", ready: { log: from beside } }
            """, to: "a folder/here.yaml")
        let run = try await directory.finished(
            "run", "--quiet", "a folder/here.yaml", "--", "sh", "-c",
            #"[ -f "{here}/node.sh" ] && [ "$CHAOS_HERE" = "{here}" ]"#)
        #expect(run.code == 0, "\(run.err)")
        // The run's own copy finds the same files.
        let again = try await directory.finished(
            "run", "--quiet", "\(try directory.run())/scenario.yaml", "--runs", "others", "--",
            "true")
        #expect(again.code == 0, "\(again.err)")
    }
}
