import Glibc

/// What chaos held, sampled while it ran.
struct SoakMemory {
    /// Growth that is allowed between the second and the last quarter: a tenth, and what an allocator
    /// may keep or give back by chance.
    static let shareAllowed = 0.10
    static let allowance = 4 << 20

    /// Bytes of anonymous memory.
    private(set) var memory: [Int] = []
    /// Open descriptors.
    private(set) var descriptors: [Int] = []

    mutating func sample(_ process: pid_t) {
        self.memory.append(ProcessUsage.memory(of: process))
        self.descriptors.append(ProcessUsage.descriptors(of: process))
    }

    /// The mean of a quarter, counted from 0.
    static func mean(_ samples: [Int], quarter: Int) -> Double {
        let size = samples.count / 4
        if size == 0 { return .nan }
        let part = samples[quarter * size..<(quarter + 1) * size]
        return Double(part.reduce(0, +)) / Double(size)
    }

    /// The last quarter's mean above that of the second, in bytes.
    var growth: Double { Self.mean(self.memory, quarter: 3) - Self.mean(self.memory, quarter: 1) }

    /// What the growth must not exceed, in bytes.
    var bound: Double {
        Self.mean(self.memory, quarter: 1) * Self.shareAllowed + Double(Self.allowance)
    }
}
