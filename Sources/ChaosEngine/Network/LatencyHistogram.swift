import ChaosCore

/// How long bytes stayed in the engine: from when they were read to when they were handed on.
package struct LatencyHistogram: Hashable, Sendable {
    /// The upper bounds of the buckets but the last, in microseconds; the last one has none.
    package static let bounds: [Int64] = [
        100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000, 30_000_000, 60_000_000,
    ]

    /// How many stayed no longer than each bound but longer than the one before.
    package private(set) var counts = [Int](repeating: 0, count: Self.bounds.count + 1)
    /// The time of all of them together, in nanoseconds.
    package private(set) var nanoseconds: Int64 = 0

    package init() {}

    /// Adds what others have become since they were as given.
    package mutating func add(_ others: LatencyHistogram, since before: LatencyHistogram) {
        for index in self.counts.indices {
            self.counts[index] += others.counts[index] - before.counts[index]
        }
        self.nanoseconds &+= others.nanoseconds &- before.nanoseconds
    }

    /// Counts one, in nanoseconds.
    package mutating func add(_ nanoseconds: Int64) {
        let index = Self.bounds.firstIndex { nanoseconds <= $0 * 1000 } ?? Self.bounds.count
        self.counts[index] += 1
        self.nanoseconds &+= nanoseconds
    }
}

/// When the bytes were read that are still in the engine, by their place in the stream.
struct Arrivals {
    private var reads: [(end: Int, at: Instant)] = []
    private var next = 0

    mutating func read(to end: Int, at now: Instant) { self.reads.append((end, now)) }

    /// Tells of each read of which all bytes are gone, how long they stayed.
    ///
    /// Bytes that overtake others count in their place, so sums are exact and single ones may be not.
    mutating func gone(to end: Int, at now: Instant, _ tell: (Int64) -> Void) {
        while self.next < self.reads.count, self.reads[self.next].end <= end {
            tell(now.nanoseconds - self.reads[self.next].at.nanoseconds)
            self.next += 1
        }
        if self.next == self.reads.count {
            self.reads.removeAll(keepingCapacity: true)
            self.next = 0
        } else if self.next > 1024 {
            self.reads.removeFirst(self.next)
            self.next = 0
        }
    }
}
