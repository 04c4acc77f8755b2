import ChaosCore
import ChaosReport
import ChaosRun
import ChaosScenario
import Foundation

/// Runs of which only what they come to is wanted.
struct QuietRuns {
    /// Where their directories lie.
    let folder: String
    let wrapped: [String]

    /// Runs a scenario to its verdict.
    ///
    /// - Throws: `RunError` when it was interrupted, or chaos could not run it.
    func result(of scenario: Scenario, seed: Seed) async throws -> RunResult {
        var settings = RunSettings(
            scenario: scenario, seed: seed, wrapped: self.wrapped, runsFolder: self.folder,
            repeatCommand: "", version: chaosVersion, ownsProcess: true)
        settings.tracedMessages = 0
        let outcome = try await execute(settings)
        if let failure = outcome.failure { throw failure }
        if outcome.exitCode == ChaosExit.interrupted {
            throw RunError("interrupted", exitCode: ChaosExit.interrupted)
        }
        return outcome.result
    }

    /// Does something with a folder that is gone afterwards.
    static func withFolder<Result>(
        wrapped: [String], _ body: (QuietRuns) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("chaos-runs-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(QuietRuns(folder: folder, wrapped: wrapped))
    }

    /// Gives up a run's directory.
    func forget(_ result: RunResult) {
        try? FileManager.default.removeItem(atPath: result.directory)
    }
}
