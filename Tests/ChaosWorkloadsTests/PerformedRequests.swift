import ChaosCore

@testable import ChaosWorkloads

extension WorkloadContext {
    /// Sends one request over a client of the test's own and records it.
    @discardableResult
    func perform(
        _ request: PlannedRequest, by client: Client, timeout: Duration = .seconds(5)
    ) async -> Conclusion {
        let open = self.recorder.invoke(
            client: client.name, node: client.node.node, function: request.function,
            argument: request.argument)
        let end = await request.operation.perform(client, timeout)
        self.recorder.complete(open, end.kind, value: end.value, error: end.error)
        return end
    }
}
