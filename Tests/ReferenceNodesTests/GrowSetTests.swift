import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Growing sets in virtual time")
struct GrowSetTests {
    private func verdict(_ cluster: inout ClusterSimulation) throws -> Finding {
        cluster.load(SetWorkload(.add), clients: 10, pause: .milliseconds(100), for: .seconds(10))
        cluster.run(for: .seconds(5))
        cluster.finish()
        return try cluster.finding("set-full")
    }

    @Test(arguments: ["gossip", "volatile", "naive", "list", "xor"])
    func withoutFaultsAllAreRight(variant: String) throws {
        // Among three nodes and more an element comes by many ways, which a list shows.
        let nodes = ["list", "xor"].contains(variant) ? 2 : 5
        var cluster = try ClusterSimulation("g-set", variant, nodes: nodes)
        let finding = try self.verdict(&cluster)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: 1...UInt64(20))
    func gossipLosesNothing(seed: UInt64) throws {
        var cluster = try ClusterSimulation("g-set", "gossip", seed: seed)
        cluster.loss = Ratio(percent: 20)
        cluster.duplication = Ratio(percent: 20)
        cluster.crashChance = Ratio(billionths: 1_000_000)
        cluster.disturb(Disturber(), for: .seconds(9))
        let finding = try self.verdict(&cluster)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    /// An element is acknowledged on a side by itself, whose node then dies.
    @Test func memoryLosesWhatNobodyElseHeard() throws {
        for (variant, elements) in [("volatile", []), ("gossip", [JSONValue.int(7)])] {
            var cluster = try ClusterSimulation("g-set", variant)
            cluster.partition(["n1"], ["n2", "n3", "n4", "n5"])
            #expect(cluster.ask("n1", ["type": "add", "element": 7])?.type == "add_ok")
            cluster.restart("n1")
            cluster.heal()
            cluster.run(for: .seconds(5))
            #expect(cluster.ask("n3", ["type": "read"])?["value"] == .array(elements))
        }
    }

    @Test func tellingOnceLosesWhatALinkLost() throws {
        for (variant, anomalies) in [("naive", ["lost"]), ("gossip", [])] {
            var cluster = try ClusterSimulation("g-set", variant)
            cluster.loss = Ratio(percent: 30)
            #expect(try self.verdict(&cluster).anomalies == anomalies)
        }
    }

    @Test func aListShowsADoubledMessageTwice() throws {
        for (variant, anomalies) in [("list", ["duplicated"]), ("gossip", [])] {
            var cluster = try ClusterSimulation("g-set", variant, nodes: 2)
            cluster.fate = { message in message.type == "values" ? .arrivesTwice : nil }
            #expect(try self.verdict(&cluster).anomalies == anomalies)
        }
    }

    /// The counterexample of the course's slides: exclusive or is commutative and associative, and not idempotent.
    @Test(arguments: [("xor", 0), ("gossip", 1)])
    func whatComesTwiceIsThereOnce(_ variant: String, count: Int) throws {
        var cluster = try ClusterSimulation("g-set", variant, nodes: 2)
        cluster.fate = { $0.type == "values" ? .arrivesTwice : nil }
        #expect(cluster.ask("n1", ["type": "add", "element": 7])?.type == "add_ok")
        cluster.run(for: .milliseconds(100))
        #expect(cluster.ask("n2", ["type": "read"])?["value"]?.arrayValue?.count == count)
        #expect(cluster.ask("n1", ["type": "read"])?["value"] == [7])
    }
}
