import ChaosCore
import Synchronization

/// A workload whose operations come out of a source: all of Maelstrom's are.
///
/// One value serves one run: it remembers its clients between the load and the end.
final class GeneratedWorkload: Workload {
    let kind: String
    let settings: LoadSettings
    let defaultChecks: [CheckRequest]
    let hasFinalReads: Bool
    let makeSource: @Sendable (WorkloadContext) -> any OperationSource
    private let prepare: @Sendable (WorkloadContext) async throws -> Void
    private let makeClient: @Sendable (WorkloadContext) -> WorkerPool.ClientFactory
    private let pool = Mutex<WorkerPool?>(nil)

    /// Makes a workload.
    ///
    /// - Parameters:
    ///   - prepare: What is done once before the load.
    ///   - makeSource: Makes the operations, from a seed of their own.
    init(
        kind: String, settings: LoadSettings, checks: [CheckRequest], hasFinalReads: Bool,
        prepare: @escaping @Sendable (WorkloadContext) async throws -> Void = { _ in },
        makeClient: @escaping @Sendable (WorkloadContext) -> WorkerPool.ClientFactory = { _ in
            { try await Client.make(name: $0, node: $1) }
        },
        makeSource: @escaping @Sendable (WorkloadContext) -> any OperationSource
    ) {
        self.kind = kind
        self.settings = settings
        self.defaultChecks = checks
        self.hasFinalReads = hasFinalReads
        self.prepare = prepare
        self.makeClient = makeClient
        self.makeSource = makeSource
    }

    var duration: Duration { self.settings.duration }
    var recovery: Duration? { self.settings.recovery }

    private func pool(for context: WorkloadContext) -> WorkerPool {
        self.pool.withLock { pool in
            if let pool { return pool }
            let made = WorkerPool(
                self.makeSource(context),
                count: self.settings.concurrency.count(nodes: context.nodes.count),
                context: context, timeout: self.settings.timeout,
                makeClient: self.makeClient(context))
            pool = made
            return made
        }
    }

    func runLoad(_ context: WorkloadContext) async throws {
        try await self.prepare(context)
        let pool = self.pool(for: context)
        switch self.settings.loop {
        case .closed: try await ClosedLoop(settings: self.settings, pool: pool).run()
        case .open: try await OpenLoop(settings: self.settings, pool: pool).run()
        }
    }

    func runFinalReads(_ context: WorkloadContext) async throws {
        let pool = self.pool(for: context)
        do {
            try await withThrowingDiscardingTaskGroup { group in
                for worker in 0..<pool.count {
                    guard let script = pool.finalScript(of: worker) else { continue }
                    group.addTask { try await script(Performer(pool: pool, worker: worker)) }
                }
            }
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }
}
