import ChaosCore

/// Clients that drive a cluster and record what they see.
///
/// A run calls the phases in order: ``runLoad(_:)`` while faults come and go; then it heals
/// everything and waits; then ``runFinalReads(_:)``. One value serves one run.
package protocol Workload: Sendable {
    /// The name by which a scenario asks for it.
    var kind: String { get }
    /// How long the load lasts.
    var duration: Duration { get }
    /// How long the cluster is left in peace before the final reads; `nil` lets the run decide.
    var recovery: Duration? { get }
    /// Whether there is anything to read in the end.
    var hasFinalReads: Bool { get }
    /// The checkers that judge it where a scenario names none.
    var defaultChecks: [CheckRequest] { get }

    /// Sends requests until the load's time is over, and waits for their ends.
    ///
    /// When its task is cancelled it stops at once; operations in flight end as `info`.
    ///
    /// - Throws: `WorkloadError` when the cluster cannot be prepared, `CancellationError`.
    func runLoad(_ context: WorkloadContext) async throws

    /// Reads what is there in the end, from every node, and ends the clients.
    ///
    /// - Throws: `CancellationError`.
    func runFinalReads(_ context: WorkloadContext) async throws
}

/// A checker that a workload asks for.
package struct CheckRequest: Hashable, Sendable {
    /// The checker's name.
    package var name: String
    /// Its parameters.
    package var parameters: JSONObject

    package init(_ name: String, _ parameters: JSONObject = [:]) {
        self.name = name
        self.parameters = parameters
    }
}

/// Says why a workload cannot run.
package struct WorkloadError: Error, Hashable, CustomStringConvertible {
    /// One sentence without a full stop.
    package let description: String

    init(_ description: String) { self.description = description }
}
