import ChaosCore
import ChaosScenario
import Testing

@Suite("Written back")
struct RoundTripTests {
    @Test func aScenarioReadsAsTheSame() throws {
        var random = RandomScenario(seed: 7)
        for number in 0..<150 {
            let scenario = random.scenario()
            let text = scenario.yaml
            do {
                let read = try ScenarioParser().scenario(text, file: "scenario.yaml")
                #expect(read == scenario, "scenario \(number)\n\(text)")
            } catch { Issue.record("scenario \(number): \(error)\n\(text)") }
        }
    }

    @Test func theDesignsExampleNeedsNoProfileAnyMore() throws {
        let scenario = try ScenarioParser().scenario(designExample, file: "kv.yaml")
        let text = scenario.yaml
        let node = """
                command: './kv --id {node} --listen {listen} --peers {peers}'
                ports: { client: auto, peer: auto }
                env: { LOG: info }
                ready: { tcp: client }
                restart: on-failure

            """
        let wan = """
            { delay: { latency: 40ms, jitter: 30ms, distribution: pareto, correlation: 25% }, \
            loss: { gemodel: { p: 0.2%, r: 20%, 1-h: 100%, 1-k: 0% } } }
            """
        let pareto = "{ latency: 20ms, jitter: 5ms, distribution: pareto, correlation: 25% }"
        #expect(
            text == """
                name: kv-split-brain
                seed: 42
                nodes:
                  n1:
                \(node)\
                  n2:
                \(node)\
                  n3:
                \(node)\
                network:
                  inlined: flaky-wan
                  framing: { peer: lines }
                  links:
                    '*->*': \(wan)
                    n1<->n3: { delay: { latency: 80ms, jitter: 10ms }, loss: { percent: 1% } }
                    '*->n2': { delay: \(pareto) }
                schedule:
                  - { at: 5s, for: 10s, partition: n1 / n2 n3, mode: drop }
                  - { at: 20s, for: 3s, pause: n2 }
                  - { every: 15s ± 5s, from: 30s, for: 4s, \
                nemesis: [random-halves, isolate, kill], budget: minority }
                  - { when: { log: became leader }, for: 5s, isolate: that }
                workload: { kind: lin-kv, for: 1m, rate: 100/s, concurrency: 6 }
                checks:
                  - linearizable
                  - { availability: { at_least: 90% } }
                  - { recovers: { within: 20s } }

                """)
        var parser = ScenarioParser()
        parser.findProfile = { _ in
            Issue.record("no profile is needed")
            return nil
        }
        #expect(try parser.scenario(text, file: "again.yaml") == scenario)
    }

    @Test func aFaultsTextReadsAsTheSame() throws {
        var random = RandomScenario(seed: 8)
        for _ in 0..<1000 {
            let kind = random.pick(FaultKind.allCases)
            let fault = random.fault(kind)
            #expect(try FaultText.parse([fault.text]) == [fault], "\(fault.text)")
        }
    }
}
