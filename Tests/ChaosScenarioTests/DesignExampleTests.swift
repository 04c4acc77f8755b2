import ChaosCore
import ChaosScenario
import Testing

/// The example of the design's section 5, word for word but for its profile.
let designExample = """
    name: kv-split-brain
    seed: 42                        # --seed wins; without one a random seed is drawn and printed
    nodes:
      n1..n3:
        command: ./kv --id {node} --listen {listen} --peers {peers}
        ports: { client: auto, peer: auto }
        env: { LOG: info }
        ready: { tcp: client, within: 10s }      # or log: 'listening', http: /health
        restart: on-failure
    network:
      profile: flaky-wan            # a file beside, in profiles/, or one that ships with chaos
      framing: { peer: lines }
      links:
        n1<->n3: { delay: 80ms ± 10ms, loss: 1% }        # short form
        "*->n2": { delay: { latency: 20ms, jitter: 5ms, distribution: pareto, correlation: 25% } }
    schedule:
      - { at: 5s, for: 10s, partition: n1 / n2 n3, mode: drop }
      - { at: 20s, for: 3s, pause: n2 }
      - { every: 15s ± 5s, from: 30s, for: 4s, nemesis: [random-halves, isolate, kill], budget: minority }
      - { when: { log: 'became leader', node: any }, for: 5s, isolate: that }
    workload: { kind: lin-kv, rate: 100/s, concurrency: 6, for: 60s }
    checks:
      - linearizable
      - availability: { at_least: 90% }
      - recovers: { within: 20s }
    """

@Suite("The example of the design")
struct DesignExampleTests {
    private func scenario() throws -> Scenario {
        var parser = ScenarioParser()
        parser.findProfile = { name in
            #expect(name == "flaky-wan")
            return ScenarioParser.ProfileText(
                file: "flaky-wan.yaml",
                text: "name: flaky-wan\nnetwork: { links: { '*->*': { delay: 40ms } } }")
        }
        return try parser.scenario(designExample, file: "kv.yaml")
    }

    @Test func namesNodesAndWhatTheyRun() throws {
        let scenario = try self.scenario()
        #expect(scenario.name == "kv-split-brain")
        #expect(scenario.seed == Seed(42))
        #expect(scenario.nodes.map(\.name.text) == ["n1", "n2", "n3"])
        let node = scenario.nodes[1]
        #expect(node.command == .text("./kv --id {node} --listen {listen} --peers {peers}"))
        #expect(node.ports == [PortSpec(name: "client"), PortSpec(name: "peer")])
        #expect(node.environment == [EnvironmentVariable(name: "LOG", value: "info")])
        #expect(node.ready == [.tcp("client")])
        #expect(node.readyWithin == .seconds(10))
        #expect(node.restart == .onFailure)
    }

    @Test func putsTheProfilesRulesBeforeItsOwn() throws {
        let network = try self.scenario().network
        #expect(network.profile == "flaky-wan")
        #expect(network.framing == ["peer": .lines])
        #expect(network.rules.map(\.links.text) == ["*->*", "n1<->n3", "*->n2"])
        #expect(network.rules[0].faults == [.delay(Fault.Delay(latency: .milliseconds(40)))])
        #expect(
            network.rules[1].faults == [
                .delay(Fault.Delay(latency: .milliseconds(80), jitter: .milliseconds(10))),
                .loss(Fault.Loss(.plain(.random(Ratio(percent: 1), correlation: .zero)))),
            ])
        #expect(
            network.rules[2].faults == [
                .delay(
                    Fault.Delay(
                        latency: .milliseconds(20), jitter: .milliseconds(5),
                        distribution: .pareto, correlation: Ratio(percent: 25)))
            ])
    }

    @Test func plansWhatHappensWhen() throws {
        let schedule = try self.scenario().schedule
        #expect(schedule.map(\.id) == ["schedule[0]", "schedule[1]", "schedule[2]", "schedule[3]"])
        #expect(schedule[0].timing == .at(.time(.seconds(5))))
        #expect(schedule[0].duration == .time(.seconds(10)))
        let split = try Partition(parsing: "n1 / n2 n3")
        #expect(schedule[0].action == .partition(split, mode: .drop, port: nil))
        #expect(schedule[1].action == .process(.pause, .nodes(NodePattern("n2"))))
        #expect(
            schedule[2].timing
                == .every(
                    interval: .seconds(15), jitter: .seconds(5), from: .time(.seconds(30)),
                    until: nil))
        #expect(
            schedule[2].action
                == .nemesis([.randomHalves, .isolate, .kill], budget: .minority, mode: nil))
        #expect(schedule[3].timing == .when(Trigger(.log("became leader"))))
        let that = Partition.isolate([NodePattern("that")])
        #expect(schedule[3].action == .partition(that, mode: nil, port: nil))
    }

    @Test func leavesWorkloadAndChecksToThoseWhoKnowThem() throws {
        let scenario = try self.scenario()
        #expect(
            scenario.workload
                == WorkloadSpec(
                    kind: "lin-kv", parameters: ["rate": "100/s", "concurrency": "6"],
                    duration: .seconds(60)))
        #expect(
            scenario.checks == [
                CheckSpec(name: "linearizable"),
                CheckSpec(name: "availability", parameters: ["at_least": "90%"]),
                CheckSpec(name: "recovers", parameters: ["within": "20s"]),
            ])
    }
}

extension LinkPattern {
    var text: String { self.description }
}
