import ChaosCore

/// Tells the nodes a topology before the load begins.
struct TopologyMessages: Sendable {
    let topology: Topology
    let timeout: Duration

    /// How often a node that does not answer is asked again.
    private static let attempts = 3
    private static let pause = Duration.milliseconds(500)

    /// Tells every node.
    ///
    /// - Throws: `WorkloadError` when one does not take it.
    func send(_ context: WorkloadContext) async throws {
        let body = self.topology.body(of: context.nodes.map(\.node))
        try await withThrowingDiscardingTaskGroup { group in
            for (index, node) in context.nodes.enumerated() {
                group.addTask {
                    if try await self.tell(node, body, as: "c\(index + 1)") { return }
                    throw WorkloadError(
                        "node '\(node.node)' at \(node.host):\(node.port) did not take the topology"
                            + " (asked \(Self.attempts) times, \(self.timeout.text) each)")
                }
            }
        }
    }

    /// Tries until it works, each time over a new connection: an old one may be dead without
    /// knowing.
    private func tell(
        _ node: ClientAddress, _ body: JSONObject, as name: String
    ) async throws -> Bool {
        for attempt in 1...Self.attempts {
            let client = try await Client.make(name: name, node: node)
            let outcome = await client.request(body, timeout: self.timeout)
            await client.close()
            // A node without topologies may say so; then it talks to whom it likes.
            if case .reply(let reply) = outcome,
                reply["type"] == "topology_ok" || reply["code"] == 10
            {
                return true
            }
            if attempt < Self.attempts { try await Task.sleep(for: Self.pause) }
        }
        return false
    }
}
