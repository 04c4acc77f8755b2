/// Times in nanoseconds, sorted.
struct Percentiles: Equatable, Sendable {
    let sorted: [UInt64]

    init(_ times: [UInt64]) { self.sorted = times.sorted() }

    /// The smallest time that `share` (0…1) of all times do not exceed, in microseconds.
    func microseconds(_ share: Double) -> Double {
        guard !self.sorted.isEmpty else { return .nan }
        let rank = Int((share * Double(self.sorted.count)).rounded(.up))
        return Double(self.sorted[max(0, min(rank, self.sorted.count) - 1)]) / 1000
    }
}
