import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S20 and S21 in virtual time: tasks that are waited for, killed and lost, and maps over lists.
@Suite("Tasks in virtual time")
struct TaskTests {
    private func outcome(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, for duration: Duration
    ) -> JSONValue? {
        var body = body
        body["type"] = "run"
        let id = cluster.request("n2", body)
        cluster.run(for: duration)
        return cluster.replies[id]?["outcome"]
    }

    /// Jobs of 500 ms, waits of 100 ms.
    @Test func theTestsOfTheCourse() throws {
        var cluster = try ClusterSimulation("tasks", "monitored", nodes: 2)
        cluster.run(for: .seconds(1))
        let long = Duration.milliseconds(600)
        let short = Duration.milliseconds(150)
        #expect(
            self.outcome(&cluster, ["task": "echo", "value": 1, "work_ms": 500], for: long) == "ok")
        #expect(
            self.outcome(
                &cluster, ["task": "echo", "work_ms": 500, "within_ms": 100], for: short)
                == "timeout")
        #expect(
            self.outcome(
                &cluster,
                ["task": "add", "value": 5, "work_ms": 500, "within_ms": 100, "kill": true],
                for: short) == "killed")
        #expect(self.outcome(&cluster, ["task": "crash", "work_ms": 50], for: short) == "crashed")
        // After a kill nothing happens any more.
        cluster.run(for: .seconds(1))
        #expect(cluster.ask("n2", ["type": "read"])?["value"] == 0)
    }

    /// A crash is heard at once, and not when the wait is over.
    @Test(arguments: [("monitored", true), ("no-monitor", false)])
    func aCrashOfTheRunner(_ variant: String, isHeard: Bool) throws {
        var cluster = try ClusterSimulation("tasks", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        let id = cluster.request("n2", ["type": "run", "task": "echo", "work_ms": 500])
        cluster.run(for: .milliseconds(20))
        cluster.request("n1", ["type": "crash", "process": "runner"], from: Administration.name)
        cluster.run(for: .milliseconds(20))
        #expect((cluster.replies[id] != nil) == isHeard)
        cluster.run(for: .seconds(10))
        #expect((cluster.replies[id] != nil) == isHeard)
    }

    /// The result is on its way when the time is over: it wins, or nobody says that nothing happened.
    @Test(arguments: [("monitored", true), ("says-killed", false)])
    func aResultThatComesBeforeTheKill(_ variant: String, isRight: Bool) throws {
        var cluster = try ClusterSimulation("tasks", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        cluster.fate = { $0.type == "result" ? .arrivesAfter(.milliseconds(200)) : nil }
        let id = cluster.request("n2", ["type": "add", "delta": 5])
        cluster.run(for: .seconds(2))
        #expect((cluster.replies[id]?.type == "add_ok") == isRight)
        #expect(cluster.ask("n2", ["type": "read"])?["value"] == 5)
    }

    /// The result of a task that nobody waits for any more is nobody's.
    @Test(arguments: [("monitored", true), ("any-result", false)])
    func aLateResult(_ variant: String, isRight: Bool) throws {
        var cluster = try ClusterSimulation("tasks", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        _ = self.outcome(
            &cluster, ["task": "echo", "value": "late", "work_ms": 500, "within_ms": 100],
            for: .milliseconds(495))
        let id = cluster.request("n2", ["type": "echo", "echo": "mine"])
        cluster.run(for: .milliseconds(100))
        #expect((cluster.replies[id]?["echo"] == "mine") == isRight)
    }

    // MARK: - Parallel map

    private func map(
        _ variant: String, _ prepare: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> JSONValue? {
        var cluster = try ClusterSimulation("parallel-map", variant, nodes: 3)
        prepare(&cluster)
        let id = cluster.request("n1", ["type": "map", "items": ["a", "b", "c", "d", "e"]])
        cluster.run(for: .seconds(5))
        return cluster.replies[id]?["items"]
    }

    private static let items: JSONValue = ["a", "b", "c", "d", "e"]

    @Test(arguments: [("indexed", true), ("arrival-order", false)])
    func resultsGoWhereTheirItemsWere(_ variant: String, isRight: Bool) throws {
        let items = try self.map(variant) { cluster in
            cluster.fate = { message in
                message.type == "mapped" && message.source == "n2"
                    ? .arrivesAfter(.milliseconds(50)) : nil
            }
        }
        #expect((items == Self.items) == isRight)
        #expect(Set(items?.arrayValue ?? []) == Set(Self.items.arrayValue ?? []))
    }

    @Test(arguments: [("indexed", true), ("waits-for-ever", false)])
    func aWorkerThatIsGone(_ variant: String, isAnswered: Bool) throws {
        let items = try self.map(variant) { $0.kill("n3") }
        #expect((items == Self.items) == isAnswered)
    }

    @Test func nothingIsAMapOfNothing() throws {
        var cluster = try ClusterSimulation("parallel-map", "indexed", nodes: 1)
        #expect(cluster.ask("n1", ["type": "map", "items": []])?["items"] == [])
    }

    /// So many at once that workers have no room for them, unless they are handed out a few at a time.
    @Test(arguments: [("indexed", true), ("unbounded", false)])
    func moreWorkThanRoom(_ variant: String, isAnswered: Bool) throws {
        var cluster = try ClusterSimulation("parallel-map", variant, nodes: 3)
        let items = (0..<600).map { JSONValue.string("\($0)") }
        let id = cluster.request("n1", ["type": "map", "items": .array(items)])
        cluster.run(for: .seconds(10))
        #expect((cluster.replies[id]?["items"] == .array(items)) == isAnswered)
    }
}
