import Foundation
import Testing

/// However a run ends, nothing is left of it.
@Suite(.serialized) struct EndingTests {
    /// Nodes that leave their session, fork twice, and ignore SIGTERM.
    private static let stubborn = """
        name: stubborn
        nodes:
          n1..n3:
            command: ["sh", "-c", "trap '' TERM; (setsid sleep 1000 &); echo ready; sleep 1000 & wait"]
            ready: { log: ready }
        """

    @Test func ctrlCEndsARunInOrderWith130() async throws {
        let directory = try TestDirectory()
        try directory.write(broadcastScenario(), to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        try await run.waitFor("3 nodes ready")
        #expect(directory.sockets().count == 1)
        run.signal(SIGINT)
        #expect(try await run.exit() == 130)
        #expect(run.err.contains("ending the run; once more ends it at once"))
        #expect(run.out.contains("exit 130: interrupted"))
        #expect(await directory.hasNothingLeft())
        #expect(try directory.text("runs/latest/results.json").contains(#""code":130"#))
    }

    @Test func ctrlCWhileNodesStartEndsAtOnce() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            name: slow
            nodes: { n1: { command: sleep 1000, ready: { log: never, within: 60s } } }
            """, to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        #expect(await eventually { directory.processes().count >= 3 })
        run.signal(SIGINT)
        #expect(try await run.exit() == 130)
        #expect(await directory.hasNothingLeft())
    }

    @Test func ctrlCWhileARunSettlesEndsAtOnce() async throws {
        let directory = try TestDirectory()
        try directory.write(
            broadcastScenario(
                """
                schedule: [{ at: 0s, for: 100ms, kill: n3 }]
                workload: { kind: broadcast, for: 300ms }
                """), to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        // It settles for 5 s and more.
        try await run.waitFor("settling for 5")
        run.signal(SIGINT)
        #expect(try await run.exit() == 130)
        #expect(await directory.hasNothingLeft())
        // It did not come to the reads behind the wait.
        let history = try directory.text("runs/latest/history.jsonl")
        #expect(!history.isEmpty)
        #expect(!history.contains("final"))
    }

    @Test func aSecondCtrlCDoesNotWaitForNodesThatDoNotEnd() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.stubborn, to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        try await run.waitFor("3 nodes ready")
        run.signal(SIGINT)
        try await run.waitFor("once more ends it at once")
        run.signal(SIGINT)
        #expect(try await run.exit() == 130)
        #expect(await directory.hasNothingLeft())
    }

    @Test func nodesThatIgnoreSIGTERMAreKilled() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.stubborn, to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml", "--for", "100ms")
        #expect(try await run.exit() == 0)
        #expect(await directory.hasNothingLeft())
    }

    // MARK: - kill -9

    @Test(arguments: [1, 2, 4])
    func killingChaosWhileNodesStartLeavesNothing(started: Int) async throws {
        let directory = try TestDirectory()
        try directory.write(
            Self.stubborn.replacing("n1..n3", with: "n1..n12"), to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        // chaos, its guardian, and as many nodes.
        #expect(await eventually { directory.processes().count >= 1 + started })
        run.signal(SIGKILL)
        #expect(try await run.exit() == 137)
        #expect(await directory.hasNothingLeft())
    }

    @Test func killingChaosUnderLoadWithAPartitionOnLeavesNothing() async throws {
        let directory = try TestDirectory()
        try directory.write(
            broadcastScenario(
                """
                schedule: [{ at: 100ms, partition: n1 / n2 n3 }]
                workload: { kind: broadcast, rate: 500/s, for: 60s }
                """), to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        try await run.waitFor("partition n1 / n2 n3 (drop)")
        let nodes = directory.processes().filter { ProcessScan.name($0) == "chaos-node" }
        #expect(nodes.count == 3)
        for node in nodes {
            #expect(ProcessScan.environment(node).contains { $0.hasPrefix("CHAOS_RUN=") })
        }
        run.signal(SIGKILL)
        #expect(try await run.exit() == 137)
        #expect(await directory.hasNothingLeft())
        // What was written until then is whole lines.
        let journal = try directory.text("runs/latest/journal.jsonl")
        #expect(journal.hasSuffix("\n"))
    }

    @Test func killingChaosLeavesNoSocketWhereverItLies() async throws {
        let directory = try TestDirectory()
        let deep = (0..<12).map { _ in "a-long-name-of-a-folder" }.joined(separator: "/")
        try directory.write(echoScenario(), to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml", "--runs", deep)
        try await run.waitFor("1 node ready")
        let socket = try #require(directory.sockets().first)
        // Too deep for a socket's path, so it lies where the system keeps such things.
        #expect(!socket.hasPrefix(deep))
        #expect(directory.sockets().count == 1)
        let status = try await directory.finished("status", "--run", "\(deep)/latest")
        #expect(status.code == 0, "\(status.err)")
        run.signal(SIGKILL)
        #expect(try await run.exit() == 137)
        #expect(await directory.hasNothingLeft())
        let folder = URL(fileURLWithPath: "\(directory.path)/\(socket)").deletingLastPathComponent()
        #expect(await eventually { !FileManager.default.fileExists(atPath: folder.path) })
    }

    @Test func aSocketElsewhereIsGoneAfterAnOrderlyEndToo() async throws {
        let directory = try TestDirectory()
        let deep = (0..<12).map { _ in "a-long-name-of-a-folder" }.joined(separator: "/")
        try directory.write(echoScenario("for: 100ms"), to: "s.yaml")
        let run = try await directory.finished("run", "s.yaml", "--runs", deep)
        #expect(run.code == 0)
        #expect(await directory.hasNothingLeft())
        let rest = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(rest.sorted() == ["a-long-name-of-a-folder", "s.yaml"])
    }

    @Test func killingTheGuardianEndsTheRunWithASentence() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.stubborn, to: "s.yaml")
        let run = try directory.chaos("run", "s.yaml")
        try await run.waitFor("3 nodes ready")
        let guardian = try #require(
            directory.processes().first { ProcessScan.name($0) == "chaos-guardian" })
        kill(guardian, SIGKILL)
        #expect(try await run.exit() == 69)
        #expect(
            run.err.contains(
                "chaos: guardian: it must live as long as the run, found that it ended by SIGKILL"))
        #expect(await directory.hasNothingLeft())
    }
}
