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

    @Test func whoIsNotWatchedStays() throws {
        var cluster = try self.cluster("no-monitor")
        self.join(&cluster, "a", on: "n1")
        _ = self.ask(&cluster, "n1", ["type": "remove", "element": "a"])
        #expect(self.members(&cluster) == Array(repeating: ["a"], count: 3))
    }
}
