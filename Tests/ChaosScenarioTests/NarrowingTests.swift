import ChaosCore
import ChaosScenario
import Testing

@Suite struct DeltaDebuggingTests {
    private func minimum(
        of count: Int, needing needed: Set<Int>, budget: Int = .max
    ) async -> (found: [Int], asked: Int) {
        var asked = 0
        let found: [Int] = await DeltaDebugging.minimum(of: Array(0..<count)) { part in
            if asked == budget { return nil }
            asked += 1
            return needed.isSubset(of: part)
        }
        return (found, asked)
    }

    @Test(arguments: [[], [0], [7], [3, 4], [0, 15], [1, 6, 11], Array(0..<16)])
    func onlyWhatIsNeededIsLeft(needed: [Int]) async {
        #expect(await self.minimum(of: 16, needing: Set(needed)).found == needed)
    }

    @Test func oneOfManyIsFoundInFewSteps() async {
        let (found, asked) = await self.minimum(of: 1000, needing: [613])
        #expect(found == [613])
        #expect(asked < 40)
    }

    @Test func whenTheBudgetEndsWhatIsLeftStillDoesIt() async {
        for budget in 0..<20 {
            let (found, asked) = await self.minimum(of: 64, needing: [5, 50], budget: budget)
            #expect(Set(found).isSuperset(of: [5, 50]))
            #expect(asked <= budget)
        }
    }
}

@Suite struct ScenarioPieceTests {
    private static let text = """
        name: x
        nodes: { n1..n3: { command: ./node } }
        network:
          framing: { main: lines }
          links: { "*->*": { delay: 10ms, loss: 2% }, "n1->n2": { duplicate: 5% } }
        schedule:
          - { at: 1s, for: 4s, partition: 'n1 / n2 n3' }
          - { at: 2s, for: 1s, kill: 'n1,n2' }
          - { at: 3s, for: 2s, set: { "n1->*": { delay: { latency: 100ms, jitter: 20ms } } } }
        checks: [echo]
        """

    private func scenario() throws -> Scenario {
        try ScenarioParser().scenario(Self.text, file: "x.yaml")
    }

    @Test func aPieceCanBeLeftOut() throws {
        let scenario = try self.scenario()
        #expect(
            scenario.pieces == [
                .background(rule: 0, fault: .delay), .background(rule: 0, fault: .loss),
                .background(rule: 1, fault: .duplicate), .entry("schedule[0]"),
                .entry("schedule[1]"), .entry("schedule[2]"),
            ])
        #expect(scenario.keeping(scenario.pieces) == scenario)
        let less = scenario.keeping([.background(rule: 0, fault: .loss), .entry("schedule[1]")])
        #expect(less.network.rules.map { $0.faults.map(\.kind) } == [[.loss]])
        #expect(less.schedule.map(\.id) == ["schedule[1]"])
    }

    /// Every step leads to a scenario that can be written, read and made smaller again, down to the end.
    @Test func stepsToLessEndAndStayValid() throws {
        var scenario = try self.scenario()
        var steps = 0
        while let simpler = scenario.simpler.first {
            #expect(simpler != scenario)
            scenario = simpler
            steps += 1
            let read = try ScenarioParser().scenario(scenario.yaml, file: "again.yaml")
            #expect(read == scenario)
            try #require(steps < 200)
        }
        #expect(steps > 10)
        guard case .process(.kill, .nodes(let pattern)) = scenario.schedule[1].action else {
            Issue.record("the kill stays a kill")
            return
        }
        #expect(pattern.text == "n1")
        #expect(
            scenario.schedule.allSatisfy {
                $0.duration.map { $0.resolved(in: .zero) < .milliseconds(20) } == true
            })
    }

    @Test func anIDOfAFiringIsRead() throws {
        let text = Self.text.replacing(
            "{ at: 1s, for", with: "{ id: 'schedule[3]#2', at: 1s, for")
        #expect(
            try ScenarioParser().scenario(text, file: "x.yaml").schedule[0].id == "schedule[3]#2")
    }
}

@Suite struct SwarmScheduleTests {
    private let nodes: [NodeName] = ["n1", "n2", "n3", "n4", "n5"]

    private func swarm(hasMessages: Bool = true, _ count: Int = 5) -> SwarmSchedule {
        SwarmSchedule(
            nodes: Array(self.nodes.prefix(count)), hasMessages: hasMessages, length: .seconds(10))
    }

    @Test func aSeedGivesOneSchedule() {
        for seed in 0..<50 {
            let seed = Seed(UInt64(seed))
            #expect(self.swarm().entries(seed: seed) == self.swarm().entries(seed: seed))
        }
        let all = Set((0..<50).map { self.swarm().entries(seed: Seed(UInt64($0))) })
        #expect(all.count == 50)
    }

    /// What is drawn is a schedule that a file may have.
    @Test(arguments: [1, 2, 3, 5], [true, false])
    func everyScheduleIsValid(count: Int, hasMessages: Bool) throws {
        var kinds: Set<String> = []
        for seed in 0..<300 {
            var scenario = Scenario(name: "swarm")
            scenario.nodes = self.nodes.prefix(count).map {
                NodeSpec(name: $0, command: .text("./node"))
            }
            if hasMessages { scenario.network.framing["main"] = .lines }
            scenario.duration = .seconds(10)
            scenario.schedule = self.swarm(hasMessages: hasMessages, count)
                .entries(seed: Seed(UInt64(seed)))
            #expect(scenario.schedule.count <= 6)
            let read = try ScenarioParser().scenario(scenario.yaml, file: "swarm.yaml")
            #expect(read.schedule == scenario.schedule)
            for entry in scenario.schedule {
                switch entry.action {
                case .partition(_, let mode, _): kinds.insert(mode == .hold ? "hold" : "partition")
                case .faults(let rules):
                    for rule in rules { kinds.formUnion(rule.faults.map(\.kind.rawValue)) }
                case .process(let action, _): kinds.insert(action.rawValue)
                case .nemesis, .tell, .heal: Issue.record("a swarm draws itself")
                }
            }
        }
        var expected: Set<String> = ["kill", "pause"]
        if count > 1 { expected.formUnion(["partition", "hold", "delay", "loss"]) }
        if count > 1 {
            expected.formUnion(hasMessages ? ["duplicate", "reorder"] : ["reset_peer"])
        }
        #expect(kinds == expected)
    }
}
