import ArgumentParser
import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// `chaos shrink`
struct ShrinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink",
        abstract: "Finds a smaller schedule with which a recorded run still fails the same way.",
        discussion: """
            First the recorded run is repeated, to see how often it fails. Then whole entries and faults are left out \
            (delta debugging), then what is left is shortened, narrowed and weakened, step by step. A step is kept \
            when the run fails the same way in one of as many tries as its rate of failures asks for. In the end \
            the result is run three times more: where it seldom fails, the last steps are taken back. The \
            result is a scenario, by default shrunk.yaml in the run's directory. The exit code is 0 when \
            there is one, 2 when the run would not fail again.
            """)

    @Argument(help: "The run's directory, such as runs/latest.")
    var run: String

    @Option(help: "How many runs it may take.")
    var budget: Int = 60

    @Option(help: "The file that gets the scenario.")
    var output: String?

    func run() async throws {
        let exitCode = await runReporting {
            if !(4...100_000).contains(self.budget) {
                throw InputError("--budget is a number from 4 to 100000", found: "\(self.budget)")
            }
            let recorded = try RecordedRun(self.run)
            guard let wanted = FailureSignature(recorded.result) else {
                throw InputError(
                    "only a run that failed can be shrunk", found: self.run,
                    hint: "its verdict is \(recorded.result.verdict?.rawValue ?? "not checked")")
            }
            return try await QuietRuns.withFolder(wrapped: recorded.wrapped) { runs in
                let search = FailureSearch(
                    runs: runs, seed: recorded.seed, wanted: wanted, budget: self.budget)
                return try await self.shrink(recorded, search)
            }
        }
        throw ExitCode(exitCode)
    }

    private func shrink(_ recorded: RecordedRun, _ search: FailureSearch) async throws -> Int32 {
        printError("\(recorded.result.scenario) failed with \(search.wanted)")
        guard try await search.measure(recorded.scenario) else {
            printError(
                "it did not fail again in \(counted(search.spent, "run")), so nothing can be said"
                    + " of smaller ones\nhint: 'chaos explore' searches other seeds")
            return ChaosExit.unknown
        }
        let before = recorded.scenario.pieces
        let pieces = try await DeltaDebugging.minimum(of: before) { pieces in
            try await search.stillFails(
                recorded.scenario.keeping(pieces), "\(pieces.count) of \(before.count) pieces")
        }
        var scenario = recorded.scenario.keeping(pieces)
        var kept = [scenario]
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for candidate in scenario.simpler {
                guard let fails = try await search.stillFails(candidate, "a simpler step") else {
                    break
                }
                if !fails { continue }
                scenario = candidate
                kept.append(candidate)
                isSmaller = true
                break
            }
        }
        scenario = try await search.dependable(among: kept)
        scenario.summary = "shrunk from \(recorded.directory): fails with \(search.wanted)"
        let file = self.output ?? "\(recorded.directory)/shrunk.yaml"
        do { try scenario.yaml.write(toFile: file, atomically: true, encoding: .utf8) } catch {
            throw InputError("the file cannot be written", found: file)
        }
        let end = search.isSpent ? ", where the budget ended" : ""
        printError(
            "\(before.count) pieces became \(scenario.pieces.count) in "
                + "\(counted(search.spent, "run"))\(end)")
        printOutput(scenario.yaml)
        printError("repeat  chaos test \(file) --seed \(recorded.seed.value)")
        return ChaosExit.valid
    }
}

/// Tries scenarios, and knows how often one must be tried.
final class FailureSearch {
    let wanted: FailureSignature
    private(set) var spent = 0
    private let runs: QuietRuns
    private let seed: Seed
    private let budget: Int
    /// How often a scenario is tried before it counts as one that does not fail.
    private var tries = 1

    /// A scenario that fails as often as the recorded one is missed this seldom.
    private static let missed = 0.05
    private static let mostTries = 8
    /// How often a result is tried in the end.
    private static let confirmations = 3

    init(runs: QuietRuns, seed: Seed, wanted: FailureSignature, budget: Int) {
        self.runs = runs
        self.seed = seed
        self.wanted = wanted
        self.budget = budget
    }

    var isSpent: Bool { self.spent >= self.budget }

    /// Finds out how often the scenario fails, in up to eight runs; `false` when it never did.
    func measure(_ scenario: Scenario) async throws -> Bool {
        var failures = 0
        var count = 0
        while count < Self.mostTries && !self.isSpent {
            if try await self.fails(scenario) { failures += 1 }
            count += 1
            // What fails twice in a row is taken as one that always does.
            if failures == count && count == 2 { break }
        }
        printError(
            "the recorded schedule failed the same way in \(failures) of \(counted(count, "run"))")
        if failures == 0 { return false }
        var tries = 1
        var missed = 1 - Double(failures) / Double(count)
        while missed > Self.missed && tries < Self.mostTries {
            tries += 1
            missed *= 1 - Double(failures) / Double(count)
        }
        self.tries = tries
        return true
    }

    /// The last of several scenarios, each simpler than the one before it, that fails nearly as often as the
    /// recorded one: a step may have been kept for a failure that was luck.
    func dependable(among kept: [Scenario]) async throws -> Scenario {
        for (place, scenario) in kept.enumerated().reversed() {
            var failures = 0
            for _ in 0..<Self.confirmations {
                // Whoever set the budget has to look for himself.
                if self.isSpent { return scenario }
                if try await self.fails(scenario) { failures += 1 }
            }
            let rate = "\(failures) of \(counted(Self.confirmations, "run"))"
            printError("the result fails the same way in \(rate)")
            // What fails now and then by itself need not fail more often when it is smaller.
            if failures > (self.tries == 1 ? Self.confirmations / 2 : 0) || place == 0 {
                return scenario
            }
            printError("its last step is taken back")
        }
        preconditionFailure("there is always a scenario to begin with")
    }

    /// Whether a scenario fails the same way in one of as many tries as are needed; nil when the budget is
    /// spent.
    func stillFails(_ scenario: Scenario, _ what: String) async throws -> Bool? {
        for _ in 0..<self.tries {
            if self.isSpent { return nil }
            if try await self.fails(scenario) {
                printError("run \(self.spent): \(what): fails")
                return true
            }
        }
        printError("run \(self.spent): \(what): does not")
        return false
    }

    private func fails(_ scenario: Scenario) async throws -> Bool {
        self.spent += 1
        let result = try await self.runs.result(of: scenario, seed: self.seed)
        self.runs.forget(result)
        return FailureSignature(result)?.isLike(self.wanted) == true
    }
}
