import ChaosCore
import Foundation
import Testing

/// `chaos replay`, `chaos shrink` and `chaos explore`, with the built program and a node that is paused for
/// longer than its clients wait.
@Suite struct RepeatingRunsTests {
    private func scenario(_ schedule: String) -> String {
        """
        name: paused
        nodes:
          n1..n2: { command: chaos-node echo }
        network: { framing: { main: lines } }
        schedule:
        \(schedule)
        workload: { kind: echo, rate: 40/s, for: 800ms, timeout: 150ms }
        checks: [{ availability: { at_least: 99% } }]
        """
    }

    @Test func aFailureIsRepeatedAndShrunkToWhatCausesIt() async throws {
        let directory = try TestDirectory()
        try directory.write(
            self.scenario(
                """
                  - { at: 100ms, for: 300ms, set: { "client->n2": { delay: 2ms } } }
                  - { at: 200ms, for: 400ms, set: { "client->*": { delay: 1ms }, "client->n1": { loss: 100% } } }
                  - { every: 250ms, for: 50ms, nemesis: [delay], budget: all }
                """), to: "scenario.yaml")
        let run = try await directory.finished("test", "scenario.yaml", "--seed", "3", "-q")
        #expect(run.code == 1)
        let folder = try directory.run()
        // What the nemesis drew stands there by its own name.
        let recorded = try directory.text("\(folder)/recorded.yaml")
        #expect(recorded.contains("id: 'schedule[2]#1'"))
        #expect(!recorded.contains("nemesis"))
        let replay = try await directory.finished("replay", folder, "--runs", "2")
        #expect(replay.code == 1)
        #expect(replay.errLines.last == "2 of 2 runs failed like the recorded one")
        let shrink = try await directory.finished("shrink", folder, "--budget", "40")
        #expect(shrink.code == 0)
        let shrunk = try directory.text("\(folder)/shrunk.yaml")
        let entries = shrunk.split(separator: "\n").filter {
            $0.hasPrefix("  - { ") && $0.contains("at: ")
        }
        #expect(entries.count == 1)
        #expect(shrunk.contains("loss"))
        #expect(await directory.hasNothingLeft())
        // What is left may be just enough to fail now and then, so it is tried as often as a search would.
        var codes: Set<Int32> = []
        for _ in 0..<8 where !codes.contains(1) {
            codes.insert(
                try await directory.finished("test", "\(folder)/shrunk.yaml", "-q").code)
        }
        #expect(codes.contains(1))
    }

    @Test func exploringFindsAWayToFailAndKeepsOneRunOfIt() async throws {
        let directory = try TestDirectory()
        // Its own schedule is not used, and need not fit.
        try directory.write(
            self.scenario("  - { at: 790ms, pause: n1 }"), to: "scenario.yaml")
        let explore = try await directory.finished(
            "explore", "scenario.yaml", "--runs", "6", "--seed", "4", "--for", "780ms")
        #expect(explore.code == 1)
        let lines = explore.out.split(separator: "\n")
        let found = try #require(lines.first)
        #expect(found.hasPrefix("availability: unavailable: "))
        let kept = try directory.run()
        #expect(found.hasSuffix("for one \(kept)"))
        // The same seed draws the same schedules.
        let recorded = try directory.text("\(kept)/scenario.yaml")
        #expect(recorded.contains("schedule:"))
        #expect(await directory.hasNothingLeft())
    }

    @Test func whatCannotBeRepeatedIsRefused() async throws {
        let directory = try TestDirectory()
        let missing = try await directory.finished("replay", "runs/none")
        #expect(missing.code == 64)
        #expect(
            missing.err
                == "a run directory has a 'run.json', found 'runs/none'\n"
                + "hint: 'runs/latest' is the last run's\n")
        try directory.write(self.scenario("  []"), to: "scenario.yaml")
        let run = try await directory.finished("test", "scenario.yaml", "--seed", "1", "-q")
        #expect(run.code == 0)
        let shrink = try await directory.finished("shrink", try directory.run())
        #expect(shrink.code == 64)
        #expect(shrink.err.hasPrefix("only a run that failed can be shrunk, found '"))
    }

    /// 'chaos test … | head' closes the pipe before the end.
    @Test func aReaderThatGoesAwayChangesNothing() async throws {
        let directory = try TestDirectory()
        try directory.write(self.scenario("  []"), to: "scenario.yaml")
        let chaos = Programs.folder.appendingPathComponent("chaos").path
        try directory.write(
            "(\(chaos) test scenario.yaml --seed 1 -q; echo $? > code) 2> err | true\n",
            to: "pipe.sh")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["pipe.sh"]
        shell.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        try shell.run()
        shell.waitUntilExit()
        #expect(try directory.text("code") == "0\n")
        #expect(try directory.text("err") == "")
    }
}
