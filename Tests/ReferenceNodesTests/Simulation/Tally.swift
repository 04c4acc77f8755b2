import Synchronization

/// Counts what happens.
final class Tally: Sendable {
    private let value = Atomic(0)

    /// Counts one more, and says how many that makes.
    func next() -> Int { self.value.wrappingAdd(1, ordering: .relaxed).newValue }

    var count: Int { self.value.load(ordering: .relaxed) }
}
