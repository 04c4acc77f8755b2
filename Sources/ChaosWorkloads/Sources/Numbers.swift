import Synchronization

/// 0, 1, 2, …
final class Numbers: Sendable {
    private let value = Atomic<Int64>(0)

    func next() -> Int64 { self.value.add(1, ordering: .relaxed).oldValue }
}
