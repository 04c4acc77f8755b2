import ChaosCheckers
import ChaosCore
import NodeKit
import ReferenceNodes
import Synchronization
import Testing

/// S41 in virtual time: `n1` has the buckets a to m, `n2` those from n to z, and `n2` begins with an old table.
@Suite("Routing table in virtual time")
struct RoutingTests {
    private func cluster(_ variant: String, seed: UInt64 = 1) throws -> ClusterSimulation {
        try ClusterSimulation("routing", variant, nodes: 3, seed: seed)
    }

    private func add(_ bucket: String) -> JSONObject {
        ["type": "add", "bucket": .string(bucket), "delta": 1]
    }

    /// "hello" belongs to the first node, "world" to the second one, and a byte 0 to nobody.
    @Test func theFirstLetterDecides() throws {
        var cluster = try self.cluster("versioned")
        for (bucket, node) in [("hello", "n1"), ("world", "n2"), ("a", "n1"), ("z", "n2")] {
            let reply = cluster.ask("n3", ["type": "route", "bucket": .string(bucket)])
            #expect(reply?["node"] == .string(node))
        }
        for bucket in ["\0", "Hello", ""] {
            #expect(cluster.ask("n3", self.add(bucket))?["code"] == 20)
        }
    }

    @Test func aBucketIsTheSameFromEveryNode() throws {
        var cluster = try self.cluster("versioned")
        for bucket in ["hello", "world"] {
            for node in cluster.names {
                #expect(cluster.ask(node, self.add(bucket))?.type == "add_ok")
            }
            for node in cluster.names {
                let read: JSONObject = ["type": "read", "bucket": .string(bucket)]
                #expect(cluster.ask(node, read)?["value"] == 3)
            }
        }
    }

    /// The owner does not know that it is the owner. One message with a newer table tells it.
    @Test func aNewerTableReplacesAnOlderOne() throws {
        var cluster = try self.cluster("versioned")
        #expect(cluster.ask("n2", ["type": "route", "bucket": "world"])?["node"] == "n1")
        #expect(cluster.ask("n2", self.add("world"))?.type == "add_ok")
        #expect(cluster.ask("n2", ["type": "route", "bucket": "world"])?["node"] == "n2")
        #expect(cluster.traffic.count { $0.type == "task" } == 1)
        #expect(cluster.traffic.count { $0.type == "redirect" } == 1)
    }

    @Test func tablesThatDisagreeSendATaskRoundAndRound() throws {
        for (variant, isEndless) in [("tables-disagree", true), ("versioned", false)] {
            var cluster = try self.cluster(variant)
            let id = cluster.request("n1", self.add("world"))
            cluster.run(for: .milliseconds(500))
            #expect((cluster.replies[id] == nil) == isEndless)
            #expect((cluster.traffic.count { $0.type == "task" } > 100) == isEndless)
            // The other range is not affected.
            #expect(cluster.ask("n3", self.add("hello"))?.type == "add_ok")
        }
    }

    @Test(arguments: [("resends", Int64(2)), ("versioned", 1)])
    func aLostAnswer(_ variant: String, count: Int64) throws {
        var cluster = try self.cluster(variant)
        _ = cluster.ask("n2", self.add("nothing"))
        let losses = Mutex(1)
        cluster.fate = { message in
            guard message.type == "done" else { return nil }
            return losses.withLock { left in
                defer { left -= 1 }
                return left > 0 ? .isLost : nil
            }
        }
        #expect(cluster.ask("n1", self.add("world"))?.type == "add_ok")
        let read: JSONObject = ["type": "read", "bucket": "world"]
        #expect(cluster.ask("n3", read)?["value"] == .int(count))
    }

    /// An owner that is away costs its own range an error in time; whoever waits for it one by one stands still.
    @Test func anOwnerThatIsAwayConcernsItsRangeAlone() throws {
        for (variant, isBlocked) in [("awaits", true), ("versioned", false)] {
            var cluster = try self.cluster(variant)
            cluster.partition(["n2"], ["n1", "n3"])
            let away = cluster.request("n3", self.add("world"))
            let near = cluster.request("n3", self.add("hello"))
            cluster.run(for: .seconds(2))
            #expect((cluster.replies[near]?.type == "add_ok") == !isBlocked)
            #expect((cluster.replies[away]?["code"] == 0) == !isBlocked)
            cluster.run(for: .seconds(4))
            #expect(cluster.replies[away]?["code"] == 0)
            #expect(cluster.replies[near]?.type == "add_ok")
        }
    }

    @Test(arguments: 1...UInt64(20))
    func countsOnceThroughEverything(seed: UInt64) throws {
        var cluster = try self.cluster("versioned", seed: seed)
        cluster.loss = Ratio(percent: 20)
        cluster.duplication = Ratio(percent: 20)
        cluster.latency = .zero...Duration.milliseconds(50)
        cluster.disturb(Disturber(), for: .seconds(7))
        cluster.load(
            CounterWorkload(isGrowOnly: false), clients: 6, pause: .milliseconds(80),
            for: .seconds(8))
        cluster.run(for: .seconds(5))
        cluster.finish()
        let finding = try cluster.finding("pn-counter")
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }
}
