import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Raft in virtual time")
struct RaftTests {
    static let variants = [
        "raft", "stale-leader", "ack-first", "forgetful", "doubling",
    ]

    private func finding(
        _ variant: String, nodes: Int = 5, seed: UInt64 = 1, seconds: Int = 12,
        disturbed: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("lin-kv", variant, nodes: nodes, seed: seed)
        disturbed(&cluster)
        cluster.load(
            RegisterWorkload(keyCount: 4), clients: 8, pause: .milliseconds(60),
            for: .seconds(seconds))
        let finding = try cluster.finding("linearizable", ["model": "cas-register"])
        // Two nodes serve only while both live.
        let oks = cluster.history.operations.count { $0.kind == .ok }
        #expect(oks > (nodes == 2 ? 0 : 40), "only \(oks) operations took effect")
        return finding
    }

    @Test(arguments: variants)
    func withoutFaultsAllAreRight(variant: String) throws {
        let finding = try self.finding(variant)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: [1, 2, 3, 5], 1...UInt64(10))
    func raftIsLinearizableThroughEverything(nodes: Int, seed: UInt64) throws {
        let finding = try self.finding("raft", nodes: nodes, seed: seed) { cluster in
            cluster.loss = Ratio(percent: 5)
            cluster.duplication = Ratio(percent: 10)
            cluster.latency = .zero...Duration.milliseconds(20)
            cluster.faultsReachEverybody = true
            cluster.crashChance = Ratio(billionths: 500_000)
            cluster.disturb(Disturber(interval: .seconds(1)), for: .seconds(11))
        }
        #expect(finding.verdict == .valid, "\(finding.summary)\n\(finding.evidence)")
    }

    @Test func aMajorityServesWhileTheRestIsCutOff() throws {
        var cluster = try ClusterSimulation("lin-kv", "raft")
        cluster.run(for: .seconds(3))
        cluster.partition(["n1", "n2"], ["n3", "n4", "n5"])
        cluster.run(for: .seconds(4))
        let written = cluster.ask("n4", ["type": "write", "key": "x", "value": 1])
        #expect(written?.type == "write_ok")
        // The minority says that it cannot, or nothing.
        let refused = cluster.ask("n1", ["type": "write", "key": "x", "value": 2])
        #expect(refused == nil || refused?["code"] == 11)
        cluster.heal()
        cluster.run(for: .seconds(4))
        for name in cluster.names {
            #expect(cluster.ask(name, ["type": "read", "key": "x"])?["value"] == 1)
        }
    }

    @Test func allAnswersAreThere() throws {
        var cluster = try ClusterSimulation("lin-kv", "raft", nodes: 3)
        cluster.run(for: .seconds(3))
        for name in cluster.names {
            let key = JSONValue.string("key of \(name)")
            #expect(cluster.ask(name, ["type": "read", "key": key])?["code"] == 20)
            let absent = cluster.ask(name, ["type": "cas", "key": key, "from": 1, "to": 2])
            #expect(absent?["code"] == 20)
            let written = cluster.ask(name, ["type": "write", "key": key, "value": [1, nil]])
            #expect(written?.type == "write_ok")
            let other = cluster.ask(name, ["type": "cas", "key": key, "from": 1, "to": 2])
            #expect(other?["code"] == 22)
            let changed = cluster.ask(
                name, ["type": "cas", "key": key, "from": [1, nil], "to": 2])
            #expect(changed?.type == "cas_ok")
            #expect(cluster.ask(name, ["type": "read", "key": key])?["value"] == 2)
            #expect(cluster.ask(name, ["type": "write", "key": key])?["code"] == 12)
            #expect(cluster.ask(name, ["type": "txn"])?["code"] == 10)
        }
    }

    /// More than a snapshot's worth of writes, of which one node misses all.
    @Test func aNodeThatWasAwayIsBroughtUpByASnapshot() throws {
        var cluster = try ClusterSimulation("lin-kv", "raft", nodes: 3)
        cluster.run(for: .seconds(3))
        cluster.kill("n3")
        for value in 0..<Int64(600) {
            _ = cluster.ask("n1", ["type": "write", "key": "x", "value": .int(value)])
        }
        cluster.restart("n3")
        cluster.run(for: .seconds(3))
        #expect(cluster.traffic.contains { $0.type == "snapshot" && $0.destination == "n3" })
        #expect(cluster.ask("n3", ["type": "read", "key": "x"])?["value"] == 599)
        // A log is a snapshot and what came after it.
        for name in cluster.names {
            let log = LogCodec.records(in: cluster.disks[name]?.bytes ?? [])
            #expect(log.records.count < 300)
            #expect(log.records.count { $0["snapshot"] != nil } == 1)
        }
        // And it is all there is: the whole cluster dies and comes back.
        for name in cluster.names { cluster.kill(name) }
        for name in cluster.names { cluster.restart(name) }
        cluster.run(for: .seconds(3))
        #expect(cluster.ask("n2", ["type": "read", "key": "x"])?["value"] == 599)
    }

    /// The leader is cut off, the others choose another one and write, and then the first is asked.
    private func staleRead(_ variant: String, seed: UInt64) throws -> JSONValue? {
        var cluster = try ClusterSimulation("lin-kv", variant, nodes: 3, seed: seed)
        cluster.run(for: .seconds(3))
        #expect(cluster.ask("n1", ["type": "write", "key": "x", "value": 1])?.type == "write_ok")
        let leader = try #require(
            cluster.traffic.last { $0.type == "append" }?.source)
        let others = cluster.names.filter { $0 != leader }
        cluster.partition([leader], others)
        cluster.run(for: .seconds(4))
        let written = cluster.ask(others[0], ["type": "write", "key": "x", "value": 2])
        #expect(written?.type == "write_ok")
        return cluster.ask(leader, ["type": "read", "key": "x"])?["value"]
    }

    @Test(arguments: 1...UInt64(5))
    func aLeaderThatTrustsItsOfficeAnswersFromThePast(seed: UInt64) throws {
        #expect(try self.staleRead("stale-leader", seed: seed) == 1)
        #expect(try self.staleRead("local-reads", seed: seed) == 1)
        #expect(try self.staleRead("raft", seed: seed) == nil)
    }

    @Test func readingLocallyIsSeenWithoutAnyFault() throws {
        let finding = try self.finding("local-reads") { cluster in
            cluster.latency = .zero...Duration.milliseconds(50)
        }
        #expect(finding.verdict == .invalid)
    }

    /// A leader that is cut off acknowledges a write, which its successor undoes.
    @Test(arguments: 1...UInt64(5))
    func acknowledgingFirstLosesWrites(seed: UInt64) throws {
        for variant in ["ack-first", "raft"] {
            var cluster = try ClusterSimulation("lin-kv", variant, nodes: 3, seed: seed)
            cluster.run(for: .seconds(3))
            _ = cluster.ask("n1", ["type": "write", "key": "x", "value": 1])
            let leader = try #require(
                cluster.traffic.last { $0.type == "append" }?.source)
            let others = cluster.names.filter { $0 != leader }
            cluster.partition([leader], others)
            let written = cluster.ask(leader, ["type": "write", "key": "x", "value": 2])
            #expect((written?.type == "write_ok") == (variant == "ack-first"))
            cluster.run(for: .seconds(4))
            _ = cluster.ask(others[0], ["type": "write", "key": "y", "value": 3])
            cluster.heal()
            cluster.run(for: .seconds(3))
            #expect(cluster.ask(others[1], ["type": "read", "key": "x"])?["value"] == 1)
        }
    }

    /// A majority that forgets elects a leader without the log.
    @Test func forgettingLosesAcknowledgedWrites() throws {
        for (variant, value) in [("forgetful", JSONValue?.none), ("raft", 1)] {
            var cluster = try ClusterSimulation("lin-kv", variant, nodes: 3)
            cluster.run(for: .seconds(3))
            let written = cluster.ask("n1", ["type": "write", "key": "x", "value": 1])
            #expect(written?.type == "write_ok")
            for name in cluster.names { cluster.restart(name) }
            cluster.run(for: .seconds(3))
            #expect(cluster.ask("n1", ["type": "read", "key": "x"])?["value"] == value)
        }
    }

    /// A compare-and-set that comes again after others undo them.
    @Test func doingARequestTwiceBringsBackOldValues() throws {
        for (variant, value) in [("doubling", 1), ("raft", 2)] as [(String, JSONValue)] {
            var cluster = try ClusterSimulation("lin-kv", variant, nodes: 3)
            cluster.run(for: .seconds(3))
            let body: JSONObject = [
                "type": "write", "key": "x", "value": 1, "msg_id": 99,
            ]
            let write = Message(from: "c7", to: "n1", body: body)
            cluster.deliverAgain(write)
            cluster.run(for: .seconds(1))
            _ = cluster.ask("n2", ["type": "write", "key": "x", "value": 2])
            cluster.deliverAgain(write)
            cluster.run(for: .seconds(1))
            #expect(cluster.ask("n3", ["type": "read", "key": "x"])?["value"] == value)
        }
    }

    @Test func theSameSeedGivesTheSameRun() throws {
        func traffic(seed: UInt64) throws -> [Message] {
            var cluster = try ClusterSimulation("lin-kv", "raft", nodes: 3, seed: seed)
            cluster.loss = Ratio(percent: 10)
            cluster.load(
                RegisterWorkload(keyCount: 2), clients: 3, pause: .milliseconds(50),
                for: .seconds(3))
            return cluster.traffic
        }
        #expect(try traffic(seed: 5) == traffic(seed: 5))
        #expect(try traffic(seed: 5) != traffic(seed: 6))
    }
}
