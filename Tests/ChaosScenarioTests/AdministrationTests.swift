import ChaosCore
import ChaosScenario
import Testing

/// What a schedule says to nodes as their administrator.
@Suite struct AdministrationTests {
    private func scenario(_ entry: String, ports: String = "main: auto, admin: unix") throws
        -> Scenario
    {
        try ScenarioParser().scenario(
            """
            nodes:
              n1..n2: { command: node, ports: { \(ports) } }
            schedule:
              - { at: 1s, \(entry) }
            for: 10s
            """, file: "s.yaml")
    }

    private static let entries: [(String, JSONObject)] = [
        ("crash: n1/consumer", ["type": "crash", "process": "consumer"]),
        ("clock: { node: n1, jump: -5s }", ["type": "clock", "jump_ms": -5000]),
        ("clock: { node: n1, jump: +1h }", ["type": "clock", "jump_ms": 3_600_000]),
        (
            "tell: { node: n1, type: set, level: 3, on: true, name: 'a b' }",
            ["type": "set", "level": 3, "on": true, "name": "a b"]
        ),
    ]

    @Test(arguments: Self.entries)
    func whatIsSaid(_ entry: String, body: JSONObject) throws {
        let scenario = try self.scenario(entry)
        guard case .tell(let said, .nodes(let nodes)) = scenario.schedule.first?.action else {
            Issue.record("found \(scenario.schedule)")
            return
        }
        #expect(said == body && nodes.text == "n1")
        // As a run writes down what it ran.
        let again = try ScenarioParser().scenario(scenario.yaml, file: "again.yaml")
        #expect(again.schedule == scenario.schedule)
    }

    @Test(arguments: [
        ("crash: n1", "'crash' names a node and a process of it, found 'n1'"),
        ("clock: { node: n1 }", "'clock' needs a 'jump'"),
        ("tell: { node: n1 }", "'tell' needs a 'type'"),
        ("tell: { type: x }", "'tell' needs a 'node'"),
        ("crash: n9/x", "there is no such node, found 'n9'"),
        ("crash: n1/x, for: 2s", "what a node is told has no 'for'"),
    ])
    func mistakesAreNamed(_ entry: String, rule: String) {
        let mistakes = #expect(throws: Mistakes.self) { try self.scenario(entry) }
        #expect(mistakes?.description.contains(rule) == true, "\(mistakes?.description ?? "")")
    }

    @Test func whoHasNoSuchPortCannotBeTold() {
        let mistakes = #expect(throws: Mistakes.self) {
            try self.scenario("crash: n1/consumer", ports: "main: auto")
        }
        #expect(
            mistakes?.description
                == "s.yaml:4:5: a node that is told something has a port 'admin', found 'n1'\n"
                + "hint: write ports: { main: auto, admin: unix }")
    }
}
