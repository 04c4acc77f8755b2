import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

@Suite("Careless broadcast nodes in virtual time")
struct CarelessBroadcastTests {
    @Test(arguments: ["give-up", "storm", "echo-back", "list", "ack-first"])
    func withoutFaultsAllAreRight(variant: String) throws {
        // Among several nodes a value comes by many ways, which a list shows.
        let nodes = variant == "list" ? 1 : 5
        var cluster = try ClusterSimulation("broadcast", variant, nodes: nodes)
        cluster.load(
            SetWorkload(.broadcast), clients: 5, pause: .milliseconds(50), for: .seconds(2))
        cluster.run(for: .seconds(2))
        cluster.finish()
        let finding = try cluster.finding("set-full")
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test func aStormCostsAHundredTimesAsMuch() throws {
        func messages(_ variant: String) throws -> Int {
            var cluster = try ClusterSimulation("broadcast", variant)
            cluster.broadcast(1, on: "n1")
            cluster.run(for: .seconds(1))
            return cluster.traffic.count
        }
        // 4 + 4·3 without the way back; 4 + 4² + … + 4⁵ with everything passed on.
        #expect(try messages("naive") == 16)
        #expect(try messages("echo-back") == 20)
        #expect(try messages("storm") == 1364)
    }

    @Test func aListShowsADoubledMessageTwice() throws {
        for (variant, anomalies) in [("list", ["duplicated"]), ("naive", [])] {
            var cluster = try ClusterSimulation("broadcast", variant, nodes: 1)
            cluster.fate = { message in message.type == "broadcast" ? .arrivesTwice : nil }
            cluster.load(
                SetWorkload(.broadcast), clients: 1, pause: .milliseconds(50), for: .seconds(1))
            cluster.finish()
            #expect(try cluster.finding("set-full").anomalies == anomalies)
        }
    }

    @Test func whatIsAcknowledgedFirstDiesWithTheNode() throws {
        for (variant, values) in [("ack-first", []), ("gossip", [Int64(7)])] {
            var cluster = try ClusterSimulation("broadcast", variant, nodes: 1)
            let id = cluster.request("n1", ["type": "broadcast", "message": 7])
            cluster.run(for: .milliseconds(100))
            #expect(cluster.replies[id]?.type == "broadcast_ok")
            cluster.restart("n1")
            cluster.run(for: .seconds(1))
            #expect(cluster.read("n1") == values)
        }
    }

    @Test(arguments: [1, 10])
    func givingUpLosesInACutThatIsLongerThanItsPatience(seconds: Int) throws {
        var cluster = try ClusterSimulation("broadcast", "give-up")
        cluster.partition(["n1", "n2"], ["n3", "n4", "n5"])
        cluster.broadcast(1, on: "n1")
        cluster.run(for: .seconds(seconds))
        cluster.heal()
        cluster.run(for: .seconds(5))
        let there: [Int64] = seconds == 1 ? [1] : []
        #expect(cluster.readAll() == [[1], [1], there, there, there])
    }

    @Test func gossipSurvivesAllAtOnceBeingKilled() throws {
        var cluster = try ClusterSimulation("broadcast", "gossip")
        cluster.partition(["n1"], ["n2", "n3", "n4", "n5"])
        cluster.broadcast(1, on: "n1")
        for name in cluster.names { cluster.restart(name) }
        cluster.heal()
        cluster.run(for: .seconds(5))
        #expect(cluster.readAll() == Array(repeating: [1], count: 5))
    }
}
