import ChaosCore
import ChaosScenario

extension FuzzTarget {
    /// Files of scenarios and profiles.
    static let scenario = FuzzTarget(
        "scenario", "YAML of scenarios and profiles",
        seeds: BuiltInProfiles.all.map(\.text) + [
            """
            name: a
            seed: 42
            nodes:
              n1..n3:
                command: ./kv --id {node} --listen {listen}
                ports: { client: auto, peer: 7000 }
                env: { LOG: info }
                ready: { tcp: client, within: 10s }
                restart: on-failure
            network:
              profile: flaky-wan
              framing: { peer: lines }
              links:
                n1<->n3: { delay: 80ms ± 10ms, loss: 1% }
                "*->n2": { delay: { latency: 20ms, jitter: 5ms, distribution: pareto } }
            schedule:
              - { at: 5s, for: 10s, partition: n1 / n2 n3, mode: drop }
              - { at: 20s, for: 3s, pause: n2 }
              - { every: 15s ± 5s, from: 30s, for: 4s, nemesis: [random-halves, kill] }
              - { when: { log: 'leader', node: any }, for: 5s, isolate: that }
            workload: { kind: lin-kv, rate: 100/s, concurrency: 6, for: 60s }
            checks: [ linearizable, availability: { at_least: 90% } ]
            expect: { verdict: invalid, anomaly: lost }
            """
        ]
    ) { bytes in
        do {
            let text = try ScenarioParser.text(of: bytes, file: "a.yaml")
            let profile = Result { try ScenarioParser().profile(text, file: "a.yaml") }
            if case .failure(let error as Mistakes) = profile { try check(error) }
            let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
            let again = try Result { try ScenarioParser().scenario(scenario.yaml, file: "b.yaml") }
                .mapError { FuzzFailure("what was written is not read: \($0)\n\(scenario.yaml)") }
                .get()
            try requireSame(again.yaml, scenario.yaml, "a scenario, written twice")
        } catch let mistakes as Mistakes { try check(mistakes) }
    }

    private static func check(_ mistakes: Mistakes) throws {
        try require(!mistakes.list.isEmpty, "a file is wrong without a mistake")
        for mistake in mistakes.list {
            try require(
                mistake.position.line >= 1 && mistake.position.column >= 1,
                "a mistake stands at \(mistake.position)")
            try require(!mistake.error.rule.isEmpty, "a mistake has no rule")
        }
    }
}
