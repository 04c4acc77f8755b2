/// How delays spread around their latency (`tc-netem(8)`, distribution).
///
/// With latency L and jitter J, before anything below zero becomes zero:
///
/// | shape | delays | mean | standard deviation |
/// |---|---|---|---|
/// | `uniform` | L − J to L + J | L | J/√3 |
/// | `normal` | L − 4J to L + 3.52 J | L − 0.001 J | J |
/// | `pareto` | L − 0.67 J to L + 4J | L − 0.033 J | 0.82 J |
/// | `paretonormal` | L − 1.5 J to L + 3.88 J | L − 0.025 J | 0.83 J |
/// | `exponential` | L to L + 22.9 J | L + J | J |
/// | `table` | L + J·value/8192 | L + J·mean | J·spread |
///
/// All but `exponential`, which netem does not have, are netem's own, computed as its `tabledist`
/// does (Linux, `net/sched/sch_netem.c`).
package enum DelayDistribution: Hashable, Sendable {
    case uniform
    case normal
    case pareto
    case paretonormal
    case exponential
    case table(DistributionTable)

    /// How a random number chooses among the values of a distribution.
    package enum Choice: Hashable, Sendable {
        /// By its remainder, as netem does. Correlation between random numbers does not survive the
        /// remainder, and jitters that are no small part of 2³¹ ns are drawn unevenly.
        case byRemainder
        /// By its rank: a higher number never chooses a lower delay. Correlated random numbers give
        /// correlated delays, and of a narrower spread, as ``Correlation`` explains.
        case byRank
    }

    /// The delay that a random number stands for, in nanoseconds, 0 or more.
    ///
    /// - Parameters:
    ///   - latency: The centre in nanoseconds, from 0 to 2⁵³ (104 days); more counts as that.
    ///   - jitter: The spread in nanoseconds, in the same bounds.
    ///   - random: A random number, correlated or not.
    ///   - choice: How the number chooses.
    package func nanoseconds(
        latency: Int64, jitter: Int64, random: UInt32, choice: Choice = .byRemainder
    ) -> Int64 {
        let latency = min(max(latency, 0), Self.nanosecondsMax)
        let jitter = min(max(jitter, 0), Self.nanosecondsMax)
        if jitter == 0 { return latency }
        let offset =
            switch self {
            case .uniform: Self.uniformOffset(jitter, random, choice)
            case .normal: Self.offset(in: .normal, jitter, random, choice)
            case .pareto: Self.offset(in: .pareto, jitter, random, choice)
            case .paretonormal: Self.offset(in: .paretonormal, jitter, random, choice)
            case .exponential: Self.exponentialOffset(jitter, random)
            case .table(let table): Self.offset(in: table, jitter, random, choice)
            }
        return max(0, latency + offset)
    }

    /// Above this the products below could overflow.
    private static let nanosecondsMax: Int64 = 1 << 53

    private static func index(_ random: UInt32, below count: UInt64, _ choice: Choice) -> UInt64 {
        // The kernel keeps jitter below 2³¹ ns; a remainder of 32 bits cannot reach further.
        if choice == .byRemainder && count <= 1 << 32 { return UInt64(random) % count }
        let (high, low) = UInt64(random).multipliedFullWidth(by: count)
        return high << 32 | low >> 32
    }

    private static func uniformOffset(_ jitter: Int64, _ random: UInt32, _ choice: Choice) -> Int64
    {
        Int64(Self.index(random, below: 2 * UInt64(jitter), choice)) - jitter
    }

    private static func offset(
        in table: DistributionTable, _ jitter: Int64, _ random: UInt32, _ choice: Choice
    ) -> Int64 {
        let index = Self.index(random, below: UInt64(table.values.count), choice)
        let value = Int64(table.values[Int(index)])
        // Whole scales and the rest are multiplied apart; only the rest is rounded, away from zero.
        let (whole, rest) = jitter.quotientAndRemainder(dividingBy: DistributionTable.scale)
        let half = DistributionTable.scale / 2
        let product = rest * value
        return (product + (product >= 0 ? half : -half)) / DistributionTable.scale + whole * value
    }

    /// −J·ln(1 − u), with u in the middle of the random number's share of 0…1.
    private static func exponentialOffset(_ jitter: Int64, _ random: UInt32) -> Int64 {
        let share = (4_294_967_296 - Double(random) - 0.5) / 4_294_967_296
        return Int64((-DistributionArithmetic.logarithm(share) * Double(jitter)).rounded())
    }
}
