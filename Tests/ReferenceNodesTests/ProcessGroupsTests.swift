import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S14 in virtual time.
@Suite("Process groups in virtual time")
struct ProcessGroupsTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ node: String, _ body: JSONObject
    ) -> Message? {
        let reply = cluster.ask(node, body)
        cluster.run(for: .milliseconds(20))
        return reply
    }

    private func join(_ cluster: inout ClusterSimulation, _ name: JSONValue, on node: String) {
        #expect(self.ask(&cluster, node, ["type": "add", "element": name])?.type == "add_ok")
    }

    private func members(_ cluster: inout ClusterSimulation) -> [[String]?] {
        cluster.names.map { node in
            let names = self.ask(&cluster, node, ["type": "read"])?["value"]?.arrayValue
            return names?.compactMap(\.stringValue).sorted()
        }
    }

    private func cluster(_ variant: String = "monitored") throws -> ClusterSimulation {
        var cluster = try ClusterSimulation("process-groups", variant, nodes: 3, hasDisks: false)
        // All have met.
        cluster.run(for: .seconds(1))
        return cluster
    }

    @Test func allNodesListTheSameMembers() throws {
        var cluster = try self.cluster()
        self.join(&cluster, "a", on: "n1")
        self.join(&cluster, "b", on: "n2")
        #expect(self.members(&cluster) == Array(repeating: ["a", "b"], count: 3))
        let answer = self.ask(&cluster, "n1", ["type": "remove", "element": "a"])
        #expect(answer?.type == "remove_ok")
        #expect(self.members(&cluster) == Array(repeating: ["b"], count: 3))
        #expect(
            self.ask(&cluster, "n3", ["type": "remove", "element": "b"])?["code"] == 20)
    }

    @Test func whatIsPublishedReachesEachMemberOnce() throws {
        var cluster = try self.cluster()
        for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n2")] {
            self.join(&cluster, .string(name), on: node)
        }
        let answer = self.ask(&cluster, "n3", ["type": "publish", "message": 7])
        #expect(answer?["count"] == 3)
        for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n2")] {
            let inbox = self.ask(&cluster, node, ["type": "inbox", "element": .string(name)])
            #expect(inbox?["value"] == [7])
        }
    }

    /// Behind a cut each side lists its own; after the heal all list the union.
    @Test(arguments: [("monitored", true), ("push-only", false)])
    func afterAHealAllSeeTheUnion(_ variant: String, isHealed: Bool) throws {
        var cluster = try self.cluster(variant)
        cluster.partition(["n1"], ["n2", "n3"])
        cluster.run(for: .seconds(2))
        self.join(&cluster, "a", on: "n1")
        self.join(&cluster, "b", on: "n2")
        #expect(self.members(&cluster) == [["a"], ["b"], ["b"]])
        cluster.heal()
        cluster.run(for: .seconds(2))
        let union = Array(repeating: Optional(["a", "b"]), count: 3)
        #expect((self.members(&cluster) == union) == isHealed)
    }

    /// A node that dies takes its members with it, also for those who hear of it after its next start.
    @Test func aNodeTakesItsMembersWithIt() throws {
        var cluster = try self.cluster()
        self.join(&cluster, "a", on: "n1")
        self.join(&cluster, "b", on: "n2")
        cluster.kill("n1")
        cluster.run(for: .seconds(2))
        #expect(self.ask(&cluster, "n2", ["type": "read"])?["value"] == ["b"])
        cluster.restart("n1")
        cluster.run(for: .seconds(2))
        #expect(self.members(&cluster) == Array(repeating: ["b"], count: 3))
    }

    /// The registry starts again and finds the members that live.
    @Test func aRegistryThatStartsAgain() throws {
        var cluster = try self.cluster()
        self.join(&cluster, "a", on: "n1")
        cluster.request(
            "n1", ["type": "crash", "process": "groups"], from: Administration.name)
        cluster.run(for: .seconds(2))
        #expect(self.members(&cluster) == Array(repeating: ["a"], count: 3))
        // It monitors them, too.
        #expect(
            self.ask(&cluster, "n1", ["type": "remove", "element": "a"])?.type == "remove_ok")
        #expect(self.members(&cluster) == Array(repeating: [], count: 3))
    }

    /// What a node's own member of the lobby got, and what others say that they published there for it.
    private func greetings(
        _ cluster: inout ClusterSimulation, of node: String
    ) -> (got: Set<JSONValue>, promised: Set<JSONValue>) {
        let member: JSONValue = ["lobby", .string(node)]
        let inbox = self.ask(&cluster, node, ["type": "inbox", "element": member])
        var promised: Set<JSONValue> = []
        for other in cluster.names where other != node {
            let greetings = self.ask(&cluster, other, ["type": "greetings"])?["value"]?.arrayValue
            for greeting in greetings ?? [] where greeting["to"]?.stringValue == node {
                if let message = greeting["message"] { promised.insert(message) }
            }
        }
        return (Set(inbox?["value"]?.arrayValue ?? []), promised)
    }

    /// Of two nodes that meet, the one that hears the other one first knows nobody there yet.
    @Test(arguments: [("monitored", true), ("publishes-at-nodeup", false)])
    func aGreetingReachesWhoHasComeUp(_ variant: String, isRight: Bool) throws {
        var cluster = try self.cluster(variant)
        cluster.run(for: .seconds(1))
        var areAllThere = true
        for node in cluster.names {
            let (got, promised) = self.greetings(&cluster, of: node)
            #expect(promised.count == 2)
            areAllThere = areAllThere && promised.isSubset(of: got)
        }
        #expect(areAllThere == isRight)
    }

    /// A node that begins another life has another member of the lobby, and is greeted anew; nobody gets anything twice.
    @Test func aNewLifeIsGreetedAnew() throws {
        var cluster = try self.cluster()
        cluster.kill("n3")
        cluster.run(for: .seconds(2))
        cluster.restart("n3")
        cluster.run(for: .seconds(2))
        let (got, promised) = self.greetings(&cluster, of: "n3")
        #expect(promised.count == 4)
        #expect(got.intersection(promised).count == 2)
        // Clients see nothing of the lobby.
        #expect(self.members(&cluster) == Array(repeating: [], count: 3))
    }

    /// A message that the network brings twice is one publication.
    @Test func whatTheNetworkDoublesComesOnce() throws {
        var cluster = try self.cluster()
        let message = Message(
            from: "n1", to: "n2",
            body: [
                "type": "message", "id": "<n1.1.2>/100", "value": 8,
                "mail": ["op": "cast", "to": "lobby"],
            ])
        cluster.deliverAgain(message)
        cluster.deliverAgain(message)
        cluster.run(for: .milliseconds(20))
        let inbox = self.ask(
            &cluster, "n2", ["type": "inbox", "element": ["lobby", "n2"]])?["value"]?.arrayValue
        #expect(inbox?.count { $0 == 8 } == 1)
    }

    @Test func whoIsNotWatchedStays() throws {
        var cluster = try self.cluster("no-monitor")
        self.join(&cluster, "a", on: "n1")
        _ = self.ask(&cluster, "n1", ["type": "remove", "element": "a"])
        #expect(self.members(&cluster) == Array(repeating: ["a"], count: 3))
    }
}
