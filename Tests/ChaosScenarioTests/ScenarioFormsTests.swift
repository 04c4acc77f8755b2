import ChaosCore
import ChaosScenario
import Testing

@Suite("A scenario may be written")
struct ScenarioFormsTests {
    private func scenario(_ text: String) throws -> Scenario {
        try ScenarioParser().scenario(text, file: "dir/kv.test.yaml")
    }

    /// The only entry of a schedule for three nodes with a framed port.
    private func entry(_ line: String) throws -> ScheduleEntry {
        let text = """
            nodes: { n1..n3: { command: x, ports: [peer] } }
            network: { framing: { peer: lines } }
            for: 60s
            schedule: [\(line)]
            """
        return try #require(try self.scenario(text).schedule.first)
    }

    /// What is written again says the same: addresses, and blocks of them wherever nodes are named.
    @Test func withAddresses() throws {
        let text = """
            nodes:
              n1: { command: x, address: 127.0.1.1 }
              n2: { command: x, address: "::1" }
            network: { links: { "127.0.1.0/24->[::/0]": { delay: 1ms } } }
            schedule:
              - { at: 1s, partition: 127.0.1.0/24 / ::1/128 }
              - { at: 2s, kill: 127.0.0.0/8 }
              - { when: { log: x, node: 127.0.1.1/32 }, isolate: that }
            for: 5s
            """
        let scenario = try self.scenario(text)
        #expect(scenario.nodes.map { $0.address?.description } == ["127.0.1.1", "::1"])
        #expect(scenario.chosenBackend == .proxy)
        #expect(try ScenarioParser().scenario(scenario.yaml, file: "dir/kv.test.yaml") == scenario)
        let resolved = scenario.resolvingBlocks()
        #expect(resolved.network.rules[0].links.matches(Link("n1", "n2", "main")))
        #expect(!resolved.network.rules[0].links.matches(Link("n2", "n1", "main")))
        guard case .process(_, .nodes(let killed)) = resolved.schedule[1].action,
            case .when(let trigger) = resolved.schedule[2].timing
        else { throw InputError("the schedule is as written") }
        #expect(killed.matches("n1") && !killed.matches("n2"))
        #expect(trigger.nodes.matches("n1") && !trigger.nodes.matches("n2"))
        // A resolved scenario is still written as it was.
        #expect(resolved.yaml == scenario.yaml)
    }

    @Test func withAlmostNothing() throws {
        let scenario = try self.scenario("summary: nothing happens")
        #expect(scenario.name == "kv.test")
        #expect(scenario.nodes.isEmpty && scenario.network.rules.isEmpty)
        #expect(scenario.seed == nil && scenario.duration == nil && scenario.expectation == nil)
        #expect(scenario.network.queueLimit == ByteCount(32 << 20))
    }

    @Test func asTextsThatYAMLWouldGuessOtherwise() throws {
        let scenario = try self.scenario(
            """
            name: on
            nodes:
              n1: { command: [sleep, 010, 1:30, yes, ~, 0x1F], env: { A: off, B: 1e3, C:  } }
            workload: { kind: no, value: 010, list: [on, 1:30], deep: { k: 2001-01-01 } }
            """)
        #expect(scenario.name == "on")
        #expect(
            scenario.nodes[0].command == .words(["sleep", "010", "1:30", "yes", "~", "0x1F"]))
        #expect(scenario.nodes[0].environment.map(\.value) == ["off", "1e3", ""])
        #expect(scenario.workload?.kind == "no")
        #expect(
            scenario.workload?.parameters
                == ["value": "010", "list": ["on", "1:30"], "deep": ["k": "2001-01-01"]])
    }

    @Test func withPortsOfEachKind() throws {
        let scenario = try self.scenario(
            """
            nodes:
              n1: { command: x, ports: { a: auto, b: 7001, c: unix, d: tcp } }
              n2, n3: { command: x, ports: [peer, client] }
            """)
        #expect(
            scenario.nodes[0].ports == [
                PortSpec(name: "a"), PortSpec(name: "b", number: 7001),
                PortSpec(name: "c", transport: .unix), PortSpec(name: "d"),
            ])
        #expect(scenario.nodes.map(\.name.text) == ["n1", "n2", "n3"])
        #expect(scenario.nodes[2].ports.map(\.name.text) == ["peer", "client"])
    }

    @Test func withSeveralSignsOfBeingReady() throws {
        let node = try self.scenario(
            """
            nodes:
              n1:
                command: x
                ports: [a, b]
                ready: { tcp: b, log: '/up in [0-9]+ms/', http: /health, port: b, within: 1m }
                directory: /tmp/{node}
                restart: always
            """
        ).nodes[0]
        #expect(
            node.ready == [.tcp("b"), .log("/up in [0-9]+ms/"), .http(path: "/health", port: "b")])
        #expect(node.readyWithin == .seconds(60))
        #expect(node.directory == "/tmp/{node}" && node.restart == .always)
    }

    @Test func withLinksToServersThatRun() throws {
        let scenario = try self.scenario(
            """
            links:
              db: 127.0.0.1:5432
              cache: { to: unix:/run/cache, listen: '127.0.0.1:7000' }
            network: { links: { client->db: { delay: 5ms } } }
            schedule: [{ at: 1s, partition: client / db }]
            """)
        #expect(
            scenario.externalLinks == [
                ExternalLink(name: "db", upstream: .tcp(host: "127.0.0.1", port: 5432)),
                ExternalLink(
                    name: "cache", upstream: .unix(path: "/run/cache"),
                    listen: .tcp(host: "127.0.0.1", port: 7000)),
            ])
    }

    @Test(
        "with delays in each spelling",
        arguments: [
            "80ms±10ms", "80ms ± 10ms", "80ms +- 10ms", "'80ms,10ms'", "'80ms, 10ms'", "80ms 10ms",
            "{ latency: 80ms, jitter: 10ms }", "{ jitter: 10ms, latency: 0.08s }",
        ])
    func delays(text: String) throws {
        let scenario = try self.scenario("network: { links: { '*->*': { delay: \(text) } } }")
        let delay = Fault.Delay(latency: .milliseconds(80), jitter: .milliseconds(10))
        #expect(scenario.network.rules.map(\.faults) == [[.delay(delay)]])
    }

    @Test(
        "with faults short and long",
        arguments: [
            ("loss: 1%", "loss 1%"), ("loss: { percent: 5%, correlation: 25% }", "loss 5% 25%"),
            (
                "loss: { gemodel: { p: 1%, r: 10%, 1-h: 100%, 1-k: 0% } }",
                "loss gemodel 1% 10% 100% 0%"
            ),
            ("loss: { gemodel: { p: 1% } }", "loss gemodel 1% 99% 100% 0%"),
            ("loss: { nth: 3, match: { type: broadcast } }", "loss nth 3 type:broadcast"),
            (
                "loss: { percent: 5%, match: { fields: { body.key: 010 }, first: 3, after: 1 } }",
                "loss 5% first:3 after:1 body.key:010"
            ),
            ("duplicate: { nth: 2, match: broadcast }", "duplicate nth 2 type:broadcast"),
            ("delay: { latency: 1ms, match: { direction: reply } }", "delay 1ms direction:reply"),
            ("refuse: true", "refuse"), ("refuse:", "refuse"), ("rate: 1mbit", "rate 1mbit"),
            (
                "rate: { rate: 1mbit, burst: 1KiB, limit: 1MiB, scope: connection }",
                "rate 1mbit burst:1KiB limit:1MiB scope:connection"
            ),
            ("slicer: { size: 64B, variation: 32B, delay: 10ms }", "slicer 64B 32B 10ms"),
            ("reset_peer: 0s, slow_close: 1s", "slow_close 1s; reset_peer 0s"),
            ("limit_data: { bytes: 1MiB }", "limit_data 1MiB"),
            ("ack_loss: { percent: 5%, match: { type: put } }", "ack_loss 5% type:put"),
            (
                "netem: 'delay 75ms 100ms distribution normal loss 0.1%'",
                "delay 75ms ± 100ms normal; loss 0.1%"
            ),
            ("netem: 'rate 1mbit', delay: 5ms", "delay 5ms; rate 1mbit"),
            ("coalesce: { hold: 20ms }", "coalesce 20ms"), ("corrupt: 1%", "corrupt 1%"),
        ])
    func faults(text: String, shown: String) throws {
        let scenario = try self.scenario("network: { links: { n1->n2: { \(text) } } }")
        #expect(scenario.network.rules[0].faults.map(\.text).joined(separator: "; ") == shown)
    }

    @Test func withATableOfItsOwn() throws {
        let scenario = try self.scenario(
            """
            network:
              links:
                n1->n2: { delay: { latency: 1s, jitter: 1ms, distribution: table, table: [-8192, 0, 8192] } }
            """)
        guard case .delay(let delay) = scenario.network.rules[0].faults[0] else {
            Issue.record("no delay")
            return
        }
        #expect(delay.table == [-8192, 0, 8192] && delay.distribution == .table)
    }

    @Test(
        "with partitions in each spelling",
        arguments: [
            "n1 / n2 n3", "'n1 / n2, n3'", "[[n1], [n2, n3]]", "[n1, [n2, n3]]",
        ])
    func partitions(text: String) throws {
        let entry = try self.entry("{ at: 1s, partition: \(text), mode: hold, port: peer }")
        let split = try Partition(parsing: "n1 / n2 n3")
        #expect(entry.action == .partition(split, mode: .hold, port: "peer"))
    }

    @Test(
        "with actions of each kind",
        arguments: [
            ("isolate: any", "isolate"), ("isolate: n1 n2", "isolate n1 n2"),
            ("isolate: [n1, n2]", "isolate n1 n2"), ("partition: isolate any", "isolate"),
            ("partition: n1 -> rest", "n1 -> rest"),
            ("partition: majorities-ring", "majorities-ring"),
        ])
    func cuts(text: String, shown: String) throws {
        guard
            case .partition(let partition, nil, nil) = try self.entry("{ at: 1s, \(text) }").action
        else {
            Issue.record("no partition")
            return
        }
        #expect(partition.description == shown)
    }

    @Test func withFaultsThatComeAndGo() throws {
        let short = try self.entry("{ at: 1s, for: 2s, links: n1->n2, delay: 100ms, loss: 1% }")
        let set = try self.entry("{ at: 1s, for: 2s, set: { n1->n2: { delay: 100ms, loss: 1% } } }")
        #expect(short == set)
        let two = try self.entry("{ at: 1s, links: [n1->n2, n2->n1], refuse: }")
        guard case .faults(let rules) = two.action else {
            Issue.record("no faults")
            return
        }
        #expect(rules.map(\.links.description) == ["n1->n2", "n2->n1"])
        #expect(rules.allSatisfy { $0.faults == [.refuse] })
    }

    @Test func withProcessesByNameOrChance() throws {
        #expect(try self.entry("{ at: 1s, kill: any }").action == .process(.kill, .any))
        #expect(
            try self.entry("{ at: 1s, stop: [n1, n2] }").action
                == .process(.stop, .nodes(NodePattern(parsing: "n1,n2"))))
        #expect(
            try self.entry("{ at: 1s, restart: 'n*' }").action
                == .process(.restart, .nodes(NodePattern(parsing: "n*"))))
        #expect(try self.entry("{ at: 1s, heal: all }").action == .heal)
        #expect(try self.entry("{ at: 1s, heal: }").action == .heal)
    }

    @Test func withTimesOfEachKind() throws {
        #expect(try self.entry("{ at: 30%, heal: all }").timing == .at(.share(Ratio(percent: 30))))
        #expect(
            try self.entry("{ every: '15s,5s', for: 10%, isolate: any }").timing
                == .every(
                    interval: .seconds(15), jitter: .seconds(5), from: .time(.seconds(15)),
                    until: nil))
        #expect(
            try self.entry("{ every: 15s +- 5s, from: 10%, until: 1/2, kill: any }").timing
                == .every(
                    interval: .seconds(15), jitter: .seconds(5), from: .share(Ratio(percent: 10)),
                    until: .share(Ratio(percent: 50))))
        #expect(
            try self.entry("{ when: became leader, kill: that }").timing
                == .when(Trigger(.log("became leader"))))
        #expect(
            try self.entry(
                "{ when: { message: { type: x }, node: n1, times: always }, kill: that }"
            )
            .timing
                == .when(
                    Trigger(.message(MessageMatch(type: "x")), nodes: NodePattern("n1"), times: nil)
                ))
    }

    @Test func withNemesesAndBudgets() throws {
        #expect(
            try self.entry("{ at: 1s, nemesis: kill, budget: all, mode: reject }").action
                == .nemesis([.kill], budget: .all, mode: .reject))
        #expect(
            try self.entry("{ at: 1s, nemesis: [kill, one-way], budget: 2 }").action
                == .nemesis([.kill, .oneWay], budget: .nodes(2), mode: nil))
    }

    @Test func withAnExpectedVerdict() throws {
        #expect(
            try self.scenario("expect: { verdict: invalid, anomaly: lost }").expectation
                == Scenario.Expectation(verdict: "invalid", anomaly: "lost"))
        #expect(try self.scenario("expect: unknown").expectation?.verdict == "unknown")
        #expect(
            try self.scenario("workload: broadcast").workload == WorkloadSpec(kind: "broadcast"))
    }

    @Test func withAProfileThatBuildsOnAnother() throws {
        var parser = ScenarioParser()
        parser.findProfile = { name in
            let text =
                name == "mine"
                ? "name: mine\nnetwork: { profile: base, mode: hold, links: { n1->n2: { loss: 1% } } }"
                : "name: base\nnetwork: { limit: 1MiB, links: { '*->*': { delay: 1ms } } }"
            return ["mine", "base"].contains(name)
                ? ScenarioParser.ProfileText(file: "\(name).yaml", text: text) : nil
        }
        let network = try parser.scenario("network: { profile: mine }", file: "a.yaml").network
        #expect(
            network.rules.map { "\($0.links) \($0.faults[0].text)" } == [
                "*->* delay 1ms", "n1->n2 loss 1%",
            ])
        #expect(network.partitionMode == .hold && network.queueLimit == ByteCount(1 << 20))
    }
}

@Suite("A log pattern")
struct LogPatternTests {
    @Test(
        "matches",
        arguments: [
            ("leader", "new leader", true), ("leader", "Leader", false), ("/^a.c$/", "abc", true),
            ("/^a.c$/", "xabc", false), ("/b+/", "abbc", true), ("/", "a/b", true),
            ("//", "a//b", true),
            ("/a", "x/a", true), ("a.c", "abc", false),
        ])
    func match(pattern: String, line: String, isMatch: Bool) throws {
        #expect(try LogPattern(parsing: pattern).matches(line) == isMatch)
    }
}
