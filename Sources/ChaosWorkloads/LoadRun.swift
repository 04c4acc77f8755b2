import ChaosCheckers
import ChaosCore

/// One request of a workload, and how its reply becomes the operation's value.
struct PlannedRequest: Sendable {
    /// The operation's name.
    let function: String
    /// The operation's argument.
    let argument: JSONValue
    /// What is sent; `msg_id` is added.
    let body: JSONObject
    /// The type of the reply that means success.
    let replyType: String
    /// The operation's value, or `nil` when the reply lacks it.
    let result: @Sendable (JSONObject) -> JSONValue?
}

/// Sends planned requests on time and records how they end.
struct LoadRun: Sendable {
    let settings: LoadSettings
    let context: WorkloadContext

    /// How many clients there are.
    var clientCount: Int { self.settings.concurrency ?? self.context.nodes.count }

    /// Sends requests for as long as the settings say; client i talks to node i modulo their count.
    ///
    /// - Parameter makeRequest: Says what the request with this number is.
    func run(_ makeRequest: @escaping @Sendable (Int) -> PlannedRequest) async throws {
        var clients: [Client] = []
        for index in 0..<self.clientCount {
            let node = self.context.nodes[index % self.context.nodes.count]
            clients.append(try await Client.make(name: "c\(index + 1)", node: node))
        }
        let result = await self.send(makeRequest, by: clients)
        for client in clients { await client.close() }
        try result.get()
    }

    private func send(
        _ makeRequest: @escaping @Sendable (Int) -> PlannedRequest, by clients: [Client]
    ) async -> Result<Void, any Error> {
        let plan = LoadPlan(self.settings, clientCount: clients.count, seed: self.context.seed)
        let start = self.context.now()
        do {
            try await withThrowingDiscardingTaskGroup { group in
                for slot in plan {
                    try await self.wait(until: start + slot.offset)
                    let client = clients[slot.client]
                    let request = makeRequest(slot.ordinal)
                    // Here and not in the task, so that the history has the plan's order.
                    let open = self.invoke(request, by: client, isFinal: false)
                    group.addTask { await self.finish(open, request, by: client) }
                }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Sends one request and records it; `true` when it ended as `ok`.
    @discardableResult
    func perform(_ request: PlannedRequest, by client: Client, isFinal: Bool = false) async -> Bool
    {
        let open = self.invoke(request, by: client, isFinal: isFinal)
        return await self.finish(open, request, by: client)
    }

    private func invoke(
        _ request: PlannedRequest, by client: Client, isFinal: Bool
    ) -> HistoryRecorder.Open {
        self.context.recorder.invoke(
            client: client.name, node: client.node.node, function: request.function,
            argument: request.argument, isFinal: isFinal)
    }

    @discardableResult
    private func finish(
        _ open: HistoryRecorder.Open, _ request: PlannedRequest, by client: Client
    ) async -> Bool {
        let outcome = await client.request(request.body, timeout: self.settings.timeout)
        let (kind, value, error) = outcome.conclusion(
            expecting: request.replyType, result: request.result)
        self.context.recorder.complete(open, kind, value: value, error: error)
        return kind == .ok
    }

    private func wait(until instant: Instant) async throws {
        let wait = instant - self.context.now()
        if wait > .zero { try await Task.sleep(for: wait) } else { try Task.checkCancellation() }
    }
}
