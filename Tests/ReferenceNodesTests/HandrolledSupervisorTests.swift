import ChaosCheckers
import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// S32 in virtual time: the test of the course, and what it does not see.
@Suite("Handrolled supervisor in virtual time")
struct HandrolledSupervisorTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, admin: Bool = false
    ) -> Message? {
        let id = cluster.request("n1", body, from: admin ? Administration.name : "c1")
        cluster.run(for: .milliseconds(10))
        return cluster.replies[id]
    }

    private func anomalies(_ cluster: inout ClusterSimulation) throws -> [String] {
        let trace = try #require(self.ask(&cluster, ["type": "trace"]))
        var history = History()
        history.append(
            Operation(
                index: 0, process: 0, kind: .ok, function: "trace", value: .object(trace.body),
                time: .start, node: "n1"))
        return try makeChecker(name: "supervision").check(history).anomalies
    }

    /// Three counters, the medium one goes to 11, crashes, and is 10 again. Every variant passes.
    @Test(arguments: [
        "counts", "no-intensity", "restarts-normal", "leaves-orphans", "dies-of-start",
    ])
    func theTestOfTheCourse(variant: String) throws {
        var cluster = try ClusterSimulation("handrolled-supervisor", variant, nodes: 1)
        _ = self.ask(&cluster, ["type": "update", "counter": "large"])
        let updated = self.ask(&cluster, ["type": "update", "counter": "medium"])
        #expect(updated?["value"] == 11)
        _ = self.ask(&cluster, ["type": "crash", "process": "medium"], admin: true)
        #expect(self.ask(&cluster, ["type": "value", "counter": "medium"])?["value"] == 10)
        // Its siblings go on as they were.
        #expect(self.ask(&cluster, ["type": "value", "counter": "large"])?["value"] == 51)
        #expect(try self.anomalies(&cluster) == [])
    }

    /// Ends when it is killed, and not before.
    private struct Stubborn: Behaviour {
        func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
            if case .started = mail { context.trapExits() }
        }
    }

    /// Who does not end when it is asked is killed after five seconds, so that its supervisor can end.
    @Test func aDisobedientChildIsKilled() {
        var table = ProcessTable()
        table.start(Membership(id: "n1", members: ["n1"], seed: 1))
        let children = ["a", "b"].map { name in
            HandrolledSupervisor.Child(name: name) { Stubborn() }
        }
        table.spawn(HandrolledSupervisor([], children), name: "counters")
        func living(at now: Duration) -> [Bool] {
            _ = table.run(at: now)
            return ["a", "b", "counters"].map { table.process(named: $0) != nil }
        }
        #expect(living(at: .zero) == [true, true, true])
        let isThere = table.ask(named: "counters", toEndWith: .shutdown)
        #expect(isThere)
        // The last one first, each in its time.
        #expect(living(at: .zero) == [true, true, true])
        #expect(living(at: .milliseconds(4999)) == [true, true, true])
        #expect(living(at: .seconds(5)) == [true, false, true])
        #expect(living(at: .seconds(11)) == [false, false, false])
    }

    private static let scripts: [String: [JSONObject]] = [
        "no-intensity": (0..<4).map { _ in ["type": "crash", "process": "small"] },
        "restarts-normal": [["type": "exit", "process": "medium"]],
        "leaves-orphans": [["type": "exit", "process": "counters"]],
        "dies-of-start": [
            ["type": "break", "counter": "medium"], ["type": "crash", "process": "medium"],
        ],
    ]

    @Test(arguments: [
        ("no-intensity", "no-escalation"), ("restarts-normal", "needless-restart"),
        ("leaves-orphans", "orphan"), ("dies-of-start", "early-escalation"),
    ])
    func whatItForgets(_ variant: String, anomaly: String) throws {
        for (name, expected) in [(variant, [anomaly]), ("counts", [])] {
            var cluster = try ClusterSimulation("handrolled-supervisor", name, nodes: 1)
            for body in Self.scripts[variant] ?? [] {
                #expect(self.ask(&cluster, body, admin: true)?.type != "error")
            }
            let anomalies = try self.anomalies(&cluster)
            #expect(expected.allSatisfy { anomalies.contains($0) }, "\(name): \(anomalies)")
            if expected.isEmpty { #expect(anomalies == []) }
        }
    }
}
