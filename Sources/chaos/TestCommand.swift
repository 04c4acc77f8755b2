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
            """)

    // One array cannot follow another (ArgumentParser's rule), so this takes both.
    @Argument(help: "The scenarios' files; behind '--' a command that runs beside the nodes.")
    var words: [String]

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

    @Flag(help: "Show what the nodes print.")
    var nodeOutput = false

    @OptionGroup var shared: SharedRunOptions

    func run() async throws {
        let exitCode = await runReporting {
            try self.shared.checkBackend()
            let duration = try self.shared.parsedDuration()
            let seeds = try self.readSeeds()
            // All files are read first: a mistake in the last one must not cost the time of the first.
            var mistakes: [String] = []
            var scenarios: [(file: String, scenario: Scenario)] = []
            for file in self.scenarios {
                do {
                    scenarios.append((file, try readScenario(file, length: duration)))
                } catch let error as Mistakes {
                    mistakes.append(error.description)
                } catch let error as RunError {
                    mistakes.append(error.description)
                }
            }
            if !mistakes.isEmpty {
                throw RunError(mistakes.joined(separator: "\n"), exitCode: ChaosExit.badInput)
            }
            return try await self.run(scenarios, seeds, duration)
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

    private func run(
        _ scenarios: [(file: String, scenario: Scenario)], _ seeds: [Seed]?, _ duration: Duration?
    ) async throws -> Int32 {
        var results: [RunResult] = []
        var runs: [(file: String?, result: RunResult)] = []
        defer { reportToGitHub(runs) }
        var codes: [Int32] = []
        for (file, scenario) in scenarios {
            for seed in seeds ?? [scenario.seed ?? drawSeed()] {
                let console = TerminalConsole(showsNodes: self.nodeOutput)
                var settings = RunSettings(
                    scenario: scenario, seed: seed, duration: duration, wrapped: self.command,
                    runsFolder: self.shared.runs,
                    repeatCommand: repeatCommand(
                        seed: seed, scenario: file, duration: self.shared.duration,
                        wrapped: self.command),
                    console: self.shared.quiet ? .silent : console.console, version: chaosVersion,
                    ownsProcess: true)
                settings.tracedMessages = try self.shared.parsedTrace()
                do {
                    let outcome = try await execute(settings)
                    console.finish()
                    results.append(outcome.result)
                    runs.append((file, outcome.result))
                    codes.append(outcome.exitCode)
                    report(outcome, json: self.shared.json)
                    if !self.shared.json && outcome.failure == nil { printOutput("") }
                } catch let error as RunError {
                    console.finish()
                    printError("\(file): \(error)")
                    codes.append(error.exitCode)
                }
                if codes.last == ChaosExit.interrupted {
                    try self.writeJUnit(results)
                    return ChaosExit.interrupted
                }
            }
        }
        try self.writeJUnit(results)
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

    private func writeJUnit(_ results: [RunResult]) throws {
        guard let file = self.junit else { return }
        do {
            try JUnitReport.render(results).write(toFile: file, atomically: true, encoding: .utf8)
        } catch {
            throw InputError("--junit: the file cannot be written", found: file)
        }
    }
}
