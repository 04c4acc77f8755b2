import ChaosCore
import NodeKit
import Testing

/// S34 in virtual time: what is shown of processes, and what becomes of who shows it.
@Suite("Observer in virtual time")
struct ObserverTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, admin: Bool = false
    ) -> Message? {
        let id = cluster.request("n1", body, from: admin ? Administration.name : "c1")
        cluster.run(for: .milliseconds(300))
        return cluster.replies[id]
    }

    private func text(_ cluster: inout ClusterSimulation) -> String {
        self.ask(&cluster, ["type": "tree_text"])?["text"]?.stringValue ?? ""
    }

    private func end(_ cluster: inout ClusterSimulation, _ process: String) -> Message? {
        self.ask(&cluster, ["type": "end", "process": .string(process)], admin: true)
    }

    @Test func theTreeAsText() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        #expect(
            self.text(&cluster) == """
                root <n1.1.1>
                └─ service <n1.1.2>
                   └─ repository <n1.1.3>
                      └─ connection1 <n1.1.4>
                      └─ connection2 <n1.1.5>
                   └─ telemetry <n1.1.6>
                   └─ endpoint <n1.1.7>
                └─ watching <n1.1.8>
                   └─ observer <n1.1.9>

                """)
    }

    /// Who is killed is started again under another pid, and its siblings keep theirs.
    @Test func aKilledProcessComesBack() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        let before = self.text(&cluster)
        let pid = self.end(&cluster, "connection1")?["pid"]?.stringValue
        let after = self.text(&cluster)
        let gone = Set(before.split(separator: "\n")).subtracting(after.split(separator: "\n"))
        #expect(gone.count == 1 && gone.first?.contains("connection1") == true)
        #expect(after.contains("restarted 1×"))
        // The pid is nobody's any more, and clients kill nobody.
        #expect(self.end(&cluster, pid ?? "")?["code"] == 20)
        #expect(self.ask(&cluster, ["type": "end", "process": "endpoint"])?["code"] == 10)
    }

    /// A process that answers nobody is shown as one that does not, in time.
    @Test(arguments: [("told", true), ("polls", false)])
    func aStuckProcessHoldsNobodyUp(_ variant: String, isAnswered: Bool) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 1)
        cluster.request(
            "n1", ["type": "stick", "process": "connection1"], from: Administration.name)
        cluster.run(for: .milliseconds(10))
        let processes = self.ask(&cluster, ["type": "processes"])?["processes"]?.arrayValue
        #expect((processes != nil) == isAnswered)
        let silent = processes?.filter { $0["answers"] == false }.map { $0["name"] }
        #expect(silent == (isAnswered ? ["connection1"] : nil))
        #expect((cluster.ask("n1", ["type": "observe"]) != nil) == isAnswered)
        #expect(cluster.ask("n1", ["type": "echo", "echo": "x"])?["echo"] == "x")
    }

    /// An observer that starts again knows what happened before.
    @Test func restartsAreCountedAcrossTheObserversOwn() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        _ = self.end(&cluster, "connection1")
        _ = self.end(&cluster, "connection1")
        cluster.request("n1", ["type": "crash", "process": "observer"], from: Administration.name)
        cluster.run(for: .milliseconds(10))
        let text = self.text(&cluster)
        #expect(text.contains("restarted 2×") && text.contains("restarted 1×"))
    }

    @Test(arguments: [("told", true), ("in-the-service", false)])
    func anObserverThatCrashesAgainAndAgain(_ variant: String, serves: Bool) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 1)
        for _ in 0..<4 {
            cluster.request(
                "n1", ["type": "crash", "process": "observer"], from: Administration.name)
            cluster.run(for: .milliseconds(10))
        }
        #expect((cluster.ask("n1", ["type": "echo", "echo": "x"])?["echo"] == "x") == serves)
    }

    @Test(arguments: [("told", "unknown"), ("stale-nodes", "up")])
    func aNodeThatIsNotHeard(_ variant: String, shown: String) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        #expect(cluster.ask("n1", ["type": "observe"])?["nodes"] == ["n1": "up", "n2": "up"])
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(2))
        let nodes = cluster.ask("n1", ["type": "observe"])?["nodes"]
        #expect(nodes == ["n1": "up", "n2": .string(shown)])
    }
}
