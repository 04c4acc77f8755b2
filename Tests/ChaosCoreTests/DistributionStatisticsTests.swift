import ChaosCore
import Testing

// Over n independent draws the mean varies by σ/√n and the standard deviation by about σ·√((κ −
// 1)/4n), κ being the kurtosis (fourth central moment over σ⁴). Each check allows five times that:
// a right implementation fails one seed in two million, and the seeds are fixed.

@Suite("Statistics of delay distributions")
struct DistributionStatisticsTests {
    private static let draws = 200_000
    private static let latency: Int64 = 100_000_000
    private static let jitter: Int64 = 10_000_000

    private static func delays(
        _ distribution: DelayDistribution, _ choice: DelayDistribution.Choice, seed: UInt64
    ) -> [Double] {
        var generator = Seed(seed).generator
        return (0..<Self.draws).map { _ in
            Double(
                distribution.nanoseconds(
                    latency: Self.latency, jitter: Self.jitter, random: generator.next32(),
                    choice: choice))
        }
    }

    private static func expect(
        _ sample: Moments, mean: Double, spread: Double, kurtosis: Double,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let n = Double(Self.draws)
        let meanError = spread / n.squareRoot()
        let spreadError = spread * ((kurtosis - 1) / (4 * n)).squareRoot()
        #expect(abs(sample.mean - mean) < 5 * meanError, sourceLocation: location)
        #expect(abs(sample.spread - spread) < 5 * spreadError, sourceLocation: location)
    }

    @Test(arguments: [DelayDistribution.Choice.byRemainder, .byRank], [UInt64(1), 2])
    func uniformHasTheMeanAndSpreadOfItsRange(choice: DelayDistribution.Choice, seed: UInt64) {
        // J/√3, kurtosis 9/5. The remainder of 2³² by 2J = 2·10⁷ shifts the mean by 0.01 % of J.
        Self.expect(
            Moments(Self.delays(.uniform, choice, seed: seed)), mean: 100e6,
            spread: 10e6 / 3.0.squareRoot(), kurtosis: 1.8)
    }

    @Test(arguments: [DelayDistribution.Choice.byRemainder, .byRank], [UInt64(3), 4])
    func normalHasItsMeanAndSpread(choice: DelayDistribution.Choice, seed: UInt64) {
        // The table's own mean is −0.00078 J; the error allowed here is 0.011 J.
        Self.expect(
            Moments(Self.delays(.normal, choice, seed: seed)), mean: 100e6, spread: 10e6,
            kurtosis: 3)
    }

    @Test(
        arguments: ["pareto", "paretonormal", "own"],
        [DelayDistribution.Choice.byRemainder, .byRank])
    func tablesHaveTheirMeanAndSpread(name: String, choice: DelayDistribution.Choice) throws {
        let tables: [String: DistributionTable] = [
            "pareto": .pareto, "paretonormal": .paretonormal,
            "own": DistributionTable([-8192, 0, 0, 20_000]),
        ]
        let table = try #require(tables[name])
        let values = Moments(table.values.map { Double($0) / 8192 })
        Self.expect(
            Moments(Self.delays(.table(table), choice, seed: 5)), mean: 100e6 + values.mean * 10e6,
            spread: values.spread * 10e6, kurtosis: values.kurtosis)
    }

    @Test func paretoAgreesWithTheIntegralOfItsFormula() {
        // X = (4/3)(u^(−1/3) − 3/2), cut at 4 below u₀ = 4.5⁻³ = 0.010974. With
        // ∫u^(−1/3) = 3/2·u^(2/3) and ∫u^(−2/3) = 3·u^(1/3) from u₀ to 1:
        // E X = (4/3)(1.5(1 − u₀^(2/3)) − 1.5(1 − u₀)) + 4u₀ = −0.03286,
        // E X² = (16/9)(3(1 − u₀^(1/3)) − 4.5(1 − u₀^(2/3)) + 2.25(1 − u₀)) + 16u₀ = 0.67078.
        let u = 1 / (4.5 * 4.5 * 4.5)
        let mean = 4.0 / 3 * (1.5 * (1 - 1 / 20.25) - 1.5 * (1 - u)) + 4 * u
        let square =
            16.0 / 9 * (3 * (1 - 1 / 4.5) - 4.5 * (1 - 1 / 20.25) + 2.25 * (1 - u)) + 16 * u
        // The table steps by 1/4096 in u from its upper end, which moves the mean by at most
        // (4 + 2/3)/4096 = 0.0012.
        #expect(abs(DistributionTable.pareto.mean - mean) < 0.0012)
        #expect(abs(DistributionTable.pareto.spread - (square - mean * mean).squareRoot()) < 0.003)
    }

    @Test func exponentialHasMeanAndSpreadOfOneJitter() {
        // Exp(1) has mean 1, standard deviation 1, kurtosis 9.
        Self.expect(
            Moments(Self.delays(.exponential, .byRemainder, seed: 6)), mean: 110e6, spread: 10e6,
            kurtosis: 9)
    }

    @Test func byRankCorrelationReachesTheDelaysAndByRemainderItDoesNot() {
        for (choice, expected) in [(DelayDistribution.Choice.byRank, 0.5), (.byRemainder, 0)] {
            var generator = Seed(7).generator
            var correlation = Correlation(Ratio(percent: 50), first: generator.next32())
            let delays = (0..<Self.draws).map { _ in
                Double(
                    DelayDistribution.uniform.nanoseconds(
                        latency: Self.latency, jitter: Self.jitter,
                        random: correlation.next(generator.next32()), choice: choice))
            }
            // An autocorrelation estimated over n draws varies by at most 1/√n.
            #expect(
                abs(Moments.autocorrelation(delays) - expected)
                    < 5 / Double(Self.draws).squareRoot())
        }
    }
}

/// Mean, spread and tails of a sample.
struct Moments {
    let mean: Double
    let spread: Double
    let kurtosis: Double

    init(_ sample: [Double]) {
        let n = Double(sample.count)
        let mean = sample.reduce(0, +) / n
        let variance = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
        let fourth = sample.reduce(0) {
            $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) * ($1 - mean)
        }
        self.mean = mean
        self.spread = variance.squareRoot()
        self.kurtosis = fourth / n / (variance * variance)
    }

    /// The correlation of each number with the one before.
    static func autocorrelation(_ sample: [Double]) -> Double {
        let moments = Moments(sample)
        let products = zip(sample, sample.dropFirst()).reduce(0) {
            $0 + ($1.0 - moments.mean) * ($1.1 - moments.mean)
        }
        return products / Double(sample.count - 1) / (moments.spread * moments.spread)
    }
}
