import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// How one run in a test is set up, and what becomes of its directory.
struct RunPlan: Sendable {
    let settings: RunSettings
    /// The folder that was made for this run alone.
    private let ownFolder: String?
    /// How the scenario was named.
    private let name: String

    init(scenario: String, seed: UInt64?, runsFolder: String?) throws {
        let isText = scenario.contains("\n")
        self.name = isText ? "…" : "\"\(scenario)\""
        let read: Scenario
        do {
            read =
                isText
                ? try ScenarioFile.read(text: scenario, name: "scenario")
                : try ScenarioFile.read(scenario)
        } catch let error as InputError {
            throw ChaosFailure("\(isText ? "scenario" : scenario): \(error)")
        } catch { throw ChaosFailure("\(error)") }
        let environment = ProcessInfo.processInfo.environment
        let wanted = seed ?? environment["CHAOS_SEED"].flatMap { UInt64($0) }
        let chosen = wanted.map { Seed($0) } ?? read.seed ?? Seed(UInt64.random(in: 1...999_999))
        if let runsFolder {
            self.ownFolder = nil
            self.settings = Self.settings(read, chosen, runsFolder, self.name)
        } else {
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("chaos-test-\(UUID().uuidString)").path
            self.ownFolder = folder
            self.settings = Self.settings(read, chosen, folder, self.name)
        }
    }

    private static func settings(
        _ scenario: Scenario, _ seed: Seed, _ folder: String, _ name: String
    ) -> RunSettings {
        var settings = RunSettings(
            scenario: scenario, seed: seed, runsFolder: folder,
            repeatCommand: "withChaos(scenario: \(name), seed: \(seed.value)) { … }",
            version: "test", ownsProcess: false)
        settings.observesLines = true
        settings.isScripted = true
        return settings
    }

    /// Whether a run came out as it may.
    func accepts(_ outcome: RunOutcome, _ acceptance: Acceptance) -> Bool {
        if outcome.failure != nil || outcome.exitCode == ChaosExit.interrupted { return false }
        return switch acceptance {
        case .expected: outcome.exitCode == ChaosExit.valid
        case .unknown: [ChaosExit.valid, ChaosExit.unknown].contains(outcome.exitCode)
        case .anything: true
        }
    }

    /// What went wrong, with everything that is needed to see it again.
    func failure(_ outcome: RunOutcome) -> ChaosFailure? {
        let result = outcome.result
        if outcome.failure == nil && result.exitCode == ChaosExit.valid { return nil }
        var lines: [String] = []
        if let failure = outcome.failure {
            lines.append("\(result.scenario): \(failure)")
        } else {
            let word = result.verdict?.rawValue ?? "not checked"
            lines.append("\(result.scenario): the verdict is \(word)")
            lines += result.reasons.map { "  \($0)" }
            for finding in result.findings where finding.verdict != .valid {
                lines += finding.evidence.prefix(8).map { "    \($0)" }
            }
            lines += result.deaths.map { "  \($0.node) died: \($0.status)" }
        }
        lines.append("run directory: \(result.directory)")
        lines.append("repeat it with: \(result.repeatCommand)")
        return ChaosFailure(
            lines.joined(separator: "\n"),
            verdict: outcome.failure == nil ? ClusterVerdict(result) : nil)
    }

    /// Says on standard error where to look, when the body itself failed.
    func tellAbout(_ outcome: RunOutcome) {
        let text =
            "chaos: the test failed; run directory: \(outcome.result.directory)\n"
            + "chaos: repeat it with: \(outcome.result.repeatCommand)\n"
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Removes the run directory of a run that came out well.
    func cleanUp(after outcome: RunOutcome) {
        guard let folder = self.ownFolder else { return }
        // What cannot be removed lies in the temporary directory, where the system removes it.
        try? FileManager.default.removeItem(atPath: folder)
    }
}
