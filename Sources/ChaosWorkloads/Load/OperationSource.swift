import ChaosCheckers
import ChaosCore

/// What the clients of a workload do, one operation after the other: a value that follows from its
/// seed and from what became of earlier operations.
protocol OperationSource: Sendable {
    /// The next operation and which of the idle workers does it; `nil` when none of them has
    /// anything to do before another one is idle.
    ///
    /// - Parameter idle: The numbers of the idle workers in order, at least one.
    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)?

    /// Takes note of how a worker's operation ended. One that ended as `info` has crashed the
    /// worker's process: a new client takes its place.
    mutating func concluded(_ operation: PlannedOperation, by worker: Int, as end: Conclusion)

    /// What a worker does in the end, after everything was healed; `nil` is nothing.
    mutating func finalScript(of worker: Int) -> FinalScript?
}

/// What a worker does in the end.
typealias FinalScript = @Sendable (Performer) async throws -> Void

extension OperationSource {
    mutating func concluded(_ operation: PlannedOperation, by worker: Int, as end: Conclusion) {}
    mutating func finalScript(of worker: Int) -> FinalScript? { nil }
}

/// Draws operations that every worker may do.
struct SharedSource: OperationSource {
    private var generator: Generator
    private let draw: @Sendable (inout Generator) -> PlannedOperation
    private let final: PlannedOperation?

    /// - Parameters:
    ///   - final: What every worker does once in the end.
    ///   - draw: Makes the next operation.
    init(
        seed: Seed, final: PlannedOperation? = nil,
        draw: @escaping @Sendable (inout Generator) -> PlannedOperation
    ) {
        self.generator = seed.derived("operations").generator
        self.draw = draw
        self.final = final
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        let operation = self.draw(&self.generator)
        return self.generator.pick(idle).map { ($0, operation) }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        guard let final = self.final else { return nil }
        return { performer in try await performer.insist(on: final) }
    }
}
