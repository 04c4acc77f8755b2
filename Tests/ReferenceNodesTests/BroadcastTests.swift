import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

@Suite("Broadcast nodes in virtual time")
struct BroadcastTests {
    static let variants = ["naive", "retry", "gossip"]

    @Test(arguments: variants)
    func everyVariantPassesOnAFaultlessNetwork(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        for value in 0..<Int64(20) { cluster.broadcast(value, on: "n\(value % 5 + 1)") }
        cluster.run(for: .seconds(2))
        #expect(cluster.readAll() == Array(repeating: Array(0..<20), count: 5))
        #expect(cluster.reports.isEmpty)
    }

    @Test(arguments: variants)
    func everyVariantFollowsTheTopology(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        let line: JSONValue = [
            "n1": ["n2"], "n2": ["n1", "n3"], "n3": ["n2", "n4"], "n4": ["n3", "n5"], "n5": ["n4"],
        ]
        for node in cluster.names {
            let id = cluster.request(node, ["type": "topology", "topology": line])
            cluster.run(for: .milliseconds(1))
            #expect(cluster.replies[id]?.type == "topology_ok")
        }
        cluster.broadcast(7, on: "n1")
        cluster.run(for: .seconds(5))
        #expect(cluster.readAll() == Array(repeating: [7], count: 5))
        let strays = cluster.traffic.filter { message in
            line[message.source]?.arrayValue?.contains(.string(message.destination)) != true
        }
        #expect(strays.isEmpty)
    }

    /// The kill shot of S03c: one broadcast on each side of a cut, then heal.
    private func afterAPartition(_ variant: String, seed: UInt64) throws -> [[Int64]] {
        var cluster = try ClusterSimulation("broadcast", variant, seed: seed)
        cluster.partition(["n1", "n2"], ["n3", "n4", "n5"])
        cluster.broadcast(1, on: "n1")
        cluster.broadcast(2, on: "n4")
        cluster.run(for: .seconds(10))
        #expect(cluster.readAll() == [[1], [1], [2], [2], [2]])
        cluster.heal()
        cluster.run(for: .seconds(5))
        return cluster.readAll()
    }

    @Test(arguments: 1...UInt64(10))
    func naiveLosesWhatAPartitionHeldUp(seed: UInt64) throws {
        #expect(try self.afterAPartition("naive", seed: seed) == [[1], [1], [2], [2], [2]])
    }

    @Test(arguments: ["retry", "gossip"], 1...UInt64(10))
    func theOthersKeepWhatAPartitionHeldUp(variant: String, seed: UInt64) throws {
        let all = Array(repeating: [Int64(1), 2], count: 5)
        #expect(try self.afterAPartition(variant, seed: seed) == all)
    }

    @Test(arguments: ["retry", "gossip"], 1...UInt64(10))
    func theOthersSurviveLossAndDuplication(variant: String, seed: UInt64) throws {
        var cluster = try ClusterSimulation("broadcast", variant, seed: seed)
        cluster.loss = Ratio(percent: 40)
        cluster.duplication = Ratio(percent: 20)
        for value in 0..<Int64(30) { cluster.broadcast(value, on: "n\(value % 5 + 1)") }
        cluster.run(for: .seconds(20))
        #expect(cluster.readAll() == Array(repeating: Array(0..<30), count: 5))
    }

    @Test func naiveLosesUnderLoss() throws {
        var cluster = try ClusterSimulation("broadcast", "naive")
        cluster.loss = Ratio(percent: 90)
        for value in 0..<Int64(30) { cluster.broadcast(value, on: "n1") }
        cluster.run(for: .seconds(20))
        #expect(cluster.readAll() != Array(repeating: Array(0..<30), count: 5))
    }

    @Test(arguments: [("naive", false), ("retry", false), ("gossip", true)])
    func onlyGossipRemindsANodeThatForgot(variant: String, isHealed: Bool) throws {
        var cluster = try ClusterSimulation("broadcast", variant, hasDisks: false)
        for value in 0..<Int64(5) { cluster.broadcast(value, on: "n1") }
        cluster.run(for: .seconds(2))
        cluster.restart("n3")
        cluster.broadcast(5, on: "n1")
        cluster.run(for: .seconds(5))
        #expect(cluster.read("n3") == (isHealed ? [0, 1, 2, 3, 4, 5] : [5]))
        #expect(cluster.read("n2") == [0, 1, 2, 3, 4, 5])
    }

    @Test(arguments: variants)
    func trafficEndsWithTheLoad(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        for value in 0..<Int64(20) { cluster.broadcast(value, on: "n1") }
        cluster.run(for: .seconds(2))
        let before = cluster.traffic.count
        cluster.run(for: .seconds(2))
        let rest = cluster.traffic[before...]
        // Gossip goes on comparing, 5 nodes about 10 times each, and finds nothing to say.
        #expect(rest.allSatisfy { variant == "gossip" && $0.type == "digest" })
        #expect(rest.count < 100)
    }

    @Test func naiveTellsEachNeighbourOnceAndNotTheSource() throws {
        var cluster = try ClusterSimulation("broadcast", "naive", nodes: 3)
        cluster.broadcast(1, on: "n1")
        cluster.run(for: .seconds(1))
        // n1 tells two, and each of these tells the other one.
        #expect(cluster.traffic.count == 4)
        #expect(cluster.traffic.allSatisfy { $0.destination != "n1" })
    }

    @Test(arguments: variants)
    func aDoubledRequestGivesOneValue(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        for _ in 0..<3 { cluster.broadcast(1, on: "n1") }
        cluster.run(for: .seconds(1))
        #expect(cluster.readAll() == Array(repeating: [1], count: 5))
        #expect(cluster.replies.values.filter { $0.type == "broadcast_ok" }.count == 3)
    }

    @Test(arguments: variants)
    func readsAskNobodyElse(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        let before = cluster.traffic.count
        for _ in 0..<10 { cluster.request("n1", ["type": "read"]) }
        cluster.run(for: .milliseconds(50))
        #expect(cluster.traffic.count == before)
    }

    @Test(arguments: variants)
    func unknownRequestsGetError10(variant: String) throws {
        var cluster = try ClusterSimulation("broadcast", variant)
        let id = cluster.request("n1", ["type": "txn"])
        cluster.run(for: .milliseconds(1))
        #expect(cluster.replies[id]?["code"] == 10)
        #expect(cluster.replies[id]?["text"] == "unknown type of request 'txn'")
    }

    @Test func theSameSeedGivesTheSameRun() throws {
        func traffic(seed: UInt64) throws -> [Message] {
            var cluster = try ClusterSimulation("broadcast", "gossip", seed: seed)
            cluster.loss = Ratio(percent: 30)
            for value in 0..<Int64(10) { cluster.broadcast(value, on: "n1") }
            cluster.run(for: .seconds(3))
            return cluster.traffic
        }
        #expect(try traffic(seed: 5) == traffic(seed: 5))
        #expect(try traffic(seed: 5) != traffic(seed: 6))
    }
}
