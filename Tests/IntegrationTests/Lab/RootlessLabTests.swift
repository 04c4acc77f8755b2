import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Labs of an ordinary user, where root runs the tests.
@Suite(
    .serialized,
    .enabled(
        if: LabMachine.rootlessObstacle == nil,
        "no ordinary user's lab here: \(LabMachine.rootlessObstacle ?? "")"))
struct RootlessLabTests {
    private static func lab(_ more: String = "") async throws -> LabRun {
        try await LabRun(LabAgent.scenario(2, more), user: OrdinaryUser.id)
    }

    /// Everything is that user's, and nobody has powers that he has not.
    @Test func everythingIsTheUsers() async throws {
        let run = try await Self.lab()
        let me = try await run.tell("n1", "identity", ["names": ["n2"]])["value"]
        #expect(me?["uid"]?.intValue == Int64(OrdinaryUser.id))
        #expect(me?["caps"]?.stringValue == "0000000000000000")
        let processes = run.directory.processes()
        #expect(processes.count >= 6)
        for process in processes {
            let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let users = status?.firstMatch(of: /Uid:\s+(\d+)\s+(\d+)\s+(\d+)/)?.output
            #expect(users?.1 == "\(OrdinaryUser.id)" && users?.3 == "\(OrdinaryUser.id)")
        }
        #expect(try await run.chaos("exec", "n2", "--", "hostname") == "n2\n")
        _ = try await run.end()
    }

    /// Healthy, cut, healed, late, lost: as for root.
    @Test func linksAreCutAndImpaired() async throws {
        let run = try await Self.lab()
        for name in ["n2", "n2.ip6"] {
            #expect(try await run.results("n1", to: name) == ["ok", "ok", "ok"])
        }
        try await run.chaos("partition", "n1", "/", "n2", "--mode", "drop")
        #expect(
            try await run.results("n1", to: "n2", within: LabRun.aMoment) == [
                "timeout", "timeout", "timeout",
            ])
        try await run.chaos("heal")
        try await run.chaos("partition", "n1", "/", "n2", "--mode", "reject")
        #expect(
            try await run.results("n1", to: "n2.ip6", within: LabRun.aMoment) == [
                "refused", "refused", "timeout",
            ])
        try await run.chaos("heal")
        try await run.chaos("set", "n1->n2", "delay=40ms")
        for name in ["n2", "n2.ip6"] {
            let late = try await run.tell("n1", "udp", to: name, within: 5)
            #expect(late["result"] == "ok" && (late["ms"]?.doubleValue ?? 0) >= 40, "\(late.text)")
        }
        try await run.chaos("clear")
        try await run.chaos("set", "n1->n2", "loss=100%")
        #expect(
            try await run.results("n1", to: "n2", within: LabRun.aMoment) == [
                "timeout", "timeout", "timeout",
            ])
        try await run.chaos("clear")
        #expect(try await run.results("n1", to: "n2") == ["ok", "ok", "ok"])
        let result = try await run.end()
        for fault in result["faults"]?.arrayValue ?? [] {
            #expect((fault["hits"]?.intValue ?? 0) > 0, "\(fault.text)")
        }
        for cut in result["cuts"]?.arrayValue ?? [] {
            #expect(cut["crossed_bytes"] == 0, "\(cut.text)")
        }
    }

    /// Bundled nodes, their links and the clients of workloads need no powers, which root's have behind the proxy.
    @Test(arguments: ["lab", "proxy"]) func bundledNodesServe(_ backend: String) async throws {
        let directory = try TestDirectory(user: OrdinaryUser.id)
        try directory.write(
            """
            nodes:
              n1..n3:
                command: chaos-node broadcast --variant gossip
            workload: { kind: broadcast, rate: 20/s, for: 1s }
            checks: [set-full]
            """, to: "broadcast.yaml")
        let run = try await directory.finished(
            "test", "broadcast.yaml", "--backend", backend, "--seed", "1")
        #expect(run.code == 0, "\(run.out)\(run.err)")
        #expect(await directory.hasNothingLeft())
    }

    /// Sockets with others' addresses (`IP_TRANSPARENT`) need powers over the network alone.
    @Test func portsAreIntercepted() async throws {
        let run = try await Self.lab("network: { framing: { main: none } }")
        let me = try await run.tell("n1", "keep", to: "n2", within: 5, ["name": "open"])["value"]
        let own = try #require(me?["own"]?.stringValue)
        #expect(try await run.tell("n2", "heard", ["from": "end"])["value"]?.stringValue == own)
        try await run.chaos("set", "n1->n2:main", "reset_peer=0s")
        #expect(try await run.result("n1", "use", within: 5, ["name": "open"]) == "reset")
        _ = try await run.end()
    }

    /// Whichever of chaos's own processes is killed (`exe` is chaos inside, which executed itself again), nobody is
    /// left: nodes, and what they put into the
    /// background.
    @Test(arguments: ["chaos-lab", "chaos-lab-init", "chaos-guardian", "exe"])
    func nothingSurvivesAKill(_ name: String) async throws {
        let run = try await Self.lab()
        #expect(try await run.result("n1", "daemon") == "ok")
        let all = run.directory.processes()
        #expect(all.count >= 6)
        let victim = try #require(
            all.first { ProcessScan.name($0) == name },
            "one of \(all.map { ProcessScan.name($0) })")
        kill(victim, SIGKILL)
        _ = try await run.process.exit()
        #expect(await eventually { run.directory.processes().isEmpty })
    }

    @Test func twoLabsLiveSideBySide() async throws {
        let first = try await Self.lab()
        let second = try await Self.lab()
        try await first.chaos("partition", "n1", "/", "n2", "--mode", "drop")
        #expect(try await first.result("n1", "tcp", to: "n2", within: LabRun.aMoment) == "timeout")
        #expect(try await second.results("n1", to: "n2") == ["ok", "ok", "ok"])
        _ = try await second.end()
        _ = try await first.end()
    }
}
