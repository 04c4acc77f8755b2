import ChaosCore

/// Maelstrom's `broadcast`: about half of the requests bring a new number to a node, the other half
/// ask a node what it knows.
///
/// The nodes are first told a topology. In the end every node is read once.
package struct BroadcastWorkload: Workload {
    /// How much load.
    package let settings: LoadSettings
    /// Who should talk to whom.
    package let topology: Topology

    package init(settings: LoadSettings = LoadSettings(), topology: Topology = .grid) {
        self.settings = settings
        self.topology = topology
    }

    package var kind: String { "broadcast" }
    package var duration: Duration { self.settings.duration }
    package var defaultChecks: [String] { ["set-full"] }

    /// How often a node that does not answer is asked again, for the topology and in the end.
    private static let attempts = 3
    private static let pause = Duration.milliseconds(500)

    package func runLoad(_ context: WorkloadContext) async throws {
        try await self.sendTopology(context)
        let mix = context.seed.derived("mix")
        try await LoadRun(settings: self.settings, context: context).run { ordinal in
            // The ordinal itself is the number, so numbers are unique although not dense.
            mix.word32(at: UInt64(ordinal)) & 1 == 0
                ? Self.broadcast(Int64(ordinal)) : Self.read
        }
    }

    package func runFinalReads(_ context: WorkloadContext) async throws {
        let run = LoadRun(settings: self.settings, context: context)
        try await withThrowingDiscardingTaskGroup { group in
            for (index, node) in context.nodes.enumerated() {
                // Names of their own, so that no reply to the load's clients is taken for theirs.
                let name = "c\(run.clientCount + index + 1)"
                group.addTask {
                    let isRead = try await self.attempt(name: name, node: node) { client in
                        await run.perform(Self.read, by: client, isFinal: true)
                    }
                    if !isRead {
                        context.report("node '\(node.node)' answered no final read")
                    }
                }
            }
        }
    }

    private func sendTopology(_ context: WorkloadContext) async throws {
        let body = self.topology.body(of: context.nodes.map(\.node))
        for node in context.nodes {
            let isKnown = try await self.attempt(name: "c0", node: node) { client in
                let outcome = await client.request(body, timeout: self.settings.timeout)
                // A node without topologies may say so; then it talks to whom it likes.
                guard case .reply(let reply) = outcome else { return false }
                return reply["type"] == "topology_ok" || reply["code"] == 10
            }
            if !isKnown {
                throw WorkloadError(
                    "node '\(node.node)' at \(node.host):\(node.port) did not take the topology"
                        + " (asked \(Self.attempts) times, \(self.settings.timeout.text) each)")
            }
        }
    }

    /// Tries until it works, each time over a new connection: an old one may be dead without
    /// knowing.
    private func attempt(
        name: String, node: ClientAddress, _ body: @Sendable (Client) async -> Bool
    ) async throws -> Bool {
        for attempt in 1...Self.attempts {
            let client = try await Client.make(name: name, node: node)
            let isDone = await body(client)
            await client.close()
            if isDone { return true }
            if attempt < Self.attempts { try await Task.sleep(for: Self.pause) }
        }
        return false
    }

    private static func broadcast(_ number: Int64) -> PlannedRequest {
        PlannedRequest(
            function: "broadcast", argument: .int(number),
            body: ["type": "broadcast", "message": .int(number)], replyType: "broadcast_ok",
            result: { _ in .int(number) })
    }

    private static let read = PlannedRequest(
        function: "read", argument: nil, body: ["type": "read"], replyType: "read_ok",
        result: { reply in reply["messages"]?.arrayValue.map { .array($0) } })
}
