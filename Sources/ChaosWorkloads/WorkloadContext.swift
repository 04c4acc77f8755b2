import ChaosCore

/// Where clients reach a node.
package struct ClientAddress: Hashable, Sendable {
    /// The node's name.
    package var node: String
    /// The host to connect to.
    package var host: String
    /// The port to connect to.
    package var port: Int

    package init(node: String, host: String, port: Int) {
        self.node = node
        self.host = host
        self.port = port
    }
}

/// What a workload needs to know about the run it is part of.
package struct WorkloadContext: Sendable {
    /// The nodes, in the scenario's order; never empty.
    package var nodes: [ClientAddress]
    /// The seed from which the workload derives its own.
    package var seed: Seed
    /// Takes down what clients do.
    package var recorder: HistoryRecorder
    /// The run's clock.
    package var now: @Sendable () -> Instant
    /// Takes sentences for the operator.
    package var report: @Sendable (String) -> Void
    /// Starts a client program of the user's; its words may have placeholders.
    package var startProgram: (@Sendable ([String]) async throws -> StartedProgram)?

    package init(
        nodes: [ClientAddress], seed: Seed, recorder: HistoryRecorder,
        now: @escaping @Sendable () -> Instant,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        precondition(!nodes.isEmpty, "a workload needs a node to talk to")
        self.nodes = nodes
        self.seed = seed
        self.recorder = recorder
        self.now = now
        self.report = report
    }
}
