/// Which of the operations that are open at once have taken their place, by slot.
///
/// Fixed in size, so that a configuration of the search is a plain value.
struct SlotSet: Hashable {
    /// How many operations may be open at once.
    static let capacity = 256

    private var words: SIMD4<UInt64> = .zero

    func contains(_ slot: Int) -> Bool {
        self.words[slot >> 6] & (1 << UInt64(slot & 63)) != 0
    }

    mutating func insert(_ slot: Int) { self.words[slot >> 6] |= 1 << UInt64(slot & 63) }

    mutating func remove(_ slot: Int) { self.words[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
}
