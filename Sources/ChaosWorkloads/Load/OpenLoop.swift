import ChaosCore

/// A load of many independent users: requests go out on time, whatever became of earlier ones, and
/// the clients take turns.
struct OpenLoop: Sendable {
    let settings: LoadSettings
    let pool: WorkerPool

    /// Sends operations until the load's time is over, and waits for their ends.
    func run() async throws {
        let context = self.pool.context
        var clients: [any OperationClient] = []
        for worker in 0..<self.pool.count {
            let node = self.pool.node(of: worker)
            clients.append(try await Client.make(name: self.pool.nextClientName(), node: node))
        }
        let result = await self.send(by: clients, context)
        for client in clients { await client.close() }
        try result.get()
    }

    private func send(
        by clients: [any OperationClient], _ context: WorkloadContext
    ) async -> Result<Void, any Error> {
        let plan = LoadPlan(self.settings, clientCount: clients.count, seed: context.seed)
        let start = context.now()
        do {
            try await withThrowingDiscardingTaskGroup { group in
                for slot in plan {
                    let wait = start + slot.offset - context.now()
                    if wait > .zero {
                        try await Task.sleep(for: wait)
                    } else {
                        try Task.checkCancellation()
                    }
                    guard let operation = self.pool.take(for: slot.client) else { continue }
                    let client = clients[slot.client]
                    // Here and not in the task, so that the history has the plan's order.
                    let open = context.recorder.invoke(
                        client: client.name, node: client.nodeName, function: operation.function,
                        argument: operation.argument)
                    let timeout = self.settings.timeout
                    group.addTask {
                        let end = await operation.run(by: client, timeout: timeout)
                        context.recorder.complete(
                            open, end.kind, value: end.value, error: end.error)
                    }
                }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}
