import ChaosCheckers
import ChaosCore
import NodeKit
import Testing

/// NodeKit's supervisors against the checker's model of OTP's, which know nothing of each other: random trees under
/// random schedules of crashes, and then the same traces with something wrong in them.
@Suite("Supervision against its model")
struct SupervisionModelTests {
    /// Obeys or not, and does not always start.
    private struct Worker: Behaviour {
        let obeys: Bool
        let failureChance: Int

        mutating func handle(
            _ mail: Mail, _ context: inout ProcessContext
        ) throws(ProcessExit) {
            switch mail {
            case .started:
                context.trapExits()
                if context.randomness.next(below: 100) < self.failureChance {
                    throw .crash("it does not start")
                }
            case .exit(_, let reason): if self.obeys { throw ProcessExit(reason) }
            default: break
            }
        }
    }

    /// A random tree and the names in it.
    private struct RandomTree {
        var randomness: Randomness
        var names: [String] = []
        var supervisors: Set<String> = []

        mutating func supervisor(depth: Int, isRoot: Bool = false) -> Supervisor {
            let count = 1 + self.randomness.next(below: 4)
            let children = (0..<count).map { _ in self.child(depth: depth) }
            // Most roots live to the end.
            let intensity = Supervisor.Intensity(
                restarts: self.randomness.next(below: isRoot ? 100 : 4),
                period: .milliseconds(500 + self.randomness.next(below: 5000)))
            return Supervisor(
                self.randomness.pick(Supervisor.Strategy.allCases) ?? .oneForOne,
                intensity: intensity, children)
        }

        private mutating func child(depth: Int) -> Supervisor.Child {
            let name = "p\(self.names.count)"
            self.names.append(name)
            let restart = self.randomness.pick(Supervisor.Restart.allCases) ?? .permanent
            let shutdowns: [Supervisor.Shutdown] = [
                .brutalKill, .within(.milliseconds(100)), .within(.seconds(2)), .infinity,
            ]
            let shutdown = self.randomness.pick(shutdowns) ?? .infinity
            if depth > 0, self.randomness.next(below: 3) == 0 {
                let inner = self.supervisor(depth: depth - 1)
                self.supervisors.insert(name)
                return Supervisor.Child(name, restart: restart, shutdown: .infinity) { inner }
            }
            // Who is waited for without end has to end.
            let obeys = shutdown == .infinity || self.randomness.next(below: 4) > 0
            let failureChance = self.randomness.pick([0, 0, 0, 30]) ?? 0
            return Supervisor.Child(name, restart: restart, shutdown: shutdown) {
                Worker(obeys: obeys, failureChance: failureChance)
            }
        }
    }

    /// A node whose processes its administrator crashes, in virtual time.
    private struct Bench {
        var host: NodeHost
        var now = Duration.zero

        init(_ root: Supervisor, seed: UInt64) {
            self.host = NodeHost(
                ProcessNode(requests: [:], promise: root.specification(named: "root")) { root },
                seed: seed)
            _ = self.host.start(id: "n1", members: ["n1"], at: .zero)
        }

        mutating func run(until end: Duration) {
            while let deadline = self.host.deadline, deadline <= end {
                self.now = max(self.now, deadline)
                _ = self.host.fireTimers(at: self.now)
            }
            self.now = end
        }

        mutating func ask(_ body: JSONObject) -> JSONObject? {
            var body = body
            body["msg_id"] = 1
            let message = Message(from: Administration.name, to: "n1", body: body)
            for output in self.host.receive(message, at: self.now) {
                if case .send(let reply) = output, reply.destination == Administration.name {
                    return reply.body
                }
            }
            return nil
        }
    }

    private func trace(seed: UInt64) -> JSONObject? {
        var tree = RandomTree(randomness: Randomness(seed: seed, label: "tree"))
        let root = tree.supervisor(depth: 2, isRoot: true)
        var randomness = Randomness(seed: seed, label: "schedule")
        var bench = Bench(root, seed: seed)
        for _ in 0..<40 {
            bench.run(until: bench.now + randomness.jittered(.milliseconds(300)))
            let name = randomness.pick(tree.names) ?? "p0"
            // Supervisors do not crash: who takes their end by force leaves orphans, whatever the rules.
            let isAsked = tree.supervisors.contains(name) || randomness.next(below: 4) == 0
            let verb = isAsked ? "exit" : "crash"
            _ = bench.ask(["type": .string(verb), "process": .string(name)])
            // Sometimes several at once.
            let other = randomness.pick(tree.names) ?? "p0"
            if randomness.next(below: 3) == 0, !tree.supervisors.contains(other) {
                _ = bench.ask(["type": "crash", "process": .string(other)])
            }
        }
        bench.run(until: bench.now + .seconds(10))
        return bench.ask(["type": "trace"])
    }

    private func finding(_ trace: JSONObject) throws -> Finding {
        var history = History()
        history.append(
            Operation(
                index: 0, process: 0, kind: .ok, function: "trace", value: .object(trace),
                time: .start, node: "n1"))
        return try makeChecker(name: "supervision").check(history)
    }

    @Test(arguments: 1...UInt64(300))
    func randomSchedulesConform(seed: UInt64) throws {
        let trace = try #require(self.trace(seed: seed))
        let finding = try self.finding(trace)
        #expect(
            finding.verdict == .valid,
            "\(finding.evidence)\n\(JSONValue.object(trace).text)")
    }

    /// They are not all trees that give up at once.
    @Test func randomSchedulesExerciseTheRules() throws {
        var totals: [String: Int64] = [:]
        for seed in 1...UInt64(300) {
            let statistics = try self.finding(try #require(self.trace(seed: seed))).statistics
            for member in statistics.members {
                totals[member.key, default: 0] += member.value.intValue ?? 0
            }
        }
        #expect(totals["restart_count", default: 0] > 1000, "\(totals)")
        #expect(totals["escalation_count", default: 0] > 100, "\(totals)")
    }

    /// A trace from which one start is missing is next to never one that supervisors could have left: they were
    /// asked to end before it made a difference.
    @Test func spoiledTracesAreRefused() throws {
        var refused = 0
        var tried = 0
        for seed in 1...UInt64(300) {
            var trace = try #require(self.trace(seed: seed))
            var events = trace["events"]?.arrayValue ?? []
            var randomness = Randomness(seed: seed, label: "spoil")
            let places = events.indices.dropLast().filter { place in
                events[place]["event"] == "started" && events[place]["parent"] != nil
            }
            guard let place = randomness.pick(Array(places)) else { continue }
            events.remove(at: place)
            trace["events"] = .array(events)
            trace["count"] = .int(Int64(events.count))
            tried += 1
            if try self.finding(trace).verdict == .invalid { refused += 1 }
        }
        #expect(refused * 100 >= tried * 99, "\(refused) of \(tried)")
    }

    // MARK: - The system

    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, admin: Bool = false
    ) -> Message? {
        let id = cluster.request("n1", body, from: admin ? Administration.name : "c1")
        cluster.run(for: .milliseconds(10))
        return cluster.replies[id]
    }

    private func echoes(_ cluster: inout ClusterSimulation, count: Int = 12) -> Int {
        (0..<count).filter { number in
            let text = JSONValue.string("\(number)")
            return self.ask(&cluster, ["type": "echo", "echo": text])?["echo"] == text
        }.count
    }

    @Test(arguments: [
        ("rest-for-one", 12), ("one-for-one", 0), ("sensors-first", 0),
    ])
    func aRegistryThatStartsAgain(_ variant: String, served: Int) throws {
        var cluster = try ClusterSimulation("supervision", variant, nodes: 1)
        if variant != "sensors-first" { #expect(self.echoes(&cluster) == 12) }
        _ = self.ask(&cluster, ["type": "crash", "process": "registry"], admin: true)
        #expect(self.echoes(&cluster) == served)
    }

    @Test(arguments: [
        ("rest-for-one", "calibrate"), ("stores-first", "calibrate"), ("rest-for-one", "corrupt"),
        ("same-state", "corrupt"),
    ])
    func aStateThatKills(_ variant: String, _ verb: String) throws {
        var cluster = try ClusterSimulation("supervision", variant, nodes: 1)
        _ = self.ask(
            &cluster, ["type": .string(verb), "sensor": "sensor1", "value": "n/a"], admin: true)
        let first = self.echoes(&cluster, count: 100)
        // A sensor that is restarted with a good state costs one request.
        #expect((first >= 99) == (variant == "rest-for-one"), "\(first)")
        #expect(self.echoes(&cluster) == (variant == "rest-for-one" ? 12 : 0))
    }

    /// What the administrator alone may say, nobody else may.
    @Test func clientsCannotCorrupt() throws {
        var cluster = try ClusterSimulation("supervision", "rest-for-one", nodes: 1)
        let reply = self.ask(&cluster, ["type": "corrupt", "sensor": "sensor1"])
        #expect(reply?["code"] == .int(ErrorCode.notSupported.rawValue))
    }

    /// A child that crashes at each start must not take the node along.
    @Test func aStormLeavesTheNodeItsNetwork() throws {
        struct Broken: Behaviour {
            func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
                if case .started = mail, context.records.last == "broken" { throw .crash("broken") }
                if case .cast = mail { context.append("broken") }
            }
        }
        let root = Supervisor(
            .oneForOne, intensity: .init(restarts: .max), [Supervisor.Child("a") { Broken() }])
        var table = ProcessTable()
        table.start(Membership(id: "n1", members: ["n1"], seed: 1))
        table.spawn(root, name: "root")
        _ = table.run(at: .zero)
        table.receive(
            Message(
                from: "n2", to: "n1",
                body: ["type": "x", "mail": ["op": "cast", "to": "a"]]))
        _ = table.run(at: .zero)
        _ = table.exit(named: "a", .crash("first"))
        // It comes back although the processes never rest, and asks to go on at once.
        #expect(table.run(at: .zero).contains(.setTimer(ProcessTable.timer, after: .zero)))
        #expect(table.journal.count > 1000)
    }
}
