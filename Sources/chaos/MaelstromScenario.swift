import ChaosCheckers
import ChaosCore
import ChaosScenario
import ChaosWorkloads
import Foundation

/// Makes the scenario that a command line of Maelstrom's describes.
struct MaelstromScenario {
    let options: MaelstromOptions
    /// What stands behind '--'.
    let arguments: [String]

    private static let defaultNodes = ["n1", "n2", "n3", "n4", "n5"]
    private static let defaultLimit = Duration.seconds(60)
    private static let defaultRecovery = Duration.seconds(10)
    private static let defaultInterval = Duration.seconds(10)

    /// The scenario of one run: what the nemesis does and when follows from the seed.
    ///
    /// - Throws: `InputError` for the first flag that is wrong.
    func scenario(seed: Seed) throws(InputError) -> Scenario {
        let kind = self.options.workload ?? "lin-kv"
        var scenario = Scenario(name: kind)
        let program = try self.program()
        for name in try self.nodeNames() {
            var node = NodeSpec(
                name: name,
                command: .words(([program] + self.arguments).map(Self.escaped)))
            node.speech = .maelstrom
            node.directory = self.options.directory ?? "{dir}"
            scenario.nodes.append(node)
        }
        scenario.assumeMessages()
        scenario.network.rules = try self.rules(scenario)
        let limit = try self.seconds(self.options.timeLimit, "--time-limit") ?? Self.defaultLimit
        scenario.workload = try self.workload(kind, limit, nodes: scenario.nodes.count)
        scenario.schedule = try self.schedule(seed, limit)
        scenario.checks = try self.checks(scenario)
        for check in scenario.checks {
            _ = try makeChecker(name: check.name, parameters: check.parameters)
        }
        if let problem = ScenarioRules(scenario).problems().first { throw problem.error }
        return scenario
    }

    // MARK: - Nodes

    /// The program's absolute path, for nodes start in folders of their own.
    private func program() throws(InputError) -> String {
        guard let text = self.options.bin else {
            throw InputError(
                "--bin: a test of Maelstrom nodes needs their program",
                hint: "for example 'chaos test -w echo --bin ./echo.py'")
        }
        let files = FileManager.default
        let here = files.currentDirectoryPath
        let path = text.hasPrefix("/") ? text : "\(here)/\(text)"
        var isDirectory: ObjCBool = false
        if files.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue {
            if files.isExecutableFile(atPath: path) {
                return URL(fileURLWithPath: path).standardizedFileURL.path
            }
            throw InputError(
                "--bin: the program may be run", found: text, hint: "chmod +x \(text)")
        }
        if isDirectory.boolValue {
            throw InputError("--bin: a program is a file, and this is a folder", found: text)
        }
        // Programs on the PATH, chaos' own among them.
        if !text.contains("/"), !text.contains(" ") { return text }
        throw InputError(
            "--bin: there is no such program", found: text,
            hint: text.contains(" ")
                ? "the program alone stands here; its arguments stand behind '--'" : nil)
    }

    /// A word that the placeholders of commands leave as it is.
    private static func escaped(_ word: String) -> String {
        word.replacingOccurrences(of: "{", with: "{{").replacingOccurrences(of: "}", with: "}}")
    }

    private func nodeNames() throws(InputError) -> [NodeName] {
        if let count = self.options.nodeCount {
            guard (1...250).contains(count) else {
                throw InputError("--node-count is a number from 1 to 250", found: String(count))
            }
            return (0..<count).map { NodeName("n\($0)") }
        }
        var texts = self.options.node
        if let list = self.options.nodes {
            texts += list.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        }
        if texts.isEmpty { texts = Self.defaultNodes }
        var names: [NodeName] = []
        for text in texts {
            let name: NodeName
            do throws(InputError) { name = try NodeName(parsing: text) } catch {
                throw InputError("--nodes: \(error.rule)", found: error.found)
            }
            if text.hasPrefix("c") || name.isService {
                throw InputError(
                    "--nodes: names that begin with 'c' are clients', and services have names of"
                        + " their own", found: text, hint: "n1, n2, … are usual")
            }
            if names.contains(name) {
                throw InputError("--nodes: a node is named once", found: text)
            }
            names.append(name)
        }
        return names
    }

    // MARK: - Network

    private func rules(_ scenario: Scenario) throws(InputError) -> [FaultRule] {
        var rules: [FaultRule] = []
        if let delay = try self.delay() {
            rules.append(FaultRule(links: .betweenNodes, faults: [.delay(delay)]))
            // As in Maelstrom, services are as far away as other nodes.
            let services = NodeName.services.map(\.text).joined(separator: ",")
            let pattern = try LinkPattern(parsing: "*<->\(services)")
            rules.append(FaultRule(links: pattern, faults: [.delay(delay)]))
        } else if self.options.latencyDist != nil, self.options.latency == nil {
            throw InputError("--latency-dist needs --latency", hint: "for example '--latency 100'")
        }
        var faults: [Fault] = []
        if let share = try self.share(self.options.loss, "--loss") {
            faults.append(.loss(Fault.Loss(.plain(.random(share, correlation: .zero)))))
        }
        if let share = try self.share(self.options.duplicate, "--duplicate") {
            faults.append(.duplicate(Fault.MessageFault(.random(share, correlation: .zero))))
        }
        if let share = try self.share(self.options.reorder, "--reorder") {
            faults.append(.reorder(Fault.Reorder(.random(share, correlation: .zero))))
        }
        if !faults.isEmpty { rules.append(FaultRule(links: .betweenNodes, faults: faults)) }
        let clients = LinkPattern(NodePattern(.client), .all, isBothWays: true)
        faults = []
        if let latency = try self.milliseconds(self.options.clientLatency, "--client-latency"),
            latency > .zero
        {
            faults.append(.delay(Fault.Delay(latency: latency)))
        }
        if let share = try self.share(self.options.clientLoss, "--client-loss") {
            faults.append(.loss(Fault.Loss(.plain(.random(share, correlation: .zero)))))
        }
        if !faults.isEmpty { rules.append(FaultRule(links: clients, faults: faults)) }
        return rules
    }

    private enum Spread: String, CaseIterable { case constant, uniform, exponential }

    private func delay() throws(InputError) -> Fault.Delay? {
        let text = self.options.latencyDist ?? Spread.constant.rawValue
        guard let spread = Spread(rawValue: text) else {
            throw Self.unknown(text, "--latency-dist", among: Spread.allCases.map(\.rawValue))
        }
        guard let mean = try self.milliseconds(self.options.latency, "--latency"), mean > .zero
        else { return nil }
        switch spread {
        case .constant: return Fault.Delay(latency: mean)
        case .uniform:
            return Fault.Delay(
                latency: mean, jitter: mean, distribution: .uniform, order: .free)
        case .exponential:
            return Fault.Delay(
                latency: .zero, jitter: mean, distribution: .exponential, order: .free)
        }
    }

    // MARK: - Workload

    private func workload(
        _ kind: String, _ limit: Duration, nodes: Int
    ) throws(InputError) -> WorkloadSpec {
        let isRegister = kind == "lin-kv"
        var parameters: JSONObject = ["loop": "closed"]
        parameters["rate"] = .string(try self.rate())
        let concurrency = self.options.concurrency ?? (isRegister ? "2n" : "1n")
        parameters["concurrency"] = .string(concurrency)
        if isRegister { try Self.checkRegister(concurrency, nodes: nodes) }
        // As Maelstrom's clients: a register's wait ten times the latency, at least a second.
        let latency = try self.milliseconds(self.options.latency, "--latency") ?? .zero
        let timeout = isRegister ? max(.seconds(1), latency * 10) : .seconds(5)
        parameters["timeout"] = .string(timeout.text)
        parameters["recovery"] = .string(
            (try self.seconds(self.options.recoveryTime, "--recovery-time")
                ?? Self.defaultRecovery).text)
        let others: [(key: String, value: String?, users: [String])] = [
            ("topology", self.options.topology, ["broadcast"]),
            ("key_count", self.options.keyCount, ["txn-list-append", "txn-rw-register", "kafka"]),
            (
                "max_txn_length", self.options.maxTxnLength,
                ["txn-list-append", "txn-rw-register"]
            ),
            (
                "max_writes_per_key", self.options.maxWritesPerKey,
                ["txn-list-append", "txn-rw-register", "kafka"]
            ),
        ]
        // As in Maelstrom, a flag that the workload has no use for is no mistake.
        for other in others where other.users.contains(kind) {
            if let value = other.value { parameters[other.key] = .string(value) }
        }
        return WorkloadSpec(kind: kind, parameters: parameters, duration: limit)
    }

    private func rate() throws(InputError) -> String {
        guard let text = self.options.rate else { return "5/s" }
        if text.hasSuffix("/s") || text.hasSuffix("/m") { return text }
        guard let rate = Double(text), rate >= 0, rate <= 1_000_000 else {
            throw InputError("--rate is a number of operations per second", found: text)
        }
        if rate == 0 { return "0" }
        return "\(text)/s"
    }

    /// Each key has readers and writers at every node, in groups.
    private static func checkRegister(_ concurrency: String, nodes: Int) throws(InputError) {
        let isFactor = concurrency.hasSuffix("n")
        guard let number = Int(isFactor ? String(concurrency.dropLast()) : concurrency) else {
            return
        }
        let count = isFactor ? number * nodes : number
        if count > 0, count % (2 * nodes) == 0 { return }
        throw InputError(
            "--concurrency: 'lin-kv' needs a multiple of two clients a node (\(2 * nodes))",
            found: concurrency, hint: "write '--concurrency 2n' or '4n'")
    }

    // MARK: - Nemesis

    /// Cuts of one kind each, as Maelstrom draws them: one node, a minority, half, or a ring of
    /// majorities, the same in both directions.
    private static let partition: [NemesisKind] = [
        .isolate, .majority, .randomHalves, .majoritiesRing,
    ]

    private func nemesisKinds() throws(InputError) -> [NemesisKind] {
        guard let text = self.options.nemesis else { return [] }
        var kinds: [NemesisKind] = []
        for word in text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init) {
            guard let kind = NemesisKind(rawValue: word) else {
                throw Self.unknown(word, "--nemesis", among: NemesisKind.allCases.map(\.rawValue))
            }
            kinds += kind == .partition ? Self.partition : [kind]
        }
        return kinds
    }

    /// On and off by turns, each for half to one and a half intervals. In contrast to Maelstrom's
    /// schedule each time is long enough to matter, and none begins too late to touch anything.
    private func schedule(
        _ seed: Seed, _ limit: Duration
    ) throws(InputError) -> [ScheduleEntry] {
        let interval =
            try self.seconds(self.options.nemesisInterval, "--nemesis-interval")
            ?? Self.defaultInterval
        let budget = try self.budget()
        let kinds = try self.nemesisKinds()
        if kinds.isEmpty { return [] }
        if interval <= .zero {
            throw InputError(
                "--nemesis-interval is longer than nothing",
                found: self.options.nemesisInterval ?? "")
        }
        var generator = seed.derived("nemesis").generator
        func turn() -> Duration {
            let drawn = generator.duration(around: interval, spread: interval / 2)
            // Whole milliseconds read better.
            return .milliseconds(max(1, drawn.wholeNanoseconds / 1_000_000))
        }
        var entries: [ScheduleEntry] = []
        var begin = min(interval, limit) / 10
        while begin < limit * 8 / 10 {
            let lasting = turn()
            entries.append(
                ScheduleEntry(
                    id: "nemesis\(entries.count + 1)", timing: .at(.time(begin)),
                    duration: .time(min(lasting, limit - begin)),
                    action: .nemesis(kinds, budget: budget, mode: nil)))
            begin += lasting + turn()
        }
        return entries
    }

    private func budget() throws(InputError) -> Budget {
        switch self.options.nemesisBudget {
        case nil, "all"?: return .all
        case "minority"?: return .minority
        case let text?:
            if let count = Int(text), count > 0 { return .nodes(count) }
            throw InputError("--nemesis-budget is 'minority', 'all' or a number", found: text)
        }
    }

    // MARK: - Checks

    private func checks(_ scenario: Scenario) throws(InputError) -> [CheckSpec] {
        guard let workload = scenario.workload else { return [] }
        var checks: [CheckSpec] = []
        for request in try makeWorkload(workload).defaultChecks {
            var check = CheckSpec(name: request.name, parameters: request.parameters)
            if let models = self.options.consistencyModels, workload.kind.hasPrefix("txn") {
                let names = models.split(whereSeparator: { $0 == "," || $0 == " " })
                check.parameters["consistency_models"] = .array(names.map { .string(String($0)) })
            }
            checks.append(check)
        }
        checks.append(CheckSpec(name: "stats"))
        if let text = self.options.availability {
            checks.append(
                CheckSpec(
                    name: "availability",
                    parameters: ["at_least": .string(try Self.availability(text))]))
        }
        var assertions = JSONObject()
        for text in self.options.assertions {
            let (metric, condition) = try AssertionChecker.split(text)
            if let other = assertions[metric]?.stringValue {
                assertions[metric] = .string("\(other), \(condition)")
            } else {
                assertions[metric] = .string(condition)
            }
        }
        if !assertions.members.isEmpty {
            checks.append(CheckSpec(name: "assert", parameters: assertions))
        }
        return checks
    }

    /// `total`, or Maelstrom's number from 0 to 1, as the checker reads it.
    private static func availability(_ text: String) throws(InputError) -> String {
        if text == "total" || text.hasSuffix("%") { return text }
        guard let share = Double(text), (0...1).contains(share) else {
            throw InputError(
                "--availability is 'total' or a number from 0 to 1", found: text)
        }
        return Ratio(billionths: Int64((share * 1e9).rounded())).text
    }

    // MARK: - Texts

    private func seconds(_ text: String?, _ flag: String) throws(InputError) -> Duration? {
        try Self.duration(text, flag, unit: "s")
    }

    private func milliseconds(_ text: String?, _ flag: String) throws(InputError) -> Duration? {
        try Self.duration(text, flag, unit: "ms")
    }

    /// A number in the unit that Maelstrom means, or one with a unit of its own.
    private static func duration(
        _ text: String?, _ flag: String, unit: String
    ) throws(InputError) -> Duration? {
        guard let text else { return nil }
        let isBare = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        do throws(InputError) { return try Duration(parsing: isBare ? text + unit : text) } catch {
            throw InputError(
                "\(flag): \(error.rule)", found: text, hint: "a number alone is in \(unit)")
        }
    }

    private func share(_ text: String?, _ flag: String) throws(InputError) -> Ratio? {
        guard let text else { return nil }
        do throws(InputError) { return try Ratio(parsing: text) } catch {
            throw InputError("\(flag): \(error.rule)", found: error.found, hint: error.hint)
        }
    }

    private static func unknown(
        _ word: String, _ flag: String, among known: [String]
    ) -> InputError {
        InputError(
            "\(flag) is one of \(known.joined(separator: ", "))", found: word,
            hint: Suggestion.nearest(to: word, among: known).map { "did you mean '\($0)'?" })
    }
}
