import ChaosCore
import Testing

@Suite("Correlated random numbers")
struct DistributionCorrelationTests {
    private static let draws = 200_000

    private static func numbers(_ start: Correlation, from fresh: [UInt32]) -> [UInt32] {
        var correlation = start
        return fresh.map { correlation.next($0) }
    }

    // (random·(2³² − (ρ+1)) + last·(ρ+1)) >> 32 with ρ = 2³¹ − 1, so that ρ+1 is one half:
    // (1000 + 2000)/2 = 1500, (1500 + 0)/2 = 750, (750 + 3)/2 = 376.5, rounded down.
    @Test func averagesWithTheNumberBefore() {
        let half = Correlation(rho: (1 << 31) - 1, first: 2000)
        #expect(Self.numbers(half, from: [1000, 0, 3]) == [1500, 750, 376])
    }

    // 25 % of 2³²−1 is 1073741823.75, rounded 1073741824; plus one, q = 1073741825.
    // (100·(2³² − q) + 200·q) >> 32 = 100 + (100·q >> 32) = 125.
    // All ones stay all ones: ((2³²−1)·2³²) >> 32.
    @Test func scalesRatiosAsTcDoes() {
        let quarter = Correlation(Ratio(percent: 25), first: 200)
        #expect(quarter.rho == 1_073_741_824)
        #expect(Self.numbers(quarter, from: [100]) == [125])
        let ones = Correlation(Ratio(percent: 25), first: .max)
        #expect(Self.numbers(ones, from: [.max]) == [.max])
    }

    @Test func withoutCorrelationNumbersPassUnchanged() {
        let none = Correlation(.zero, first: 5)
        #expect(Self.numbers(none, from: [1, 2, .max]) == [1, 2, .max])
    }

    @Test func fullCorrelationKeepsTheFirstNumber() {
        let full = Correlation(.one, first: 77)
        #expect(Self.numbers(full, from: [1, 2, .max]) == [77, 77, 77])
    }

    // An autocorrelation ρ estimated from n numbers of such a sequence varies by √((1 − ρ²)/n)
    // (Bartlett), the mean by σ·√((1 + ρ)/(1 − ρ)/n), and the spread, whose squares are correlated
    // by ρ², by less than σ·√((1 + ρ²)/(1 − ρ²)/2n). Five times that is allowed.
    @Test(arguments: [5, 25, 50, 75, 90])
    func autocorrelationIsTheRatioAndTheSpreadNarrows(percent: Int) {
        var generator = Seed(UInt64(percent)).generator
        var correlation = Correlation(Ratio(percent: percent), first: generator.next32())
        let sample = (0..<Self.draws).map { _ in
            Double(correlation.next(generator.next32())) / 4_294_967_296
        }
        let rho = Double(percent) / 100
        let n = Double(Self.draws)
        let spread = ((1 - rho) / (1 + rho) / 12).squareRoot()
        let moments = Moments(sample)
        #expect(
            abs(Moments.autocorrelation(sample) - rho) < 5 * ((1 - rho * rho) / n).squareRoot())
        #expect(abs(moments.mean - 0.5) < 5 * spread * ((1 + rho) / (1 - rho) / n).squareRoot())
        #expect(
            abs(moments.spread - spread)
                < 5 * spread * ((1 + rho * rho) / (1 - rho * rho) / (2 * n)).squareRoot())
    }
}

@Suite("Chances and loss")
struct DistributionLossTests {
    private static let draws = 200_000

    private static func hits(_ chance: CorrelatedChance, seed: UInt64) -> Double {
        var chance = chance
        var generator = Seed(seed).generator
        var hits = 0
        for _ in 0..<Self.draws where chance.isHit(by: generator.next32()) { hits += 1 }
        return Double(hits) / Double(Self.draws)
    }

    private static func answers(_ chance: CorrelatedChance, to fresh: [UInt32]) -> [Bool] {
        var chance = chance
        return fresh.map { chance.isHit(by: $0) }
    }

    @Test func hitsUpToItsThreshold() {
        // 50 % of 2³²−1 is 2147483647.5, rounded up.
        let half = CorrelatedChance(Ratio(percent: 50))
        #expect(Self.answers(half, to: [2_147_483_648, 2_147_483_649]) == [true, false])
    }

    @Test func neverAndAlwaysHaveNoExceptions() {
        let never = CorrelatedChance(.zero)
        #expect(Self.answers(never, to: [0, 1, .max]) == [false, false, false])
        let always = CorrelatedChance(.one)
        #expect(Self.answers(always, to: [0, 1, .max]) == [true, true, true])
        let neverStayingAtZero = CorrelatedChance(.zero, correlation: .one, first: 0)
        #expect(Self.answers(neverStayingAtZero, to: [5, 0]) == [false, false])
    }

    // The share of hits varies by √(p(1 − p)/n); five times that is allowed.
    @Test(arguments: [1, 10, 50, 99])
    func hitsAsOftenAsAsked(percent: Int) {
        let p = Double(percent) / 100
        let share = Self.hits(CorrelatedChance(Ratio(percent: percent)), seed: 11)
        #expect(abs(share - p) < 5 * (p * (1 - p) / Double(Self.draws)).squareRoot())
    }

    // At ρ = ½ the numbers are ∑ 2⁻ᵏ·uₖ, whose distribution function is Fabius' function F: F(1/2)
    // = 1/2, F(1/4) = 5/72, F(1/8) = 1/288. So netem's "loss 25% 50%" loses 6.9 %. Hits repeat with
    // an autocorrelation below ½, which widens the error by less than √3.
    @Test(
        arguments: [
            (500_000_000, 0.5), (250_000_000, 5.0 / 72), (125_000_000, 1.0 / 288),
        ] as [(Int64, Double)])
    func correlatedLossIsRarerAsInNetem(billionths: Int64, expected: Double) {
        let chance = CorrelatedChance(
            Ratio(billionths: billionths), correlation: Ratio(percent: 50), first: 1 << 31)
        let error = (3 * expected * (1 - expected) / Double(Self.draws)).squareRoot()
        #expect(abs(Self.hits(chance, seed: 12) - expected) < 5 * error)
    }

    @Test func gilbertElliottComparesAsTheKernelDoes() {
        // r, 1−h and p of 25 % scale to 1073741824; 1−k of 75 % to 3221225471.
        let quarter: UInt32 = 1_073_741_824
        var chain = GilbertElliottChain(
            p: Ratio(percent: 25), r: Ratio(percent: 25), lossInBad: Ratio(percent: 75),
            lossInGood: Ratio(percent: 25))
        let draws: [(transition: UInt32, loss: UInt32)] = [
            (quarter, quarter), (quarter - 1, quarter - 1), (quarter, quarter),
            (quarter, quarter + 1), (0, .max),
        ]
        // The state before each move decides on the packet.
        var states: [Bool] = []
        var losses: [Bool] = []
        for draw in draws {
            states.append(chain.isBad)
            losses.append(chain.isLost(transition: draw.transition, loss: draw.loss))
        }
        #expect(states + [chain.isBad] == [false, false, true, true, true, false])
        #expect(losses == [false, true, false, true, true])
    }

    // The chain's states are correlated by λ = 1 − p − r, so that the share of losses varies by
    // √(π(1 − π)(1 + λ)/(1 − λ)/n), π being the share itself; where a state loses only some
    // packets, by less. Bursts: with everything lost in the bad state and nothing in the good one
    // their length is geometric with mean 1/r and spread √(1 − r)/r.
    @Test(arguments: [
        (1, 10, 100, 0), (5, 25, 100, 0), (2, 20, 50, 1), (30, 30, 80, 5),
    ])
    func gilbertElliottLosesItsStationaryShare(p: Int, r: Int, bad: Int, good: Int) {
        var chain = GilbertElliottChain(
            p: Ratio(percent: p), r: Ratio(percent: r), lossInBad: Ratio(percent: bad),
            lossInGood: Ratio(percent: good))
        var generator = Seed(UInt64(p * 100 + r)).generator
        let lost = (0..<Self.draws).map { _ in
            chain.isLost(transition: generator.next32(), loss: generator.next32())
        }
        let n = Double(Self.draws)
        let share = Double(r * good + p * bad) / Double(p + r) / 100
        let lambda = 1 - Double(p + r) / 100
        let error = (share * (1 - share) * (1 + lambda) / (1 - lambda) / n).squareRoot()
        #expect(abs(Double(lost.filter(\.self).count) / n - share) < 5 * error)

        guard bad == 100, good == 0 else { return }
        let bursts = lost.split(separator: false).map { Double($0.count) }
        let back = Double(r) / 100
        let burstError = (1 - back).squareRoot() / back / Double(bursts.count).squareRoot()
        #expect(abs(Moments(bursts).mean - 1 / back) < 5 * burstError)
    }
}
