import ArgumentParser
import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// `chaos explore`
struct ExploreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Searches random schedules of faults for those with which a scenario fails.",
        discussion: """
            Each run has a seed, and from it a random set of kinds of faults and a schedule of them, in the place of \
            the scenario's own schedule. Distinct failures are kept, one run of each; 'chaos shrink' makes one \
            small. The exit code is 1 when a failure was found, 0 when all runs were valid, else 2.
            """)

    @Argument(help: "The scenario's file.")
    var scenario: String

    @Option(name: .customLong("runs"), help: "How many runs.")
    var count: Int = 20

    @Option(
        help: "The seed from which the runs' seeds derive; without it one is drawn and printed.")
    var seed: String?

    @Option(name: .customLong("for"), help: "How long the load of each run lasts, such as 10s.")
    var duration: String?

    @Flag(help: "Keep the directories of all runs.")
    var keep = false

    func run() async throws {
        let exitCode = await runReporting {
            if !(1...100_000).contains(self.count) {
                throw InputError("--runs is a number from 1 to 100000", found: "\(self.count)")
            }
            let length = try readDuration(self.duration)
            // Another schedule takes the place of its own, which so need not fit into another length.
            let asWritten = try? readScenario(self.scenario, length: nil)
            var scenario = try asWritten ?? readScenario(self.scenario, length: length)
            if let length {
                scenario.duration = length
                scenario.workload?.duration = length
            }
            if scenario.checks.isEmpty && scenario.workload == nil {
                throw InputError(
                    "\(self.scenario): without a workload or checks no run can fail",
                    hint: "add 'checks:'")
            }
            scenario.expectation = nil
            scenario = try settleBackends(of: [scenario])[0].scenario
            let seed = try readSeed(self.seed) ?? drawSeed()
            return try await self.explore(scenario, seed)
        }
        throw ExitCode(exitCode)
    }

    private func explore(_ scenario: Scenario, _ seed: Seed) async throws -> Int32 {
        let ports = scenario.nodes.flatMap(\.ports).map(\.name)
        let hasMessages = ports.allSatisfy {
            scenario.network.framing[$0]?.messagesStandAlone == true
        }
        let swarm = SwarmSchedule(
            nodes: scenario.nodes.map(\.name), hasMessages: hasMessages,
            length: scenario.workload?.duration ?? scenario.duration ?? .seconds(10))
        let runs = QuietRuns(folder: "runs", wrapped: [])
        let options = self.duration.map { " --for \($0)" } ?? ""
        printError(
            "repeat  chaos explore \(self.scenario) --runs \(self.count) --seed \(seed.value)"
                + options)
        var found: [(signature: FailureSignature, count: Int, result: RunResult)] = []
        var unknown = 0
        for number in 0..<self.count {
            // Small enough to type.
            let own = Seed(seed.derived(UInt64(number)).value >> 44)
            var candidate = scenario
            candidate.schedule = swarm.entries(seed: own)
            let result = try await runs.result(of: candidate, seed: own)
            let signature = FailureSignature(result)
            let verdict =
                signature.map { "FAILED \($0)" } ?? result.verdict?.rawValue ?? "not checked"
            printError("\(number + 1)/\(self.count)  seed \(own.value)  \(verdict)")
            guard let signature else {
                if result.verdict != .valid { unknown += 1 }
                if !self.keep { runs.forget(result) }
                continue
            }
            if let index = found.firstIndex(where: { $0.signature == signature }) {
                found[index].count += 1
                if !self.keep { runs.forget(result) }
            } else {
                found.append((signature, 1, result))
            }
        }
        for failure in found.sorted(by: { $0.count > $1.count }) {
            printOutput(
                "\(failure.signature): \(counted(failure.count, "run")), for one "
                    + "\(failure.result.directory)")
            printOutput("  chaos replay \(failure.result.directory)")
            printOutput("  chaos shrink \(failure.result.directory)")
        }
        let failures = found.reduce(0) { $0 + $1.count }
        printOutput(
            "\(counted(self.count, "run")): \(failures) failed in \(counted(found.count, "way")), "
                + "\(unknown) unknown, \(self.count - failures - unknown) valid")
        if !found.isEmpty { return ChaosExit.invalid }
        return unknown == 0 ? ChaosExit.valid : ChaosExit.unknown
    }
}
