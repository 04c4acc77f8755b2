import ArgumentParser
import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun

/// `chaos replay`
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Does a recorded run again, as often as you like.",
        discussion: """
            The run's 'recorded.yaml' says what happened when: what its schedule drew, its nemesis chose, its \
            triggers saw and people did by hand. With its seed, each message or block that comes again meets the \
            same decisions; how many did is told. The exit code is the last run's.
            """)

    @Argument(help: "The run's directory, such as runs/latest.")
    var run: String

    @Option(name: .customLong("runs"), help: "How often.")
    var count: Int = 1

    @Flag(help: "Print the last result as JSON.")
    var json = false

    func run() async throws {
        let exitCode = await runReporting {
            if !(1...10_000).contains(self.count) {
                throw InputError("--runs is a number from 1 to 10000", found: "\(self.count)")
            }
            let recorded = try RecordedRun(self.run)
            let wanted = FailureSignature(recorded.result)
            printError(
                "recorded: \(recorded.result.scenario), seed \(recorded.seed.value), "
                    + (wanted.map { "failed with \($0)" } ?? "did not fail"))
            var same = 0
            var exitCode = ChaosExit.unknown
            for number in 1...self.count {
                let console = TerminalConsole(showsNodes: false)
                defer { console.finish() }
                let settings = RunSettings(
                    scenario: recorded.scenario, seed: recorded.seed, wrapped: recorded.wrapped,
                    repeatCommand: "chaos replay \(recorded.directory)",
                    console: self.count == 1 ? console.console : .silent, version: chaosVersion,
                    ownsProcess: true)
                let outcome = try await execute(settings)
                console.finish()
                exitCode = outcome.exitCode
                if let failure = outcome.failure { throw failure }
                if exitCode == ChaosExit.interrupted { return exitCode }
                let result = outcome.result
                let signature = FailureSignature(result)
                let isSame =
                    wanted.map { wanted in signature?.isLike(wanted) == true } ?? (signature == nil)
                if isSame { same += 1 }
                if self.count == 1 { report(outcome, json: self.json) }
                let again = recorded.common(with: RecordedRun.decisions(in: result.directory))
                let decided =
                    recorded.decisions.isEmpty
                    ? "" : ", \(again) of \(recorded.decisions.count) recorded decisions made again"
                printError(
                    "\(number)/\(self.count): "
                        + (signature.map { "failed with \($0)" }
                            ?? "did not fail (\(result.verdict?.rawValue ?? "not checked"))")
                        + "\(decided), \(result.directory)")
                if number == self.count && self.count > 1 && self.json {
                    printOutput(result.json.text)
                }
            }
            let what = wanted == nil ? "came out like" : "failed like"
            printError("\(same) of \(counted(self.count, "run")) \(what) the recorded one")
            return exitCode
        }
        throw ExitCode(exitCode)
    }
}
