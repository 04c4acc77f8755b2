import ArgumentParser
import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// Runs scenarios to their verdicts, for CI.
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Runs scenarios to their verdicts, for CI.",
        discussion: """
            The exit code is 0 when every verdict is valid or what its scenario expects, 1 when one \
            is invalid, 2 when one is unknown (also: a fault touched nothing), 75 when a node died.
            A command behind '--' runs beside the nodes of every scenario, and its end is that run's
            end; what it reports to the file in CHAOS_HISTORY is what the checks judge.

            With -w or --bin it takes the place of 'maelstrom test': --bin is a node that speaks
            Maelstrom's protocol on standard input and output, and what stands behind '--' are its
            arguments. Flags mean what they mean there (docs/MAELSTROM.md).
            """)

    // One array cannot follow another (ArgumentParser's rule), so this takes both.
    @Argument(help: "The scenarios' files; behind '--' a command that runs beside the nodes.")
    var words: [String] = []

    /// The command behind '--', if there is one.
    private var command: [String] {
        Array(Swift.CommandLine.arguments.drop { $0 != "--" }.dropFirst())
    }

    private var scenarios: [String] { self.words.dropLast(self.command.count) }

    @Option(help: "The seed of every decision; wins over the file's.")
    var seed: String?

    @Option(help: "Run each scenario with each of these seeds, as A..B.")
    var seeds: String?

    @Option(help: "Write the verdicts as JUnit XML to this file.")
    var junit: String?

    @Option(help: "Put each run's report into this folder, as RUN.html, for CI to keep.")
    var report: String?

    @Flag(help: "Show what the nodes print.")
    var nodeOutput = false

    @OptionGroup(title: "Lessons and tries") var changes: ChangeOptions

    @OptionGroup var shared: SharedRunOptions

    @OptionGroup(title: "Maelstrom's nodes") var maelstrom: MaelstromOptions

    func run() async throws {
        let exitCode = await runReporting {
            let backend = try self.shared.parsedBackend()
            // Before anything runs: who finds out after an hour has lost an hour.
            try checkWritable(self.junit, "--junit")
            try self.makeReportFolder()
            let duration = try self.shared.parsedDuration()
            let seeds = try self.readSeeds()
            let repetitions = try self.repetitions()
            if self.maelstrom.isUsed {
                if backend == .lab || backend == .netem {
                    throw RunError(
                        "--backend: Maelstrom's nodes have no network of their own to be in a lab\n"
                            + "hint: leave --backend out")
                }
                return try await self.runMaelstrom(seeds, duration, repetitions)
            }
            if self.scenarios.isEmpty {
                throw InputError(
                    "'chaos test' needs a scenario, or nodes to test",
                    hint: "'chaos test scenario.yaml' or 'chaos test -w echo --bin ./node'")
            }
            let scenarios = try self.readScenarios(duration, backend, self.changes.parsed())
            let settled = try settleBackends(of: scenarios.map(\.scenario))
            return try await self.run(
                zip(scenarios, settled).flatMap { read, settled in
                    (seeds ?? [settled.scenario.seed ?? drawSeed()]).flatMap { seed in
                        Array(
                            repeating: PlannedRun(
                                scenario: settled.scenario, seed: seed, file: read.file,
                                wrapped: self.command, backendReason: settled.choice.reason),
                            count: repetitions)
                    }
                }, duration)
        }
        throw ExitCode(exitCode)
    }

    private func readSeeds() throws(InputError) -> [Seed]? {
        if let seed = try readSeed(self.seed) {
            if self.seeds != nil { throw InputError("--seed and --seeds exclude each other") }
            return [seed]
        }
        guard let text = self.seeds else { return nil }
        let rule = "--seeds is written A..B, with A at most B and at most 10000 seeds"
        guard let dots = text.range(of: "..") else {
            throw InputError(rule, found: text, hint: "for example '--seeds 1..20'")
        }
        let first = try readSeed(String(text[..<dots.lowerBound]), option: "--seeds")
        let last = try readSeed(String(text[dots.upperBound...]), option: "--seeds")
        guard let first, let last, first.value <= last.value, last.value - first.value < 10_000
        else {
            throw InputError(rule, found: text)
        }
        return (first.value...last.value).map { Seed($0) }
    }

    /// Reads all files first: a mistake in the last one must not cost the time of the first.
    private func readScenarios(
        _ duration: Duration?, _ backend: Backend, _ changes: ScenarioChanges
    ) throws -> [(file: String, scenario: Scenario)] {
        var mistakes: [String] = []
        var scenarios: [(file: String, scenario: Scenario)] = []
        for file in self.scenarios {
            do {
                let scenario = try readScenario(
                    file, length: duration, backend: backend, changes: changes)
                scenarios.append((file, scenario))
            } catch let error as Mistakes {
                mistakes.append(error.description)
            } catch let error as RunError {
                mistakes.append(error.description)
            }
        }
        if mistakes.isEmpty { return scenarios }
        throw RunError(mistakes.joined(separator: "\n"), exitCode: ChaosExit.badInput)
    }

    /// How often each run is repeated with the same seed: `--runs 20`.
    private func repetitions() throws(InputError) -> Int {
        guard let runs = Int(self.shared.runs) else { return 1 }
        if (1...10_000).contains(runs) { return runs }
        throw InputError("--runs is a number from 1 to 10000, or a folder", found: self.shared.runs)
    }

    /// The folder of all runs.
    private var runsFolder: String { Int(self.shared.runs) == nil ? self.shared.runs : "runs" }

    /// Runs what a command line of Maelstrom's describes.
    private func runMaelstrom(
        _ seeds: [Seed]?, _ duration: Duration?, _ repetitions: Int
    ) async throws -> Int32 {
        if let word = self.scenarios.first {
            throw InputError(
                "-w tests --bin, and takes no scenarios or other words", found: word,
                hint: "arguments for the nodes stand behind '--'")
        }
        var options = self.maelstrom
        if let duration { options.timeLimit = duration.text }
        let count = options.testCount ?? 1
        guard (1...10_000).contains(count) else {
            throw InputError("--test-count is a number from 1 to 10000", found: String(count))
        }
        let maker = MaelstromScenario(options: options, arguments: self.command)
        var plans: [PlannedRun] = []
        for seed in seeds ?? (0..<count).map({ _ in drawSeed() }) {
            let scenario = try maker.scenario(seed: seed)
            plans += Array(
                repeating: PlannedRun(scenario: scenario, seed: seed), count: repetitions)
        }
        return try await self.run(plans, nil)
    }

    private func makeReportFolder() throws(InputError) {
        guard let folder = self.report else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch { throw InputError("--report: the folder cannot be made", found: folder) }
    }

    /// Copies a run's report to where it is wanted, under the name of the run.
    private func keepReport(_ result: RunResult) throws(InputError) {
        guard let folder = self.report,
            let page = FileManager.default.contents(atPath: "\(result.directory)/report.html")
        else { return }
        let name = (result.directory as NSString).lastPathComponent
        let file = "\(folder)/\(name).html"
        guard FileManager.default.createFile(atPath: file, contents: page) else {
            throw InputError("--report: the file cannot be written", found: file)
        }
    }

    /// One run to come.
    private struct PlannedRun {
        let scenario: Scenario
        let seed: Seed
        /// The scenario's file; `nil` of a command line of Maelstrom's.
        var file: String?
        /// The command beside the cluster.
        var wrapped: [String] = []
        /// Why the scenario's backend is what it is.
        var backendReason: String?
    }

    private func run(_ plans: [PlannedRun], _ duration: Duration?) async throws -> Int32 {
        var results: [RunResult] = []
        var runs: [(file: String?, result: RunResult)] = []
        defer { reportToGitHub(runs) }
        var codes: [Int32] = []
        for plan in plans {
            let console = TerminalConsole(
                showsNodes: self.nodeOutput || self.maelstrom.logStderr)
            defer { console.finish() }
            var settings = RunSettings(
                scenario: plan.scenario, seed: plan.seed, duration: duration,
                wrapped: plan.wrapped, runsFolder: self.runsFolder,
                repeatCommand: repeatCommand(
                    seed: plan.seed, scenario: plan.file, changes: self.changes.words,
                    duration: self.shared.duration, wrapped: plan.wrapped),
                console: self.shared.quiet ? .silent : console.console, version: chaosVersion,
                ownsProcess: true)
            settings.backendReason = plan.backendReason
            settings.tracedMessages = try self.shared.parsedTrace()
            // Maelstrom's flags for its log of messages: all that one run may take down.
            if self.maelstrom.logNetSend || self.maelstrom.logNetRecv {
                settings.tracedMessages = settings.tracedMessages ?? 1_000_000
            }
            do {
                let outcome = try await execute(settings)
                console.finish()
                results.append(outcome.result)
                runs.append((plan.file, outcome.result))
                codes.append(outcome.exitCode)
                try self.keepReport(outcome.result)
                chaos.report(outcome, json: self.shared.json)
                if !self.shared.json && outcome.failure == nil { printOutput("") }
            } catch let error as RunError {
                console.finish()
                printError(plan.file.map { "\($0): \(error)" } ?? "\(error)")
                codes.append(error.exitCode)
            }
            if codes.last == ChaosExit.interrupted {
                try writeJUnit(results, to: self.junit)
                return ChaosExit.interrupted
            }
        }
        try writeJUnit(results, to: self.junit)
        if codes.count > 1 && !self.shared.json {
            printOutput(
                "\(codes.count) runs: \(codes.count { $0 == 0 }) as expected, \(codes.count { $0 != 0 }) not"
            )
        }
        // The gravest code wins (design, section 11).
        let order = [
            ChaosExit.bug, ChaosExit.unavailable, ChaosExit.invalid, ChaosExit.nodeDied,
            ChaosExit.unknown, ChaosExit.valid,
        ]
        return order.first { codes.contains($0) } ?? codes.max() ?? ChaosExit.unknown
    }
}
