import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

/// S15, S17 and S18 in virtual time: the scripts of the course with their exact numbers.
@Suite("Replicated links in virtual time")
struct LinkReplicationTests {
    private let url = "https://elixiroutlaws.com"

    // MARK: - Full replication

    @Test(arguments: ["link-replication", "link-views", "link-deltas"])
    func aLinkIsKnownEverywhere(_ system: String) throws {
        let variant = try ReferenceSystem.named(system).variants[0]
        var cluster = try ClusterSimulation(system, variant.name, nodes: 3)
        #expect(cluster.shorten(self.url, on: "n1") == .init(status: 201, body: "m9HS_w"))
        cluster.run(for: .seconds(1))
        for node in cluster.names {
            #expect(cluster.follow("m9HS_w", on: node) == .init(status: 302, body: self.url))
        }
        cluster.run(for: .seconds(1))
        #expect(cluster.views(of: "m9HS_w") == Array(repeating: "Redirects: 3", count: 3))
        #expect(cluster.shorten("https://a/", as: "m9HS_w", on: "n2")?.status == 422)
        #expect(cluster.follow("nothing", on: "n3")?.status == 404)
    }

    @Test(arguments: [("one", Int64(302)), ("no-catch-up", 404)])
    func aNodeThatWasAway(_ variant: String, status: Int64) throws {
        var cluster = try ClusterSimulation("link-replication", variant, nodes: 3)
        cluster.partition(["n1"], ["n2", "n3"])
        // Both sides go on.
        cluster.shorten("https://a/", as: "a", on: "n1")
        cluster.shorten("https://b/", as: "b", on: "n2")
        #expect(cluster.follow("a", on: "n1")?.status == 302)
        cluster.heal()
        cluster.run(for: .seconds(3))
        #expect(cluster.follow("b", on: "n1")?.status == status)
        #expect(cluster.follow("a", on: "n3")?.status == status)
    }

    /// Latency, availability and durability of the policies, with one node away and then with two.
    @Test(arguments: [
        ("one", [Int64(201), 201, 201]), ("quorum", [201, 201, 503]), ("all", [201, 503, 503]),
    ])
    func policies(_ variant: String, statuses: [Int64]) throws {
        var cluster = try ClusterSimulation("link-replication", variant, nodes: 3)
        var found: [Int64?] = []
        for (index, gone) in [[], ["n3"], ["n2", "n3"]].enumerated() {
            for node in gone where !cluster.down.contains(node) { cluster.kill(node) }
            found.append(cluster.shorten("https://\(index)/", as: "k\(index)", on: "n1")?.status)
        }
        #expect(found == statuses)
    }

    /// What a majority acknowledged is there when the one who took it is gone for good.
    @Test func aQuorumOutlivesItsNode() throws {
        var cluster = try ClusterSimulation("link-replication", "quorum", nodes: 3)
        // Only the votes arrive.
        cluster.fate = { $0.type == "values" || $0.type == "digest" ? .isLost : nil }
        cluster.shorten("https://a/", as: "a", on: "n1")
        cluster.kill("n1")
        cluster.restart("n2")
        cluster.restart("n3")
        cluster.fate = nil
        cluster.run(for: .seconds(2))
        #expect(cluster.follow("a", on: "n2")?.status == 302)
    }

    @Test func oneByOneWaitsForTheSilent() throws {
        var cluster = try ClusterSimulation("link-replication", "one-by-one", nodes: 3)
        cluster.partition(["n1"], ["n3"])
        let before = cluster.now
        let answer = cluster.shorten("https://a/", as: "a", on: "n1", within: .seconds(10))
        #expect(answer?.status == 500)
        #expect(cluster.now - before >= .seconds(5))
        // Partly done: the others have it.
        #expect(cluster.follow("a", on: "n2")?.status == 302)
    }

    @Test(arguments: [("one", Int64(302)), ("ack-first", 404)])
    func aKillAfterTheAnswer(_ variant: String, status: Int64) throws {
        var cluster = try ClusterSimulation("link-replication", variant, nodes: 3)
        #expect(cluster.shorten("https://a/", as: "a", on: "n1")?.status == 201)
        cluster.restart("n1")
        cluster.run(for: .seconds(2))
        #expect(cluster.follow("a", on: "n1")?.status == status)
    }

    @Test(arguments: [("one", Int64(302)), ("wrong-table", 404)])
    func anotherNodeIsAsked(_ variant: String, status: Int64) throws {
        var cluster = try ClusterSimulation("link-replication", variant, nodes: 2)
        cluster.shorten("https://a/", as: "a", on: "n1")
        cluster.run(for: .seconds(2))
        #expect(cluster.follow("a", on: "n1")?.status == 302)
        #expect(cluster.follow("a", on: "n2")?.status == status)
    }

    // MARK: - Views

    private func viewed(_ variant: String) throws -> ClusterSimulation {
        var cluster = try ClusterSimulation("link-views", variant, nodes: 3)
        cluster.shorten("https://a/", as: "a", on: "n1")
        cluster.run(for: .seconds(2))
        return cluster
    }

    private func texts(_ counts: Int...) -> [String?] { counts.map { "Redirects: \($0)" } }

    /// n3 +3 | n1 +2, n2 +1 → 3/3/3 → heal 6/6/6.
    @Test(arguments: [
        ("slots", [6, 6, 6]), ("nodeup-only", [6, 6, 6]), ("no-nodeup", [3, 3, 3]),
    ])
    func theNetsplitScript(_ variant: String, healed: [Int]) throws {
        var cluster = try self.viewed(variant)
        cluster.partition(["n1", "n2"], ["n3"])
        cluster.run(for: .seconds(2))
        for node in ["n3", "n3", "n3", "n1", "n1", "n2"] { cluster.follow("a", on: node) }
        cluster.run(for: .seconds(1))
        #expect(cluster.views(of: "a") == self.texts(3, 3, 3))
        cluster.heal()
        cluster.run(for: .seconds(3))
        #expect(cluster.views(of: "a") == healed.map { "Redirects: \($0)" })
    }

    /// 1/1/1 → split → 2/2/1 → 4/4/2 → heal 5/5/5.
    @Test func theHTTPScript() throws {
        var cluster = try self.viewed("slots")
        func follow(_ nodes: String...) {
            for node in nodes { #expect(cluster.follow("a", on: node)?.status == 302) }
            cluster.run(for: .seconds(1))
        }
        follow("n1")
        #expect(cluster.views(of: "a") == self.texts(1, 1, 1))
        cluster.partition(["n1", "n2"], ["n3"])
        follow("n1")
        #expect(cluster.views(of: "a") == self.texts(2, 2, 1))
        follow("n1", "n2", "n3")
        #expect(cluster.views(of: "a") == self.texts(4, 4, 2))
        cluster.heal()
        cluster.run(for: .seconds(3))
        #expect(cluster.views(of: "a") == self.texts(5, 5, 5))
    }

    /// {foo: 1, bar: 2} ∪ {bar: 1, baz: 1} → 4, however often and in whatever order.
    @Test func aSlotKeepsItsLargestCount() throws {
        var cluster = try self.viewed("slots")
        func tell(_ counts: [(String, Int64)]) {
            let parts = counts.map { JSONValue.array(["views", "a", .string($0.0), .int($0.1)]) }
            cluster.request("n1", ["type": "values", "values": .array(parts)], from: "c9")
        }
        for _ in 0..<3 {
            tell([("foo", 1), ("bar", 2)])
            tell([("bar", 1), ("baz", 1)])
        }
        cluster.run(for: .seconds(2))
        #expect(cluster.views(of: "a") == self.texts(4, 4, 4))
    }

    /// 5 views, a restart, 3 more.
    @Test(arguments: [("slots", 8), ("volatile", 5)])
    func anotherLife(_ variant: String, views: Int) throws {
        var cluster = try self.viewed(variant)
        for _ in 0..<5 { cluster.follow("a", on: "n2") }
        cluster.run(for: .seconds(1))
        cluster.restart("n2")
        cluster.run(for: .seconds(2))
        for _ in 0..<3 { cluster.follow("a", on: "n2") }
        cluster.run(for: .seconds(2))
        #expect(cluster.views(of: "a") == self.texts(views, views, views))
    }

    /// A visitor who asks again, after a restart too.
    @Test(arguments: [("slots", 1), ("no-view-id", 3)])
    func aVisitThatComesAgain(_ variant: String, views: Int) throws {
        var cluster = try self.viewed(variant)
        cluster.follow("a", on: "n1", visit: "v1")
        cluster.follow("a", on: "n1", visit: "v1")
        cluster.restart("n1")
        cluster.run(for: .seconds(2))
        #expect(cluster.follow("a", on: "n1", visit: "v1")?.status == 302)
        cluster.run(for: .seconds(2))
        #expect(cluster.views(of: "a")[0] == "Redirects: \(views)")
    }

    @Test(arguments: [("slots", 0), ("counts-first", 1)])
    func whatLeadsNowhereIsNotCounted(_ variant: String, views: Int) throws {
        var cluster = try ClusterSimulation("link-views", variant, nodes: 1)
        #expect(cluster.follow("a", on: "n1")?.status == 404)
        #expect(cluster.views(of: "a") == self.texts(views))
    }

    @Test(arguments: [("slots", 4), ("same-id", 2)])
    func twoNodesOfOneName(_ variant: String, views: Int) throws {
        var cluster = try self.viewed(variant)
        for node in ["n1", "n1", "n2", "n2"] { cluster.follow("a", on: node) }
        cluster.run(for: .seconds(2))
        #expect(cluster.views(of: "a")[2] == "Redirects: \(views)")
    }

    /// Doubled and lost messages: a slot does not mind, an operation does.
    @Test(arguments: [("slots", 6, 6), ("operations", 9, 3)])
    func operationsNeedToArriveOnce(_ variant: String, doubled: Int, lost: Int) throws {
        for (fate, views) in [(ClusterSimulation.Fate.arrivesTwice, doubled), (.isLost, lost)] {
            var cluster = try self.viewed(variant)
            cluster.fate = {
                $0.source == "n1" && ["view", "values"].contains($0.type) ? fate : nil
            }
            for node in ["n1", "n1", "n1", "n2", "n2", "n2"] { cluster.follow("a", on: node) }
            cluster.fate = nil
            cluster.run(for: .seconds(3))
            #expect(cluster.views(of: "a")[2] == "Redirects: \(views)")
        }
    }
}
