import ChaosCheckers
import ChaosCore

/// Only those operations of a source that somebody can carry out.
struct FilteredSource: OperationSource {
    /// How many operations are left out in a row at most.
    private static let attempts = 1000

    private var base: any OperationSource
    private let functions: Set<String>

    init(_ base: any OperationSource, functions: Set<String>) {
        self.base = base
        self.functions = functions
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        for _ in 0..<Self.attempts {
            guard let next = self.base.next(idle: idle) else { return nil }
            if self.functions.contains(next.operation.function) { return next }
        }
        return nil
    }

    mutating func concluded(_ operation: PlannedOperation, by worker: Int, as end: Conclusion) {
        self.base.concluded(operation, by: worker, as: end)
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        self.functions.contains("read") ? self.base.finalScript(of: worker) : nil
    }
}
