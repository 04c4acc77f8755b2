/// Makes each random number follow the one before, by netem's rule (`get_crandom` in Linux,
/// `net/sched/sch_netem.c`).
///
/// A number is `(1 − ρ)·random + ρ·last`. The numbers' autocorrelation at distance k is ρᵏ and
/// their mean stays ½ of the range. Because each is an average, their spread is narrower, by the
/// factor √((1 − ρ)/(1 + ρ)), and chances below ½ strike less often than they say. At ρ = 1 the
/// first number stays for ever.
package struct Correlation: Hashable, Sendable {
    /// ρ, scaled to 0…2³²−1.
    package let rho: UInt32
    /// The number before.
    private var last: UInt32

    /// Makes a correlation.
    ///
    /// - Parameters:
    ///   - rho: How much of the last number stays in the next, scaled to 0…2³²−1.
    ///   - first: A random number to start with, as if it had been the one before.
    package init(rho: UInt32, first: UInt32) {
        self.rho = rho
        self.last = first
    }

    /// Makes a correlation from a ratio, rounded to the nearest 1/(2³²−1) as `tc` does.
    package init(_ ratio: Ratio, first: UInt32) {
        self.init(rho: ratio.scaled32, first: first)
    }

    /// The next number, out of a fresh random number; without correlation, that number itself.
    package mutating func next(_ random: UInt32) -> UInt32 {
        if self.rho == 0 { return random }
        let share = UInt64(self.rho) + 1
        let sum = UInt64(random) * ((1 << 32) - share) + UInt64(self.last) * share
        self.last = UInt32(truncatingIfNeeded: sum >> 32)
        return self.last
    }
}

/// A chance whose hits may follow each other: netem's `loss`, `duplicate`, `corrupt` and `reorder`.
package struct CorrelatedChance: Hashable, Sendable {
    private let threshold: UInt32
    private var correlation: Correlation

    /// Makes a chance.
    ///
    /// - Parameters:
    ///   - ratio: How probable a hit is: at 0 never, at 1 always.
    ///   - correlation: How much each draw follows the one before; see ``Correlation`` on what that
    ///     does to the share of hits.
    ///   - first: A random number to start with.
    package init(_ ratio: Ratio, correlation: Ratio = .zero, first: UInt32 = 0) {
        self.threshold = ratio.scaled32
        self.correlation = Correlation(correlation, first: first)
    }

    /// Whether a fresh random number hits. Each call counts as one draw, whatever the ratio.
    package mutating func isHit(by random: UInt32) -> Bool {
        let number = self.correlation.next(random)
        return self.threshold != 0 && self.threshold >= number
    }
}
