import Foundation

/// Does something on a thread that ends afterwards: one that has been in another network namespace must
/// not go back to a pool.
enum LabThread {
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result(catching: body)) }
            thread.start()
        }
    }
}
