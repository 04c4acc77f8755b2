import ChaosCore

/// Clients that drive a cluster and record what they see.
///
/// A run calls the phases in order: ``runLoad(_:)`` while faults come and go; then it heals
/// everything and waits; then ``runFinalReads(_:)``.
package protocol Workload: Sendable {
    /// The name by which a scenario asks for it.
    var kind: String { get }
    /// How long the load lasts.
    var duration: Duration { get }
    /// The names of the checkers that judge it where a scenario names none.
    var defaultChecks: [String] { get }

    /// Sends requests until the load's time is over, and waits for their ends.
    ///
    /// When its task is cancelled it stops at once; operations in flight end as `info`.
    ///
    /// - Throws: `WorkloadError` when the cluster cannot be prepared, `CancellationError`.
    func runLoad(_ context: WorkloadContext) async throws

    /// Reads what is there in the end, from every node.
    ///
    /// - Throws: `CancellationError`.
    func runFinalReads(_ context: WorkloadContext) async throws
}

/// Says why a workload cannot run.
package struct WorkloadError: Error, Hashable, CustomStringConvertible {
    /// One sentence without a full stop.
    package let description: String

    init(_ description: String) { self.description = description }
}
