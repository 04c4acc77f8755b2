import ArgumentParser
import ChaosCore
import ChaosRun
import ChaosScenario

/// Runs a cluster behind the network that a scenario or options describe.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a cluster, or one command beside explicit links, behind a faulty network.",
        discussion: """
            Three ways to say what runs:
              chaos run scenario.yaml                          the nodes of a scenario
              chaos run --nodes 3 -- ./kv --listen {listen} --peers {peers}
                                                               the same command three times
              chaos run --link db=127.0.0.1:5432 -- make check
                                                               one command; it finds the proxied
                                                               address in CHAOS_LINK_DB
            A scenario may have a command behind '--' too: it runs beside the nodes, and its end is
            the run's end. It may report what it does and sees, one JSON object a line, to the file in
            CHAOS_HISTORY; the scenario's checks judge that.
            """)

    @Argument(help: "The scenario's file.")
    var scenario: String?

    @Option(help: "Run the command this many times, as n1, n2, ….")
    var nodes: Int?

    @Option(help: "The network profile; 'chaos profiles' lists them.")
    var profile: String?

    @Option(help: "The seed of every decision; without it one is drawn and printed.")
    var seed: String?

    @Option(
        name: .customLong("port"), help: "With --nodes: a port's name, or NAME=NUMBER; repeatable.")
    var ports: [String] = []

    @Option(help: "How messages are told apart, as PORT=FRAMING; repeatable.")
    var framing: [String] = []

    @Option(
        name: .customLong("link"),
        help: "A link to a server that runs already, as NAME=HOST:PORT; repeatable.")
    var links: [String] = []

    @Option(
        name: .customLong("set"),
        help: "Faults on links from the start, as 'n1->n2 delay=100ms loss=1%'; repeatable.")
    var faults: [String] = []

    @OptionGroup var shared: SharedRunOptions

    @Argument(parsing: .postTerminator, help: "The command, behind '--'.")
    var command: [String] = []

    func run() async throws {
        let exitCode = await runReporting {
            let backend = try self.shared.parsedBackend()
            let duration = try self.shared.parsedDuration()
            let assembled = try self.assembleScenario(duration, backend)
            let (scenario, choice) = try settleBackends(of: [assembled])[0]
            let seed = try readSeed(self.seed) ?? scenario.seed ?? drawSeed()
            let console = TerminalConsole(showsNodes: true)
            defer { console.finish() }
            var settings = RunSettings(
                scenario: scenario, seed: seed, duration: duration,
                wrapped: self.nodes == nil ? self.command : [], runsFolder: self.shared.runs,
                repeatCommand: repeatCommand(seed: seed),
                console: self.shared.quiet ? .silent : console.console, version: chaosVersion,
                ownsProcess: true)
            settings.tracedMessages = try self.shared.parsedTrace()
            settings.backendReason = choice.reason
            let outcome = try await execute(settings)
            console.finish()
            report(outcome, json: self.shared.json, isWrapped: !settings.wrapped.isEmpty)
            reportToGitHub([(self.scenario, outcome.result)])
            return outcome.exitCode
        }
        throw ExitCode(exitCode)
    }

    /// The scenario of the file with what the options add, or one made of the options alone.
    private func assembleScenario(
        _ duration: Duration?, _ backend: Backend
    ) throws -> Scenario {
        var scenario: Scenario
        if let file = self.scenario {
            if self.nodes != nil {
                throw InputError("--nodes and a scenario exclude each other", found: file)
            }
            scenario = try readScenario(file, length: duration, backend: backend)
        } else {
            scenario = Scenario(name: self.command.first.map(Self.baseName) ?? "run")
            scenario.backend = backend
            try self.addNodes(to: &scenario)
        }
        try self.addFraming(to: &scenario)
        try self.addLinks(to: &scenario)
        if let name = self.profile {
            let profile = try ScenarioFile.profile(name)
            scenario.use(profile)
        }
        for text in self.faults { scenario.network.rules.append(try Self.rule(text)) }
        if scenario.nodes.isEmpty && scenario.externalLinks.isEmpty {
            throw InputError(
                "there is nothing to run",
                hint:
                    "give a scenario's file, '--nodes N -- COMMAND' or '--link NAME=HOST:PORT -- COMMAND'"
            )
        }
        try ScenarioFile.checkAgain(scenario, length: duration)
        return scenario
    }

    private static func baseName(_ path: String) -> String {
        String(path.split(separator: "/").last ?? "run")
    }

    private func addNodes(to scenario: inout Scenario) throws(InputError) {
        guard let count = self.nodes else {
            if !self.ports.isEmpty {
                throw InputError("--port needs --nodes", found: self.ports[0])
            }
            return
        }
        guard (1...254).contains(count) else {
            throw InputError("--nodes: a cluster has 1 to 254 nodes", found: String(count))
        }
        if self.command.isEmpty {
            throw InputError(
                "--nodes needs a command behind '--'",
                hint: "chaos run --nodes \(count) -- ./kv --listen {listen} --peers {peers}")
        }
        var ports: [PortSpec] = []
        for text in self.ports {
            let parts = text.split(separator: "=", maxSplits: 1)
            let name = try PortName(parsing: String(parts.first ?? ""))
            var number: UInt16?
            if parts.count == 2 {
                number = UInt16(parts[1])
                if number == nil {
                    throw InputError("--port: a port's number is 1 to 65535", found: text)
                }
            }
            ports.append(PortSpec(name: name, number: number))
        }
        for index in 1...count {
            var node = NodeSpec(name: NodeName("n\(index)"), command: .words(self.command))
            if !ports.isEmpty { node.ports = ports }
            scenario.nodes.append(node)
        }
    }

    private func addFraming(to scenario: inout Scenario) throws(InputError) {
        for text in self.framing {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let port = parts.count == 2 ? parts[0] : "main"
            let word = parts.last ?? ""
            guard let framing = Framing(rawValue: word) else {
                let known = Framing.allCases.map(\.rawValue)
                throw InputError(
                    "--framing: there is no such framing", found: text,
                    hint: Suggestion.hint(for: word, among: known))
            }
            scenario.network.framing[try PortName(parsing: port)] = framing
        }
    }

    private func addLinks(to scenario: inout Scenario) throws(InputError) {
        for text in self.links {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw InputError(
                    "--link is written NAME=HOST:PORT", found: text,
                    hint: "for example '--link db=127.0.0.1:5432'")
            }
            scenario.externalLinks.append(
                ExternalLink(
                    name: try NodeName(parsing: parts[0]), upstream: try Endpoint(parsing: parts[1])
                ))
        }
        if !self.links.isEmpty && self.command.isEmpty {
            throw InputError(
                "--link needs a command behind '--'",
                hint: "chaos run --link \(self.links[0]) -- make check")
        }
    }

    private static func rule(_ text: String) throws(InputError) -> FaultRule {
        let words = text.split(separator: " ").map(String.init)
        guard let link = words.first, words.count > 1 else {
            throw InputError(
                "--set is a link and at least one fault", found: text,
                hint: "for example --set 'n1->n2 delay=100ms'")
        }
        return FaultRule(
            links: try LinkPattern(parsing: link),
            faults: try FaultText.parse(Array(words.dropFirst())))
    }
}
