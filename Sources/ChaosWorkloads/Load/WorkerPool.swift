import ChaosCheckers
import ChaosCore
import Synchronization

/// The workers of a load, each with one operation in flight at a time, and the source of what they
/// do.
final class WorkerPool: Sendable {
    private struct State {
        var source: any OperationSource
        var idle: [Bool]
        var waiting: CheckedContinuation<Void, Never>?
        /// Whether a worker became idle since somebody looked.
        var hasChanged = false
        var clients: [(any OperationClient)?]
        var clientsMade: Int
    }

    let context: WorkloadContext
    let timeout: Duration
    private let state: Mutex<State>
    private let makeClient: ClientFactory

    /// Makes a client with this name for a node.
    typealias ClientFactory =
        @Sendable (_ name: String, _ node: ClientAddress) async throws -> any OperationClient

    init(
        _ source: any OperationSource, count: Int, context: WorkloadContext, timeout: Duration,
        makeClient: @escaping ClientFactory
    ) {
        self.context = context
        self.timeout = timeout
        self.makeClient = makeClient
        self.state = Mutex(
            State(
                source: source, idle: Array(repeating: true, count: count),
                clients: Array(repeating: nil, count: count),
                // The first ones brought the topology, one for each node.
                clientsMade: context.nodes.count))
    }

    /// How many workers there are.
    var count: Int { self.state.withLock { $0.idle.count } }

    /// The node of a worker: worker i talks to node i modulo their count.
    func node(of worker: Int) -> ClientAddress {
        self.context.nodes[worker % self.context.nodes.count]
    }

    /// Takes the next operation out of the source, if an idle worker has one.
    func take() -> (worker: Int, operation: PlannedOperation)? {
        self.state.withLock { state in
            state.hasChanged = false
            let idle = state.idle.indices.filter { state.idle[$0] }
            if idle.isEmpty { return nil }
            let next = state.source.next(idle: idle)
            if let next { state.idle[next.worker] = false }
            return next
        }
    }

    /// Takes the next operation out of the source for one worker, idle or not.
    func take(for worker: Int) -> PlannedOperation? {
        self.state.withLock { $0.source.next(idle: [worker])?.operation }
    }

    /// Waits until a worker has become idle since ``take()`` was called last.
    func waitForIdle() async {
        await withCheckedContinuation { continuation in
            let hasChanged = self.state.withLock { state in
                if !state.hasChanged { state.waiting = continuation }
                return state.hasChanged
            }
            if hasChanged { continuation.resume() }
        }
    }

    /// Lets whoever waits look again.
    func wake() {
        let waiting = self.state.withLock { state in
            state.hasChanged = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Carries out a worker's operation and records it; a crashed process gets a new client.
    @discardableResult
    func perform(
        _ operation: PlannedOperation, by worker: Int, isFinal: Bool = false
    ) async throws -> Conclusion {
        let client = try await self.client(of: worker)
        let open = self.context.recorder.invoke(
            client: client.name, node: client.nodeName, function: operation.function,
            argument: operation.argument, isFinal: isFinal)
        let end = await operation.run(by: client, timeout: self.timeout)
        self.context.recorder.complete(open, end.kind, value: end.value, error: end.error)
        if end.kind == .info {
            self.state.withLock { $0.clients[worker] = nil }
            await client.close()
        }
        self.state.withLock { state in
            state.source.concluded(operation, by: worker, as: end)
            state.idle[worker] = true
        }
        self.wake()
        return end
    }

    /// A name that no client had before.
    func nextClientName() -> String {
        self.state.withLock { state in
            state.clientsMade += 1
            return "c\(state.clientsMade)"
        }
    }

    private func client(of worker: Int) async throws -> any OperationClient {
        if let known = self.state.withLock({ $0.clients[worker] }) { return known }
        let client = try await self.makeClient(self.nextClientName(), self.node(of: worker))
        self.state.withLock { $0.clients[worker] = client }
        return client
    }

    /// What a worker does in the end.
    func finalScript(of worker: Int) -> FinalScript? {
        self.state.withLock { $0.source.finalScript(of: worker) }
    }

    /// Ends all clients.
    func close() async {
        let clients = self.state.withLock { state in
            defer { state.clients = state.clients.map { _ in nil } }
            return state.clients
        }
        for client in clients { await client?.close() }
    }
}

/// Does what a final script says, as one worker.
struct Performer: Sendable {
    let pool: WorkerPool
    let worker: Int

    /// How often a node that does not answer is asked again, and how long it is left in peace.
    private static let attempts = 3
    private static let pause = Duration.milliseconds(500)

    /// Carries out an operation that belongs to the end.
    @discardableResult
    func perform(_ operation: PlannedOperation) async throws -> Conclusion {
        try await self.pool.perform(operation, by: self.worker, isFinal: true)
    }

    /// Carries out an operation until it ends as `ok`, a few times at most.
    func insist(on operation: PlannedOperation) async throws {
        for attempt in 1...Self.attempts {
            if try await self.perform(operation).kind == .ok { return }
            if attempt < Self.attempts { try await Task.sleep(for: Self.pause) }
        }
        let node = self.pool.node(of: self.worker).node
        self.pool.context.report("node '\(node)' answered no final \(operation.function)")
    }
}
