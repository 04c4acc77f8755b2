/// How many lines came when, in bins of equal width that grow wider as the time grows longer.
package struct LogHistogram: Hashable, Sendable {
    /// The lines of one stretch of time.
    package struct Bin: Hashable, Sendable {
        /// How many.
        package var count = 0
        /// How many of them read like trouble.
        package var trouble = 0
        /// The first of those, or else the first of all.
        package var sample: LogLine?

        /// Adds the lines of a later stretch.
        mutating func merge(_ other: Bin) {
            self.take(other.count, trouble: other.trouble) { other.sample }
        }

        /// Adds lines, of which one is looked at where it is the first that looks so bad.
        mutating func take(_ count: Int, trouble: Int, sample: () -> LogLine?) {
            if count > 0, self.count == 0 || (self.trouble == 0 && trouble > 0) {
                self.sample = sample()
            }
            self.count += count
            self.trouble += trouble
        }
    }

    /// More bins than a drawing has points say nothing more.
    static let binsMax = 1024

    /// How many seconds a bin has.
    package private(set) var width = 0.001
    /// The bins from second 0 on.
    package private(set) var bins: [Bin] = []

    mutating func add(_ line: KeptLogLine) {
        while line.seconds >= self.width * Double(Self.binsMax) { self.widen() }
        let index = min(Int(line.seconds / self.width), Self.binsMax - 1)
        while self.bins.count <= index { self.bins.append(Bin()) }
        self.bins[index].take(1, trouble: line.isTrouble ? 1 : 0) { line.line }
    }

    private mutating func widen() {
        self.width *= 2
        self.bins = stride(from: 0, to: self.bins.count, by: 2).map { index in
            var bin = self.bins[index]
            if index + 1 < self.bins.count { bin.merge(self.bins[index + 1]) }
            return bin
        }
    }
}
