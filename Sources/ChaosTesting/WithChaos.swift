import ChaosControl
import ChaosCore
import ChaosRun
import ChaosScenario
import Foundation

/// Which runs ``withChaos(scenario:seed:accepting:runsFolder:_:)`` returns from instead of throwing.
public enum Acceptance: Sendable {
    /// Those that came out as they should: valid, or what the scenario expects. The default.
    case expected
    /// Also those of which nobody knows, such as when a fault touched nothing.
    case unknown
    /// All that could be carried out.
    case anything
}

/// Runs a cluster behind a faulty network while a test uses it, and returns the verdict.
///
/// The nodes of the scenario run as processes, connected through the network that it describes. When
/// they are ready the body is called; when it returns, the schedule ends, faults are taken away, the
/// nodes end, and what the scenario checks is judged. Nothing stays behind, whatever the body does:
/// no process, no socket. It works in Swift Testing and XCTest alike, and several may run at once.
///
/// ```swift
/// @Test func keepsWritesThroughAPartition() async throws {
///     try await withChaos(scenario: "Tests/kv.yaml", seed: 42) { cluster in
///         let client = try await KVClient(cluster.address(of: "n1"))
///         try await cluster.partition("n1 / n2 n3", mode: .drop)
///         await #expect(throws: KVError.timeout) { try await client.write("x", 1) }
///         try await cluster.heal()
///         try await client.write("x", 2)
///     }
/// }
/// ```
///
/// A fault that the body or the schedule put on, and that touched no connection and no message, has
/// tested nothing: the verdict is *unknown* then, and by default that throws.
///
/// - Parameters:
///   - scenario: A scenario's file, or its YAML text (anything that has a line break). Paths are
///     relative to the current directory, which under `swift test` is the package's. Programs that
///     the package builds are found by their names.
///   - seed: Fixes every decision. Without one the environment's `CHAOS_SEED` counts, then the
///     scenario's, and else one is drawn; the error of a failure names it.
///   - accepting: Which verdicts are fine.
///   - runsFolder: Where the run directory lies. Without one it lies in the system's temporary
///     directory, and is removed unless something went wrong.
///   - body: Uses the cluster.
/// - Returns: What the run came to.
/// - Throws: ``ChaosFailure`` when the run could not be carried out or came out otherwise than
///   accepted, with the seed that repeats it and the run directory; what the body throws.
@discardableResult
public func withChaos(
    scenario: String, seed: UInt64? = nil, accepting: Acceptance = .expected,
    runsFolder: String? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (LiveCluster) async throws -> Void
) async throws -> ClusterVerdict {
    let plan = try RunPlan(scenario: scenario, seed: seed, runsFolder: runsFolder)
    let run = ScenarioRun(plan.settings)
    do {
        if let outcome = try await run.start() {
            throw plan.failure(outcome) ?? ChaosFailure("the run was interrupted")
        }
    } catch let error as ChaosFailure {
        throw error
    } catch { throw ChaosFailure("\(error)") }
    let cluster = try await LiveCluster(run, seed: plan.settings.seed)
    // Leaving this scope early cancels the run, which ends it, and waits for that.
    async let ending = run.finish()
    do {
        try await body(cluster)
    } catch {
        await run.interrupt()
        let outcome = await ending
        if let failure = outcome.failure.flatMap({ _ in plan.failure(outcome) }) { throw failure }
        plan.tellAbout(outcome)
        throw error
    }
    await run.requestEnd()
    let outcome = await ending
    if !plan.accepts(outcome, accepting) {
        throw plan.failure(outcome) ?? ChaosFailure("the run was interrupted")
    }
    plan.cleanUp(after: outcome)
    return ClusterVerdict(outcome.result)
}
