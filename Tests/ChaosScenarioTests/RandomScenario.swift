import ChaosCore
import ChaosScenario

/// Makes random faults, schedules and scenarios that break no rule.
struct RandomScenario {
    var generator: Generator

    init(seed: UInt64) { self.generator = Seed(seed).generator }

    mutating func flip() -> Bool { self.generator.next(below: 2) == 0 }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + self.generator.next(below: range.count)
    }

    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[self.generator.next(below: values.count)]
    }

    mutating func maybe<Value>(_ make: (inout RandomScenario) -> Value) -> Value? {
        self.flip() ? make(&self) : nil
    }

    mutating func time() -> Duration {
        let units: [Int64] = [1, 1000, 1_000_000, 1_000_000_000]
        return .nanoseconds(self.pick(units) * Int64(self.number(1...999)))
    }

    mutating func ratio() -> Ratio {
        Ratio(billionths: Int64(self.number(0...1000)) * self.pick([1, 1000, 1_000_000]))
    }

    mutating func size() -> ByteCount {
        ByteCount(self.pick([1, 1000, 1024, 1 << 20]) * self.number(1...900))
    }

    /// Texts that YAML reads otherwise without quotes, among others.
    mutating func text() -> String {
        self.pick([
            "x", "on", "no", "1:30", "010", "~", "null", "", " a ", "a: b", "a #b", "'q'", "\"",
            "*a", "&a", "!x", "%x", "@x", "`", "{a}", "[a]", "a, b", "- x", "? y", "é ± 😀", "a\nb",
            "tab\there", "\u{0}", "\u{1b}[1m", "\u{85}\u{2028}\u{feff}", "\\", "true", "1e3", "=",
            "<<", "--- a", "...", "a:", ":a", "#", "{listen}", "0x1F", "trailing ",
        ])
    }

    mutating func match() -> MessageMatch {
        var match = MessageMatch(
            type: self.pick(["a", "append_entries"]),
            direction: self.maybe { $0.pick(MessageMatch.Direction.allCases) },
            nth: self.maybe { $0.number(1...9) }, after: self.maybe { $0.number(1...9) })
        match.first = self.maybe { $0.number(10...20) }
        for index in 0..<self.number(0...2) {
            match.fields.append(
                .init(path: "body.f\(index)", value: self.pick(["x", "1", "true"])))
        }
        return match
    }

    mutating func occurrence() -> Fault.Occurrence {
        self.flip() ? .nth(self.number(1...99)) : .random(self.ratio(), correlation: self.ratio())
    }

    mutating func fault(_ kind: FaultKind) -> Fault {
        let match = self.maybe { $0.match() }
        switch kind {
        case .delay:
            return .delay(
                Fault.Delay(
                    latency: self.time(), jitter: self.maybe { $0.time() } ?? .zero,
                    distribution: self.pick([.uniform, .normal, .pareto, .exponential]),
                    correlation: self.ratio(), match: match))
        case .loss:
            if self.flip() { return .loss(Fault.Loss(.plain(self.occurrence()), match: match)) }
            let model = Fault.GilbertElliott(
                p: self.ratio(), r: self.ratio(), lossInBad: self.ratio(), lossInGood: self.ratio())
            return .loss(Fault.Loss(.gilbertElliott(model), match: match))
        case .duplicate: return .duplicate(Fault.MessageFault(self.occurrence(), match: match))
        case .ackLoss: return .ackLoss(Fault.MessageFault(self.occurrence(), match: match))
        case .reorder:
            return .reorder(
                Fault.Reorder(
                    self.occurrence(), gap: self.maybe { $0.number(1...9) }, hold: self.time(),
                    match: match))
        case .corrupt:
            return .corrupt(
                Fault.Corrupt(self.occurrence(), bits: self.number(1...9), match: match))
        case .rate:
            return .rate(
                Fault.Rate(
                    Bandwidth(
                        bitsPerSecond: Int64(self.number(8...9999)) * self.pick([1, 1000, 999_999])),
                    burst: self.size(), limit: self.maybe { $0.size() },
                    scope: self.pick(Fault.Rate.Scope.allCases)))
        case .slicer:
            return .slicer(
                Fault.Slicer(
                    averageSize: ByteCount(self.number(100...999)),
                    sizeVariation: ByteCount(self.number(0...99)), delay: self.time()))
        case .limitData: return .limitData(self.size())
        case .slowClose: return .slowClose(self.time())
        case .resetPeer: return .resetPeer(after: self.time())
        case .timeout: return .timeout(after: self.time())
        case .acceptDelay: return .acceptDelay(self.time())
        case .coalesce: return .coalesce(hold: self.time())
        case .refuse: return .refuse
        }
    }

    mutating func faults() -> [Fault] {
        var kinds = FaultKind.allCases.filter { _ in self.number(0...5) == 0 }
        if kinds.isEmpty { kinds = [.delay] }
        return kinds.map { self.fault($0) }
    }

    mutating func rule() -> FaultRule {
        let patterns = ["*->*", "n1->n2", "n1<->n3", "client->n1:peer", "n1..n2->n*", "n1,n2->n3"]
        let links = (try? LinkPattern(parsing: self.pick(patterns))) ?? .betweenNodes
        return FaultRule(links: links, faults: self.faults())
    }

    mutating func point() -> TimePoint {
        self.flip()
            ? .time(.milliseconds(self.number(1...999)))
            : .share(Ratio(percent: self.number(1...9)))
    }

    mutating func action(isTriggered: Bool) -> ScheduleAction {
        let mode = self.maybe { $0.pick([PartitionMode.drop, .hold, .lose, .newOnly]) }
        switch self.number(0...5) {
        case 0:
            let texts = [
                "n1 / n2 n3", "n1 / rest", "n1,n2 -> n3", "isolate n2", "halves", "random-halves",
                "majority", "majorities-ring", "bridge", "isolate", "n1..n2 / n3*", "client / n1",
            ]
            let partition = (try? Partition(parsing: self.pick(texts))) ?? .halves
            return .partition(partition, mode: mode, port: self.maybe { _ in "peer" })
        case 1: return .faults((0..<self.number(1...3)).map { _ in self.rule() })
        case 2:
            let pattern =
                (try? NodePattern(parsing: self.pick(["n1", "n1,n2", "n*", "n1..n2"]))) ?? .all
            let selectors: [NodeSelector] = [.nodes(pattern), .any, isTriggered ? .that : .any]
            return .process(self.pick([.kill, .stop, .pause]), self.pick(selectors))
        case 3:
            let kinds = NemesisKind.allCases.filter { _ in self.flip() }
            return .nemesis(
                kinds.isEmpty ? [.kill] : kinds, budget: self.pick([.minority, .nodes(2), .all]),
                mode: mode)
        case 4: return .heal
        default: return .process(self.pick([.restart, .resume]), .any)
        }
    }

    mutating func entry(_ index: Int) -> ScheduleEntry {
        let timing: ScheduleEntry.Timing
        switch self.number(0...2) {
        case 0: timing = .at(self.point())
        case 1:
            let time = self.number(5...999)
            timing = .every(
                interval: .milliseconds(time), jitter: .milliseconds(self.number(0...time)),
                from: self.point(), until: self.maybe { _ in .time(.seconds(50)) })
        default:
            timing = .when(
                Trigger(
                    self.flip()
                        ? .log(self.pick(["a b", "/x[0-9]+'/", "#", "a: b"]))
                        : .message(self.match()),
                    nodes: self.pick([.all, NodePattern("n1")]),
                    times: self.pick([1, 3, nil])))
        }
        var isTriggered = false
        if case .when = timing { isTriggered = true }
        let action = self.action(isTriggered: isTriggered)
        var duration: TimePoint? = self.point()
        switch action {
        case .heal, .process(.restart, _), .process(.resume, _): duration = nil
        default: break
        }
        let id = self.flip() ? "schedule[\(index)]" : "mine[\(index)]"
        return ScheduleEntry(id: id, timing: timing, duration: duration, action: action)
    }

    mutating func scenario() -> Scenario {
        var scenario = Scenario(name: self.pick(["x", "on", "a: b", "010"]))
        scenario.summary = self.text()
        scenario.seed = self.maybe { Seed($0.generator.next()) }
        scenario.here = self.maybe { "/a folder/\($0.number(1...9))" }
        scenario.addressing = self.pick(Scenario.Addressing.allCases)
        scenario.duration = .seconds(60)
        for name: NodeName in ["n1", "n2", "n3"] {
            var node = NodeSpec(name: name, command: .words(["x", self.text(), self.text()]))
            if self.flip() { node.command = .text("run " + self.text()) }
            node.ports = [
                PortSpec(name: "peer", number: self.maybe { UInt16($0.number(1...65535)) }),
                PortSpec(name: "client", transport: self.pick([.tcp, .unix])),
            ]
            for key in ["A", "on"] {
                node.environment.append(
                    EnvironmentVariable(name: key, value: self.text().filter { $0 != "\u{0}" }))
            }
            node.directory = self.maybe { _ in "/tmp/{node}" }
            if self.flip() {
                node.ready = [.tcp("peer"), .log("a b"), .http(path: "/h", port: "client")]
            }
            node.readyWithin = self.time()
            node.restart = self.pick(RestartPolicy.allCases)
            scenario.nodes.append(node)
        }
        scenario.externalLinks = [
            ExternalLink(name: "db", upstream: .tcp(host: "127.0.0.1", port: 5432)),
            ExternalLink(
                name: "cache", upstream: .unix(path: "/tmp/a b"), listen: .tcp(host: "::1", port: 0)
            ),
        ]
        scenario.network.profile = self.maybe { _ in "lan" }
        scenario.network.framing = ["peer": .lines, "client": .resp]
        scenario.network.partitionMode = self.maybe { _ in .hold }
        scenario.network.queueLimit = self.size()
        scenario.network.rules = (0..<self.number(0...5)).map { _ in self.rule() }
        scenario.schedule = (0..<self.number(0...6)).map { self.entry($0) }
        let parameters: JSONObject = [
            "rate": "100/s", "on": .string(self.text()), "list": ["a", .string(self.text()), []],
            "map": ["k": .string(self.text()), "e": [:]],
        ]
        scenario.workload = self.maybe {
            WorkloadSpec(kind: "kv", parameters: parameters, duration: $0.time())
        }
        scenario.checks = [
            CheckSpec(name: "linearizable"), CheckSpec(name: "x", parameters: parameters),
        ]
        scenario.expectation = self.maybe {
            .init(verdict: "invalid", anomaly: $0.maybe { _ in "lost" })
        }
        return scenario
    }
}
