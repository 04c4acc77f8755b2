import ChaosCheckers
import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S37 in virtual time.
@Suite("Distributed counter in virtual time")
struct DistributedCounterTests {
    private static let add: JSONObject = ["type": "add", "delta": 1]

    private func cluster(_ variant: String, seed: UInt64 = 1) throws -> ClusterSimulation {
        try ClusterSimulation("distributed-counter", variant, nodes: 3, seed: seed)
    }

    /// One addition on each node, and what each node then says.
    private func counts(_ variant: String) throws -> [Int64?] {
        var cluster = try self.cluster(variant)
        cluster.run(for: .seconds(3))
        for node in cluster.names {
            #expect(cluster.ask(node, Self.add)?.type == "add_ok")
        }
        cluster.run(for: .seconds(1))
        return cluster.names.map { cluster.ask($0, ["type": "read"])?["value"]?.intValue }
    }

    @Test(arguments: ["crdt", "quorum", "single-owner", "recreated"])
    func oneCounterForAll(_ variant: String) throws {
        #expect(try self.counts(variant) == [3, 3, 3])
    }

    @Test func aLocalNameMeansACounterForEachNode() throws {
        #expect(try self.counts("local-name") == [1, 1, 1])
    }

    @Test func theNextOwnerBeginsAtZero() throws {
        for (variant, count) in [("recreated", Int64(1)), ("quorum", 4)] {
            var cluster = try self.cluster(variant)
            cluster.run(for: .seconds(3))
            for _ in 0..<3 { _ = cluster.ask("n2", Self.add) }
            cluster.kill("n1")
            cluster.run(for: .seconds(4))
            #expect(cluster.ask("n2", Self.add)?.type == "add_ok")
            #expect(cluster.ask("n3", ["type": "read"])?["value"] == .int(count))
        }
    }

    /// Both corners of CAP: cut off from the others, one counts on and one refuses.
    @Test(arguments: [("crdt", "add_ok"), ("quorum", "error"), ("single-owner", "error")])
    func aNodeAlone(_ variant: String, answer: String) throws {
        var cluster = try self.cluster(variant)
        cluster.run(for: .seconds(3))
        cluster.partition(["n3"], ["n1", "n2"])
        cluster.run(for: .seconds(2))
        #expect(cluster.ask("n3", Self.add, within: .seconds(10))?.type == answer)
    }

    @Test(arguments: 1...UInt64(20))
    func aMajorityIsLinearizable(seed: UInt64) throws {
        var cluster = try self.cluster("quorum", seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.latency = .zero...Duration.milliseconds(20)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(
            CounterWorkload(isGrowOnly: false), clients: 6, pause: .milliseconds(200),
            for: .seconds(8))
        cluster.run(for: .seconds(5))
        cluster.finish()
        for check in [("pn-counter", [:]), ("linearizable", ["model": "counter"])]
            as [(String, JSONObject)]
        {
            let finding = try cluster.finding(check.0, check.1)
            #expect(finding.verdict == .valid, "\(finding.summary)")
        }
    }
}
