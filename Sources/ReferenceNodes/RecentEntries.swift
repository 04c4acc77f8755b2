import DequeModule

/// What was noted lately, under keys of its own. The oldest entries are forgotten beyond a limit, so that what grows with traffic has an
/// end: who comes back later than that is taken for new.
struct RecentEntries<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let limit: Int
    private var values: [Key: Value] = [:]
    private var order: Deque<Key> = []

    init(limit: Int = 10_000) {
        precondition(limit > 0, "at least one entry is remembered, got a limit of \(limit)")
        self.limit = limit
    }

    /// What is known under a key.
    subscript(key: Key) -> Value? { self.values[key] }

    /// All that is known, the oldest first.
    var entries: [(key: Key, value: Value)] {
        self.order.compactMap { key in self.values[key].map { (key, $0) } }
    }

    /// Notes something; what a key had before is replaced, and no younger for it.
    mutating func note(_ value: Value, for key: Key) {
        if self.values.updateValue(value, forKey: key) != nil { return }
        self.order.append(key)
        if self.order.count > self.limit, let oldest = self.order.popFirst() {
            self.values[oldest] = nil
        }
    }
}
