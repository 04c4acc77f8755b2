import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// S33 and S22 in virtual time: a generic server, a stack and a number behind it.
@Suite("Generic servers in virtual time")
struct GenericServerTests {
    /// Three in five push 0, 1, 2, …, the others pop.
    private struct StackWorkload: SimulatedWorkload {
        private var next: Int64 = 0

        mutating func next(
            process: Int, _ randomness: inout Randomness
        ) -> SimulatedOperation? {
            if randomness.next(below: 5) < 2 {
                return SimulatedOperation("pop", .null, ["type": "pop"])
            }
            defer { self.next += 1 }
            let value = JSONValue.int(self.next)
            return SimulatedOperation("push", value, ["type": "push", "value": value])
        }

        func last(process: Int) -> SimulatedOperation {
            SimulatedOperation("pop", .null, ["type": "pop"])
        }

        func result(
            of operation: SimulatedOperation, process: Int, _ reply: Message
        ) -> JSONValue {
            operation.function == "pop" ? reply["value"] ?? .null : operation.value
        }
    }

    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, on node: String = "n2",
        from source: String = "c1", for duration: Duration = .milliseconds(20)
    ) -> Message? {
        let id = cluster.request(node, body, from: source)
        cluster.run(for: duration)
        return cluster.replies[id]
    }

    /// Push 1, 2, 3, pop 3, 2.
    @Test func theTestOfTheCourse() throws {
        var cluster = try ClusterSimulation("stack", "numbered", nodes: 2)
        for value in 1...3 {
            _ = self.ask(&cluster, ["type": "push", "value": .int(Int64(value))])
        }
        #expect(self.ask(&cluster, ["type": "pop"])?["value"] == 3)
        #expect(self.ask(&cluster, ["type": "pop"], on: "n1")?["value"] == 2)
        #expect(self.ask(&cluster, ["type": "info"])?["value"] == 1)
    }

    /// What nobody understands kills nobody.
    @Test func unknownMailIsLeftAlone() throws {
        var cluster = try ClusterSimulation("stack", "numbered", nodes: 2)
        _ = self.ask(&cluster, ["type": "push", "value": 7])
        cluster.deliverAgain(
            Message(
                from: "n2", to: "n1",
                body: ["type": "nonsense", "mail": ["op": "cast", "to": "stack"]]))
        cluster.deliverAgain(
            Message(
                from: "n2", to: "n1",
                body: [
                    "type": "nonsense", "ref": 1, "desk": "n2", "id": "x",
                    "mail": ["op": "cast", "to": "stack"],
                ]))
        #expect(self.ask(&cluster, ["type": "pop"])?["value"] == 7)
        #expect(self.ask(&cluster, ["type": "nonsense"])?["code"] == 10)
    }

    /// Who calls a server that is dying hears of it at once, and is served by the next one.
    @Test func aServersEndIsHeardAtOnce() throws {
        var cluster = try ClusterSimulation("stack", "numbered", nodes: 2)
        cluster.run(for: .seconds(1))
        _ = self.ask(&cluster, ["type": "push", "value": 7])
        cluster.fate = { $0.type == "pop" ? .arrivesAfter(.milliseconds(5)) : nil }
        let id = cluster.request("n2", ["type": "pop"])
        cluster.run(for: .milliseconds(4))
        cluster.fate = nil
        cluster.request("n1", ["type": "crash", "process": "stack"], from: Administration.name)
        cluster.run(for: .milliseconds(100))
        #expect(cluster.replies[id]?["value"] == 7)
    }

    private func finding(
        _ variant: String, seed: UInt64 = 1, _ prepare: (inout ClusterSimulation) -> Void = { _ in }
    ) throws -> Finding {
        var cluster = try ClusterSimulation("stack", variant, nodes: 3, seed: seed)
        prepare(&cluster)
        cluster.load(
            StackWorkload(), clients: 3, pause: .milliseconds(60), for: .seconds(5),
            timeout: .seconds(3))
        return try cluster.finding("linearizable", ["model": "stack"])
    }

    @Test(arguments: 1...UInt64(20))
    func numberedSurvivesEverything(seed: UInt64) throws {
        let finding = try self.finding("numbered", seed: seed) { cluster in
            cluster.loss = Ratio(percent: 5)
            cluster.duplication = Ratio(percent: 20)
            cluster.latency = .zero...Duration.milliseconds(20)
            cluster.disturb(Disturber(), for: .seconds(4))
        }
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: ["numbered", "no-ids", "any-reply", "waits-for-ever", "volatile"])
    func withoutFaultsAllAreRight(variant: String) throws {
        // Replies of one link do not overtake one another where nothing disturbs it.
        let finding = try self.finding(variant) { $0.latency = .zero ... .zero }
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    @Test(arguments: [("numbered", true), ("no-ids", false)])
    func doubledRequests(_ variant: String, isValid: Bool) throws {
        let finding = try self.finding(variant) { $0.duplication = Ratio(percent: 20) }
        #expect((finding.verdict == .valid) == isValid, "\(finding.summary)")
    }

    /// Pop on an empty stack, four times: the server's supervisor gives up.
    @Test(arguments: [("numbered", true), ("crashes-when-empty", false)])
    func emptyIsAnAnswer(_ variant: String, isServed: Bool) throws {
        var cluster = try ClusterSimulation("stack", variant, nodes: 1)
        let first = self.ask(&cluster, ["type": "pop"], on: "n1", for: .seconds(3))
        #expect((first?.type == "pop_ok") == isServed)
        let push = self.ask(&cluster, ["type": "push", "value": 1], on: "n1", for: .seconds(3))
        #expect((push?.type == "push_ok") == isServed)
    }

    // MARK: - Shared state

    @Test func everyAdditionCounts() throws {
        var cluster = try ClusterSimulation("shared-state", "in-the-loop", nodes: 3)
        for number in 0..<100 {
            cluster.request("n\(number % 3 + 1)", ["type": "add", "delta": 1], from: "c\(number)")
        }
        cluster.run(for: .milliseconds(500))
        #expect(self.ask(&cluster, ["type": "read"])?["value"] == 100)
        #expect(self.ask(&cluster, ["type": "cas", "from": 100, "to": 7])?.type == "cas_ok")
        #expect(self.ask(&cluster, ["type": "cas", "from": 100, "to": 8])?["code"] == 22)
        // Read your own writes.
        #expect(self.ask(&cluster, ["type": "read"])?["value"] == 7)
    }

    @Test(arguments: [("in-the-loop", true), ("read-modify-write", false)])
    func twoAtATime(_ variant: String, isRight: Bool) throws {
        var cluster = try ClusterSimulation("shared-state", variant, nodes: 3)
        for number in 0..<100 {
            cluster.request("n\(number % 3 + 1)", ["type": "add", "delta": 1], from: "c\(number)")
        }
        cluster.run(for: .milliseconds(500))
        #expect((self.ask(&cluster, ["type": "read"])?["value"] == 100) == isRight)
    }

    @Test(arguments: [("in-the-loop", Int64(3)), ("volatile", 0)])
    func aCrashOfTheOwner(_ variant: String, value: Int64) throws {
        var cluster = try ClusterSimulation("shared-state", variant, nodes: 2)
        _ = self.ask(&cluster, ["type": "add", "delta": 3])
        _ = self.ask(
            &cluster, ["type": "crash", "process": "state"], on: "n1", from: Administration.name)
        #expect(self.ask(&cluster, ["type": "read"])?["value"] == .int(value))
    }

    @Test(arguments: 1...UInt64(10))
    func inTheLoopIsLinearizable(seed: UInt64) throws {
        var cluster = try ClusterSimulation("shared-state", "in-the-loop", nodes: 3, seed: seed)
        cluster.loss = Ratio(percent: 5)
        cluster.duplication = Ratio(percent: 20)
        cluster.disturb(Disturber(), for: .seconds(4))
        cluster.load(
            CounterWorkload(isGrowOnly: false), clients: 3, pause: .milliseconds(60),
            for: .seconds(5), timeout: .seconds(3))
        cluster.finish()
        let finding = try cluster.finding("linearizable", ["model": "counter"])
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }
}
