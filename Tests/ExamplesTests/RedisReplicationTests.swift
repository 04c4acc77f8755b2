import Foundation
import Testing

/// The example of a cluster with nothing of ours in it.
@Suite("examples/redis-replication")
struct RedisReplicationTests {
    private static let scenario = ExampleRun.example("redis-replication/redis-replication.yaml")
    private static let watcher = ExampleRun.example("redis-replication/watch.py")

    init() throws {
        try requireProgram("redis-server", package: "redis-server")
        try requireProgram("python3", package: "python3")
    }

    @Test func replicasLoseThePrimaryAndAreEqualAfterHeal() async throws {
        let run = try ExampleRun(["run", "--quiet", Self.scenario, "--", Self.watcher])
        let code = try await run.exitCode()
        let output = run.output
        #expect(code == 0, "\(output)\n\(run.errors)")
        let story = [
            "n1 sees slave0: ip=127.", "WAIT 2 30000 -> 2", "master_link_status: n2 up, n3 up;",
            "$ chaos partition 'n1 / n2' --for 5s", "WAIT 2 300 -> 1",
            "keys: n1 200, n2 100, n3 200", "WAIT 2 30000 -> 2",
            "all 200 keys and values are equal on n1, n2, n3",
            "$ chaos partition 'n1 / n2'", "WAIT 2 300 -> 1", "n2 says 'down' after",
            "master_link_status: n2 down, n3 up;", "$ chaos heal", "n2 says 'up' after",
            "resyncs since the cut: 0 full, 1 partial",
            "$ chaos partition 'n1 / n2 n3' --mode reject", "n2 and n3 say 'down' after",
            "WAIT 2 300 -> 0", "$ chaos heal", "n2 and n3 say 'up' after",
            "resyncs since the cut: 0 full, 2 partial",
            "all 400 keys and values are equal on n1, n2, n3",
            "as it must be: nothing was lost, and everybody agrees",
        ]
        expect(story, inOrderIn: output)
        // The leak proof of each cut; nothing but a zero may stand there.
        let proofs = run.errors.split(separator: "\n").filter { $0.contains(" crossed ") }
        let starts = (1...3).map { "p\($0): 0 bytes crossed" }
        #expect(proofs.map { String($0.prefix(19)) } == starts)
        #expect(!run.errors.contains("warning"))
    }

    @Test func theWatcherSaysWhatIsNotAsItMustBe() async throws {
        let text = try String(contentsOfFile: Self.scenario, encoding: .utf8)
        let broken = FileManager.default.temporaryDirectory
            .appending(path: "chaos-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: broken) }
        // Replicas that replicate nobody.
        try text.replacing("--replicaof {peer.n1:%h} {peer.n1:%p}", with: "")
            .replacing("MASTER <-> REPLICA sync: Finished with success", with: "Ready to accept")
            .write(to: broken, atomically: true, encoding: .utf8)
        let run = try ExampleRun(["run", "--quiet", broken.path, "--", Self.watcher])
        let code = try await run.exitCode()
        #expect(code == 1, "\(run.errors)")
        #expect(
            run.output.hasSuffix("redis-replication: n2: its role is 'slave', found 'master'\n"))
        #expect(run.errors.contains("exit 1: the wrapped command ended with 1"))
    }

    @Test func aLostReplyCountsTwice() async throws {
        let run = try ExampleRun([
            "run", "--quiet", ExampleRun.example("redis-replication/redis-retry.yaml"), "--",
            ExampleRun.example("redis-replication/count.py"),
        ])
        let code = try await run.exitCode()
        #expect(code == 0, "\(run.output)\n\(run.errors)")
        let story = [
            "INCR visits -> 2", "INCR visits -> ConnectionResetError; trying again",
            "INCR visits -> 4", "10 visits were counted, and redis says 11",
        ]
        expect(story, inOrderIn: run.output)
    }

    @Test func killingChaosSuddenlyEndsEveryServer() async throws {
        let run = try ExampleRun([
            "run", "--quiet", Self.scenario, "--", "sh", "-c",
            "chaos status --json; exec sleep 1000",
        ])
        #expect(await eventually { run.output.hasSuffix("}\n") || !run.isRunning })
        let status = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
        let nodes = try #require((status as? [String: Any])?["nodes"] as? [[String: Any]])
        let processes = nodes.compactMap { ($0["pid"] as? Int).map(Int32.init) }
        try #require(processes.count == 3)
        #expect(processes.allSatisfy { Self.isAlive($0) })
        await run.killSuddenly()
        #expect(await eventually { !processes.contains { Self.isAlive($0) } })
    }

    @Test func killingChaosSuddenlyLeavesNoSocketEvenInADeepDirectory() async throws {
        let scenario = FileManager.default.temporaryDirectory
            .appending(path: "chaos-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: scenario) }
        try """
        name: \(String(repeating: "deep-", count: 12))
        nodes:
          n1..n2:
            command: redis-server --port 0 --unixsocket {listen} --dir {dir} --save ''
            ports: { main: unix }
        """.write(to: scenario, atomically: true, encoding: .utf8)
        let run = try ExampleRun([
            "run", "--quiet", scenario.path, "--", "sh", "-c",
            "redis-cli -s $CHAOS_PEER_N2_MAIN SET key value; echo $CHAOS_PEER_N2_MAIN; exec sleep 1000",
        ])
        #expect(await eventually { run.output.hasSuffix(".sock\n") || !run.isRunning })
        let lines = run.output.split(separator: "\n")
        try #require(lines.first == "OK", "\(run.output)\(run.errors)")
        let folder = URL(fileURLWithPath: String(try #require(lines.last)))
            .deletingLastPathComponent().path
        #expect(!folder.hasPrefix(run.directory.path))
        // Control, two nodes, and each as its peer and the outside see it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 7)
        await run.killSuddenly()
        #expect(await eventually { !FileManager.default.fileExists(atPath: folder) })
    }

    private static func isAlive(_ process: Int32) -> Bool { kill(process, 0) == 0 }
}
