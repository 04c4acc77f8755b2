import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// The targets of Gossip Glomers 3d and 3e, and what the variants that miss them do.
@Suite("Efficient broadcast in virtual time")
struct EfficientBroadcastTests {
    /// 25 nodes, links of 100 ms, 100 operations a second for 20 seconds, half of them reads.
    private func cluster(_ variant: String, seed: UInt64 = 1) throws -> ClusterSimulation {
        var cluster = try ClusterSimulation("broadcast", variant, nodes: 25, seed: seed)
        cluster.latency = .milliseconds(100)...Duration.milliseconds(100)
        return cluster
    }

    private func load(_ cluster: inout ClusterSimulation, seconds: Int = 20) {
        cluster.load(
            SetWorkload(.broadcast), clients: 25, pause: .milliseconds(250),
            for: .seconds(seconds))
    }

    /// Messages between nodes for each operation of a client, final reads included.
    private func messagesPerOperation(_ cluster: ClusterSimulation) -> Double {
        Double(cluster.traffic.count)
            / Double(cluster.history.operations.count { $0.kind == .invoke })
    }

    private func latency(_ finding: Finding, _ quantile: String) throws -> Double {
        try #require(finding.statistics["stable_latencies_ms"]?[quantile]?.doubleValue)
    }

    private func lineTopology(_ cluster: inout ClusterSimulation) {
        let members = cluster.names.enumerated().map { index, name in
            let ends = [index - 1, index + 1].filter { cluster.names.indices.contains($0) }
            return (key: name, value: JSONValue.array(ends.map { .string(cluster.names[$0]) }))
        }
        for name in cluster.names {
            cluster.request(
                name, ["type": "topology", "topology": .object(JSONObject(members))])
        }
        cluster.run(for: .milliseconds(1))
    }

    @Test(
        arguments: [("hubs", 30.0, 400.0, 600.0), ("hubs-batched", 20, 1000, 2000)],
        1...UInt64(2))
    func theHubsMeetTheTargets(
        target: (variant: String, messages: Double, median: Double, most: Double), seed: UInt64
    ) throws {
        var cluster = try self.cluster(target.variant, seed: seed)
        self.load(&cluster)
        cluster.run(for: .seconds(10))
        cluster.finish()
        let finding = try cluster.finding("set-full")
        #expect(finding.verdict == .valid, "\(finding.summary)")
        #expect(self.messagesPerOperation(cluster) < target.messages)
        #expect(try self.latency(finding, "0.5") < target.median)
        #expect(try self.latency(finding, "1") < target.most)
    }

    @Test func withoutAWindowAValueCostsOneMessageANode() throws {
        var cluster = try self.cluster("hubs")
        cluster.broadcast(1, on: "n25")
        cluster.run(for: .milliseconds(350))
        let news = cluster.traffic.filter { $0.type == "news" }
        #expect(news.count == 24)
        #expect(Set(news.map(\.destination)) == Set(cluster.names).subtracting(["n25"]))
        #expect(cluster.readAll() == Array(repeating: [1], count: 25))
    }

    @Test(arguments: ["hubs", "hubs-batched"], 1...UInt64(5))
    func theHubsLoseNothingInPartitionsAndKills(variant: String, seed: UInt64) throws {
        var cluster = try self.cluster(variant, seed: seed)
        cluster.loss = Ratio(percent: 10)
        cluster.duplication = Ratio(percent: 10)
        cluster.disturb(Disturber(interval: .seconds(3)), for: .seconds(15))
        cluster.load(
            SetWorkload(.broadcast), clients: 25, pause: .milliseconds(800), for: .seconds(15))
        cluster.run(for: .seconds(10))
        cluster.finish()
        let finding = try cluster.finding("set-full")
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test func aLineMissesTheLatency() throws {
        var cluster = try self.cluster("naive")
        self.lineTopology(&cluster)
        self.load(&cluster)
        cluster.run(for: .seconds(10))
        cluster.finish()
        let finding = try cluster.finding("set-full")
        #expect(finding.verdict == .valid)
        #expect(self.messagesPerOperation(cluster) < 13)
        #expect(try self.latency(finding, "0.5") > 1000)
    }

    @Test func acknowledgementsMissTheMessages() throws {
        var cluster = try self.cluster("retry")
        self.load(&cluster, seconds: 1)
        cluster.run(for: .seconds(10))
        cluster.finish()
        #expect(try cluster.finding("set-full").verdict == .valid)
        #expect(self.messagesPerOperation(cluster) > 30)
    }

    @Test func aStarLosesWhatComesWhileItsHubIsAway() throws {
        for (variant, verdict) in [("star", Verdict.invalid), ("hubs", .valid)] {
            var cluster = try self.cluster(variant)
            cluster.kill("n1")
            let values = (1...5).map { Int64($0) * 1_000_000 }
            for (index, value) in values.enumerated() {
                cluster.request(
                    "n\(index + 10)", ["type": "broadcast", "message": .int(value)])
            }
            cluster.run(for: .seconds(1))
            cluster.restart("n1")
            cluster.run(for: .seconds(10))
            let isThere = cluster.readAll().allSatisfy { Set($0).isSuperset(of: values) }
            #expect(isThere == (verdict == .valid))
        }
    }

    @Test func withoutFaultsAStarIsRight() throws {
        var cluster = try self.cluster("star")
        self.load(&cluster, seconds: 5)
        cluster.run(for: .seconds(10))
        cluster.finish()
        #expect(try cluster.finding("set-full").verdict == .valid)
    }
}
