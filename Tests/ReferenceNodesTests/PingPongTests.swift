import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S07 in virtual time: the scripts of the course with their exact numbers, then random faults.
@Suite("Ping-pong in virtual time")
struct PingPongTests {
    /// Asks a node and waits; pings and signs of life have time to arrive.
    private func ask(
        _ cluster: inout ClusterSimulation, _ node: String, _ body: JSONObject,
        from source: String = "c1"
    ) -> Message? {
        let id = cluster.request(node, body, from: source)
        cluster.run(for: .milliseconds(200))
        return cluster.replies[id]
    }

    private func ping(_ cluster: inout ClusterSimulation, _ nodes: [String]) {
        for node in nodes {
            let reply = self.ask(&cluster, node, ["type": "send_ping"])
            #expect(reply?.type == "send_ping_ok")
        }
    }

    private func totals(_ cluster: inout ClusterSimulation) -> [Int64?] {
        cluster.names.map { self.ask(&cluster, $0, ["type": "total_pings"])?["value"]?.intValue }
    }

    @Test func threePingsOnePerNode() throws {
        var cluster = try ClusterSimulation("ping-pong", "epochs", nodes: 3)
        self.ping(&cluster, ["n1", "n2", "n3"])
        #expect(self.totals(&cluster) == [3, 3, 3])
        let reply = self.ask(&cluster, "n1", ["type": "get_counts"])
        #expect(reply?["counts"] == ["n1": 3, "n2": 3, "n3": 3])
        #expect(reply?["bad"] == [])
    }

    /// 2/2 → split → 3/3 → heal 4/4.
    @Test func eachSideCountsItsOwnAndThenAllCountAll() throws {
        var cluster = try ClusterSimulation("ping-pong", "epochs", nodes: 2)
        self.ping(&cluster, ["n1", "n2"])
        #expect(self.totals(&cluster) == [2, 2])
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(2))
        self.ping(&cluster, ["n1", "n2"])
        #expect(self.totals(&cluster) == [3, 3])
        cluster.heal()
        cluster.run(for: .seconds(2))
        #expect(self.totals(&cluster) == [4, 4])
    }

    @Test(arguments: [("no-nodeup", [3, 3]), ("nodeup-only", [4, 4])])
    func withoutComparingTheNewsOfANodeCounts(
        _ variant: String, totals: [Int64]
    ) throws {
        var cluster = try ClusterSimulation("ping-pong", variant, nodes: 2)
        self.ping(&cluster, ["n1", "n2"])
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(2))
        self.ping(&cluster, ["n1", "n2"])
        cluster.heal()
        cluster.run(for: .seconds(2))
        #expect(self.totals(&cluster) == totals)
    }

    /// Two pings of one producer, and the other node's consumer crashes: it counts two again.
    @Test(arguments: [("epochs", Int64(2)), ("no-catch-up", 0)])
    func aConsumerThatStartsAgainAsks(_ variant: String, total: Int64) throws {
        var cluster = try ClusterSimulation("ping-pong", variant, nodes: 2)
        self.ping(&cluster, ["n2", "n2"])
        #expect(self.totals(&cluster) == [2, 2])
        let reply = self.ask(
            &cluster, "n1", ["type": "crash", "process": "consumer"], from: Administration.name)
        #expect(reply?.type == "crash_ok")
        // Before the next comparison.
        #expect(self.totals(&cluster)[0] == total)
    }

    @Test func countsAreKnownWhileANodeIsAway() throws {
        var cluster = try ClusterSimulation("ping-pong", "epochs", nodes: 3)
        self.ping(&cluster, ["n1", "n2", "n3"])
        cluster.kill("n3")
        let id = cluster.request("n1", ["type": "get_counts"])
        cluster.run(for: .seconds(2))
        #expect(cluster.replies[id]?["counts"] == ["n1": 3, "n2": 3])
        #expect(cluster.replies[id]?["bad"] == ["n3"])
    }

    /// A restarted producer goes on, and a volatile one is hidden by what others know of its past.
    @Test(arguments: [("epochs", [Int64(3), 3]), ("volatile", [2, 1])])
    func aProducerThatStartsAgain(_ variant: String, totals: [Int64]) throws {
        var cluster = try ClusterSimulation("ping-pong", variant, nodes: 2)
        self.ping(&cluster, ["n2", "n2"])
        cluster.restart("n2")
        cluster.run(for: .seconds(1))
        self.ping(&cluster, ["n2"])
        #expect(self.totals(&cluster) == totals)
    }

    private func finding(
        _ variant: String, seed: UInt64 = 1, disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("ping-pong", variant, nodes: 3, seed: seed)
        disturbed(&cluster)
        // All have met before the first ping, as where a cluster is waited for.
        cluster.run(for: .milliseconds(500))
        cluster.load(
            CounterWorkload(isGrowOnly: true), clients: 6, pause: .milliseconds(80),
            for: .seconds(8))
        cluster.run(for: .seconds(5))
        cluster.finish()
        return try cluster.finding("g-counter")
    }

    @Test(arguments: [
        "epochs", "nodeup-only", "relative", "no-nodeup", "no-catch-up", "last-wins", "volatile",
        "name-as-count", "misattributed",
    ])
    func withoutFaultsAllAreRight(variant: String) throws {
        // Pings of one link do not overtake one another where nothing disturbs it.
        let finding = try self.finding(variant) { $0.latency = .zero ... .zero }
        #expect(finding.anomalies.allSatisfy { $0 == "went-back" }, "\(finding.summary)")
    }

    @Test(arguments: 1...UInt64(20))
    func epochsSurviveEverything(seed: UInt64) throws {
        let finding = try self.finding("epochs", seed: seed) { cluster in
            cluster.loss = Ratio(percent: 10)
            cluster.duplication = Ratio(percent: 20)
            cluster.latency = .zero...Duration.milliseconds(50)
            cluster.disturb(Disturber(), for: .seconds(7))
        }
        #expect(finding.anomalies.allSatisfy { $0 == "went-back" }, "\(finding.summary)")
    }

    @Test(arguments: ["relative", "last-wins"])
    func doublesAndOvertakingBreakTheNaive(variant: String) throws {
        let finding = try self.finding(variant) { cluster in
            cluster.duplication = Ratio(percent: 20)
            cluster.latency = .zero...Duration.milliseconds(400)
        }
        #expect(finding.anomalies.contains("wrong-final"), "\(finding.summary)")
    }
}
