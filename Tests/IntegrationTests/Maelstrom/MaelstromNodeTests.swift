import ChaosCore
import Foundation
import Testing

/// Maelstrom nodes in another language under all workloads: right ones pass, wrong ones are caught.
@Suite(.serialized) struct MaelstromNodeTests {
    // One cut, long enough to meet messages on a machine that is busy.
    private static let cut = ["--nemesis", "partition", "--nemesis-interval", "2"]

    /// A node, how it is tested, and what must come out.
    struct Case: Sendable, CustomTestStringConvertible {
        let workload: String
        let node: String
        var more: [String] = []
        var nodes = 3
        var seconds = 1.5
        var rate = 30
        var arguments: [String] = []
        var anomaly: String?

        var testDescription: String {
            ([self.workload, self.node] + self.arguments + self.more).joined(separator: " ")
        }
    }

    @Test(arguments: [
        Case(workload: "echo", node: "echo"),
        Case(workload: "echo", node: "echo", arguments: ["--wrong"], anomaly: "wrong-echo"),
        Case(workload: "unique-ids", node: "unique_ids", more: ["--availability", "total"] + cut),
        Case(
            workload: "unique-ids", node: "unique_ids", arguments: ["--wrong"],
            anomaly: "duplicated"),
        Case(workload: "broadcast", node: "broadcast", more: cut, nodes: 5, seconds: 4),
        Case(
            workload: "broadcast", node: "broadcast", more: cut, nodes: 5, seconds: 4,
            arguments: ["--naive"], anomaly: "lost"),
        // Without faults the naive one is right: that is the lesson.
        Case(workload: "broadcast", node: "broadcast", nodes: 5, arguments: ["--naive"]),
        Case(workload: "g-set", node: "g_set", more: cut, seconds: 4),
        Case(workload: "g-set", node: "g_set", arguments: ["--wrong"], anomaly: "duplicated"),
        Case(workload: "pn-counter", node: "counter", more: cut, seconds: 4),
        Case(
            workload: "pn-counter", node: "counter", arguments: ["--wrong"], anomaly: "wrong-final"),
        Case(workload: "g-counter", node: "counter", more: cut, seconds: 4),
        Case(workload: "lin-kv", node: "lin_kv", more: ["--concurrency", "2n"], rate: 100),
        Case(
            workload: "lin-kv", node: "lin_kv", more: ["--concurrency", "4n"], seconds: 3,
            rate: 100,
            arguments: ["--wrong"], anomaly: "not-linearizable"),
        Case(workload: "txn-list-append", node: "txn", nodes: 2, seconds: 3, rate: 100),
        Case(
            workload: "txn-list-append", node: "txn", nodes: 2, seconds: 3, rate: 100,
            arguments: ["--wrong"], anomaly: "incompatible-order"),
        Case(
            workload: "txn-rw-register", node: "txn",
            more: ["--consistency-models", "read-committed"], nodes: 2, rate: 100),
        Case(
            workload: "kafka", node: "log", more: ["--concurrency", "2n"], nodes: 2, seconds: 3,
            rate: 100),
        Case(
            workload: "kafka", node: "log", more: ["--concurrency", "2n"], nodes: 2, seconds: 3,
            rate: 100, arguments: ["--wrong"], anomaly: "inconsistent-offsets"),
    ])
    func rightOnesPassAndWrongOnesAreCaught(_ tried: Case) async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            tried.workload, MaelstromPrograms.python(tried.node), nodes: tried.nodes,
            for: tried.seconds, rate: tried.rate, recovery: 2.5,
            ["--seed", "3"] + tried.more, node: tried.arguments)
        #expect(test.code == (tried.anomaly == nil ? 0 : 1), "\(test.out)\(test.err)")
        if let anomaly = tried.anomaly {
            let findings = try directory.results()["findings"]?.arrayValue ?? []
            let anomalies = findings.flatMap { $0["anomalies"]?.arrayValue ?? [] }
            #expect(anomalies.contains(.string(anomaly)), "\(test.out)")
        }
        #expect(await directory.hasNothingLeft())
    }

    /// A node that starts again is told again who it is.
    @Test func killedAndPausedNodesComeBack() async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            "unique-ids", MaelstromPrograms.python("unique_ids"), nodes: 1, for: 4,
            ["--nemesis", "restart", "--nemesis-interval", "1", "--seed", "1"], node: ["--wrong"])
        #expect(test.code == 1, "\(test.out)\(test.err)")
        #expect(test.out.contains("duplicated 1: "))
        let other = try TestDirectory()
        let paused = try await other.test(
            "g-set", MaelstromPrograms.python("g_set"), for: 4, recovery: 2.5,
            [
                "--nemesis", "pause,kill", "--nemesis-interval", "1", "--nemesis-budget",
                "minority", "--seed", "2", "--availability", "0.2",
            ])
        // What a killed node had not passed on is gone, so the set may have lost something.
        #expect([0, 1].contains(paused.code), "\(paused.out)\(paused.err)")
        let faults = try other.results()["faults"]?.arrayValue ?? []
        #expect(!faults.isEmpty)
        for fault in faults { #expect(fault["hits"] == 1, "\(fault)") }
        #expect(await other.hasNothingLeft())
    }

    @Test func theBundledNodesSpeakMaelstroms() async throws {
        for (variant, code) in [("gossip", 0), ("naive", 1)] as [(String, Int32)] {
            let directory = try TestDirectory()
            let test = try await directory.test(
                "broadcast", "chaos-node", nodes: 5, for: 4, recovery: 3,
                Self.cut + ["--seed", "3"], node: ["broadcast", "--variant", variant])
            #expect(test.code == code, "\(test.out)\(test.err)")
        }
    }

    @Test func aRunsScenarioRunsAgainAndAssertionsDecide() async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            "broadcast", MaelstromPrograms.python("broadcast"),
            [
                "--latency", "20", "--loss", "1%", "--seed", "5", "--assert", "msgs_per_op < 100",
                "--assert", "stable_latency.p50 < 5s",
            ], node: ["{x}"])
        #expect(test.code == 0, "\(test.out)\(test.err)")
        #expect(test.out.contains("stable_latency.p50 < 5s, found "))
        let run = try directory.run()
        #expect(test.out.hasSuffix("--seed 5 -- '{x}'\n\n"), "\(test.out)")
        let again = try await directory.finished(
            "test", "\(run)/scenario.yaml", "--runs", "again", "--json")
        #expect(again.code == 0, "\(again.out)\(again.err)")
        let strict = try TestDirectory()
        let failed = try await strict.test(
            "broadcast", MaelstromPrograms.python("broadcast"), ["--assert", "msgs_per_op < 0.5"])
        #expect(failed.code == 1)
        #expect(failed.out.contains("assert: msgs_per_op < 0.5, found "), "\(failed.out)")
        let unknown = try TestDirectory()
        let missing = try await unknown.test(
            "echo", MaelstromPrograms.python("echo"), ["--assert", "mgs_per_op < 1"])
        #expect(missing.code == 2)
        #expect(
            missing.out.contains(
                "mgs_per_op < 1: the run has no such measure, did you mean 'msgs_per_op'?"))
    }

    /// A fault that cannot touch anything proves nothing.
    @Test func aPartitionOfOneNodeIsUnknown() async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            "broadcast", MaelstromPrograms.python("broadcast"), nodes: 1, Self.cut)
        #expect(test.code == 2, "\(test.out)\(test.err)")
        #expect(test.out.contains("never happened"), "\(test.out)")
    }

    /// Services are cut off where that is asked for, and nowhere else.
    @Test func servicesCanBeCutOffByName() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            nodes:
              n1..n3:
                command: ["\(MaelstromPrograms.python("lin_kv"))"]
                protocol: maelstrom
            schedule:
              - { at: 300ms, for: 2500ms, partition: n1 / lin-kv }
            workload: { kind: lin-kv, for: 3s, rate: 60/s, timeout: 500ms }
            """, to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seed", "1")
        #expect(test.code == 0, "\(test.out)\(test.err)")
        let results = try directory.results()
        #expect((results["faults"]?[0]?["hits"]?.intValue ?? 0) > 0)
        let cuts = results["cuts"]?.arrayValue ?? []
        #expect(
            cuts.map { $0["link"]?.stringValue } == ["lin-kv->n1:main", "n1->lin-kv:main"])
        let info = results["statistics"]?["operations"]?["info"]?.intValue ?? 0
        #expect(info > 0)
    }
}
