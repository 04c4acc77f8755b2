import ChaosCore
import ChaosScenario
import Testing

/// Scenarios as lessons: variants, peace, and slow motion.
@Suite struct LessonTests {
    private static let text = """
        nodes:
          n1..n2:
            command: node --variant {variant}
        network: { links: { n1->n2: { delay: 80ms ± 10ms } } }
        schedule:
          - { at: 2s, for: 500ms, kill: n2 }
          - { every: 2s ± 1s, from: 50%, for: 1s, isolate: any }
        workload: { kind: client, command: [drive, "{variant}"], rate: 100/s, for: 6s, timeout: 2s }
        checks:
          - availability: { at_least: 90% }
          - recovers: { within: 5s }
        expect: { verdict: invalid, anomaly: lost }
        lesson: { variant: naive, repaired_by: robust, concepts: [gossip, partition] }
        """

    private func scenario(_ change: (inout ScenarioChanges) throws -> Void = { _ in }) throws
        -> Scenario
    {
        var parser = ScenarioParser()
        try change(&parser.changes)
        return try parser.scenario(Self.text, file: "lesson.yaml")
    }

    @Test func theFileIsAboutItsOwnVariant() throws {
        let scenario = try self.scenario()
        #expect(
            scenario.nodes.map(\.command)
                == Array(repeating: .text("node --variant naive"), count: 2))
        #expect(scenario.workload?.parameters["command"] == ["drive", "naive"])
        #expect(scenario.expectation == .init(verdict: "invalid", anomaly: "lost"))
        #expect(scenario.lesson?.concepts == [.gossip, .partition])
    }

    @Test func anotherVariantStandsForItself() throws {
        let scenario = try self.scenario { $0.variant = "robust" }
        #expect(scenario.nodes[0].command == .text("node --variant robust"))
        #expect(scenario.expectation == nil)
        #expect(scenario.schedule.count == 2)
    }

    @Test func peaceIsWithoutAnyFault() throws {
        let scenario = try self.scenario { $0.withoutFaults = true }
        #expect(!scenario.hasFaults && scenario.expectation == nil)
        #expect(scenario.nodes[0].command == .text("node --variant naive"))
    }

    @Test func slowMotionIsTheSameRun() throws {
        let scenario = try self.scenario { $0.timeScale = try TimeScale(parsing: "2.5") }
        #expect(scenario.schedule[0].timing == .at(.time(.seconds(5))))
        #expect(scenario.schedule[0].duration == .time(.milliseconds(1250)))
        #expect(
            scenario.schedule[1].timing
                == .every(
                    interval: .seconds(5), jitter: .milliseconds(2500),
                    from: .share(Ratio(percent: 50)), until: nil))
        guard case .delay(let delay) = scenario.network.rules[0].faults[0] else {
            Issue.record("the delay stays one")
            return
        }
        #expect(delay.latency == .milliseconds(200) && delay.jitter == .milliseconds(25))
        #expect(scenario.workload?.duration == .seconds(15))
        #expect(scenario.workload?.parameters["timeout"] == "5s")
        #expect(scenario.workload?.parameters["rate"] == "2400/m")
        #expect(scenario.checks.map(\.parameters) == [["at_least": "90%"], ["within": "12.5s"]])
        let variable = EnvironmentVariable(name: "CHAOS_TIME_SCALE", value: "2.5")
        #expect(scenario.nodes.allSatisfy { $0.environment == [variable] })
    }

    @Test(arguments: ["0", "-1", "200", "fast", ""])
    func whatIsNoScale(_ text: String) {
        let error = #expect(throws: InputError.self) { try TimeScale(parsing: text) }
        #expect(error?.rule == "a time scale is a number from 0.1 to 100")
    }

    @Test(arguments: [
        ("lesson: { repaired_by: x }", "a lesson needs a 'variant'"),
        ("lesson: { variant: x, concepts: [gosip] }", "did you mean 'gossip'?"),
        (
            "lesson: { variant: x, repaired_by: y, seeds: 3 }",
            "a lesson has either 'repaired_by' or 'seeds'"
        ),
        (
            "lesson: { variant: x, seeds: 0 }",
            "'seeds' is a whole number from 1 to 10000, found '0'"
        ),
        ("lesson: { variant: x, repairedBy: y }", "write 'repaired_by'"),
    ])
    func mistakesAreNamed(_ lesson: String, rule: String) {
        let mistakes = #expect(throws: Mistakes.self) {
            try ScenarioParser().scenario(
                "nodes: { n1: { command: x } }\n\(lesson)", file: "l.yaml")
        }
        #expect(mistakes?.description.contains(rule) == true, "\(mistakes?.description ?? "")")
    }
}
