import ChaosCore
import Testing

@Suite("Delay distributions")
struct DistributionTests {
    private static let millisecond: Int64 = 1_000_000

    // (random mod 2J) + L − J, by hand: J = 10 gives remainders 0…19.
    @Test(arguments: [
        (UInt32(0), Int64(90)), (19, 109), (20, 90), (37, 107), (4_294_967_295, 105),
    ])
    func uniformIsTheRemainderAroundTheLatency(random: UInt32, expected: Int64) {
        #expect(
            DelayDistribution.uniform.nanoseconds(latency: 100, jitter: 10, random: random)
                == expected)
    }

    // (J mod 8192)·t, rounded half away from zero by 8192, plus (J div 8192)·t, plus L.
    @Test(arguments: [
        // 3·8192 = 24576, a whole jitter.
        (Int16(8192), Int64(24_576), Int64(124_576)),
        // One third of a jitter of 1: 2731/8192 rounds to 0, 4096/8192 rounds to 1.
        (2731, 1, 100_000), (4096, 1, 100_001), (-4096, 1, 99_999), (-4095, 1, 100_000),
        // 10000 = 1·8192 + 1808; 1808·100 + 4096 = 184896, /8192 = 22; 1·100; together 122.
        (100, 10_000, 100_122), (-100, 10_000, 99_878),
    ])
    func tablesRoundAsTheKernelDoes(value: Int16, jitter: Int64, expected: Int64) {
        let table = DelayDistribution.table(DistributionTable([value]))
        #expect(table.nanoseconds(latency: 100_000, jitter: jitter, random: 7) == expected)
    }

    @Test func aTableIsChosenFromByRemainderOrByRank() {
        let table = DelayDistribution.table(DistributionTable([0, 8192, 16_384]))
        func delay(_ random: UInt32, _ choice: DelayDistribution.Choice) -> Int64 {
            table.nanoseconds(latency: 0, jitter: 10, random: random, choice: choice)
        }
        #expect([0, 1, 2, 3, 4].map { delay($0, .byRemainder) } == [0, 10, 20, 0, 10])
        // 2³²/3 = 1431655765.3 and 2·2³²/3 = 2863311530.7.
        let numbers: [UInt32] = [
            0, 1_431_655_765, 1_431_655_766, 2_863_311_530, 2_863_311_531, .max,
        ]
        #expect(numbers.map { delay($0, .byRank) } == [0, 0, 10, 10, 20, 20])
    }

    // −ln(1 − u): u = ½ gives ln 2 = 0.693147…; the lowest u is 2⁻³³, the highest 1 − 2⁻³³, and
    // 33·ln 2 = 22.873857.
    @Test(arguments: [
        (UInt32(0), Int64(5_000_000)), (2_147_483_648, 5_693_147), (.max, 27_873_857),
    ])
    func exponentialDelaysStartAtTheLatency(random: UInt32, expected: Int64) {
        let delay = DelayDistribution.exponential.nanoseconds(
            latency: 5 * Self.millisecond, jitter: Self.millisecond, random: random)
        #expect(delay == expected)
    }

    @Test(arguments: [
        DelayDistribution.uniform, .normal, .pareto, .paretonormal, .exponential,
        .table(DistributionTable([.min, .max])),
    ])
    func noDelayIsNegativeAndNoneOverflows(distribution: DelayDistribution) {
        for choice in [DelayDistribution.Choice.byRemainder, .byRank] {
            for jitter in [0, 1, 8191, 8192, 8193, 1 << 31, 1 << 53, Int64.max] {
                for latency in [0, 1, Int64.max] {
                    for random in [0, 1, 4095, 4096, 1 << 31, UInt32.max] {
                        let delay = distribution.nanoseconds(
                            latency: latency, jitter: jitter, random: random, choice: choice)
                        #expect(delay >= 0)
                        if jitter == 0 { #expect(delay == min(latency, 1 << 53)) }
                    }
                }
            }
        }
    }

    @Test(arguments: [
        DelayDistribution.uniform, .normal, .pareto, .paretonormal, .exponential,
    ])
    func byRankAHigherNumberNeverGivesALowerDelay(distribution: DelayDistribution) {
        let delays = stride(from: UInt64(0), to: 1 << 32, by: 1 << 20).map {
            distribution.nanoseconds(
                latency: 100 * Self.millisecond, jitter: 20 * Self.millisecond,
                random: UInt32($0), choice: .byRank)
        }
        #expect(delays == delays.sorted())
    }

    @Test func jittersBeyondThirtyTwoBitsReachTheirWholeRange() {
        let jitter: Int64 = 10_000_000_000
        let lowest = DelayDistribution.uniform.nanoseconds(
            latency: jitter, jitter: jitter, random: 0)
        let highest = DelayDistribution.uniform.nanoseconds(
            latency: jitter, jitter: jitter, random: .max)
        #expect(lowest == 0)
        #expect(highest == 19_999_999_995)
    }
}

@Suite("Distribution tables")
struct DistributionTableTests {
    // First and last values and sums of the files that iproute2 6.1 installs in /usr/lib/tc; all
    // 4096 values of each were compared with these tables once, and were equal.
    @Test func tablesAreThoseOfIproute() {
        let normal = DistributionTable.normal.values
        #expect(
            normal.prefix(8) == [-32768, -28307, -26871, -25967, -25298, -24765, -24320, -23937])
        #expect(normal.last == 28_858)
        let pareto = DistributionTable.pareto.values
        #expect(pareto.prefix(8) == [-5461, -5460, -5460, -5459, -5458, -5457, -5456, -5455])
        #expect(pareto.suffix(8) == [32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767])
        let paretonormal = DistributionTable.paretonormal.values
        #expect(
            paretonormal.prefix(8)
                == [-12305, -11171, -10812, -10586, -10418, -10284, -10172, -10075])
        #expect(paretonormal.last == 31_789)
        let sums = [normal, pareto, paretonormal].map { $0.reduce(0) { $0 + Int($1) } }
        #expect(sums == [-26_163, -1_123_786, -848_968])
        #expect([normal.count, pareto.count, paretonormal.count] == [4096, 4096, 4096])
    }

    // Φ⁻¹(p) from statistical tables: Φ⁻¹(0.975) = 1.95996, Φ⁻¹(0.8413) = 1 (approximately).
    @Test func normalTableHoldsTheQuantiles() {
        let values = DistributionTable.normal.values
        #expect(abs(Double(values[4096 * 975 / 1000]) / 8192 - 1.95996) < 0.005)
        #expect(abs(Double(values[3446]) / 8192 - 1) < 0.005)
        #expect(abs(Int(values[2048])) <= 1)
    }

    // u = 1/2 gives (2^(1/3) − 1.5)·4/3 = −0.3201; u = 1/8 gives (2 − 1.5)·4/3 = 2/3.
    @Test func paretoTableFollowsItsFormula() {
        let values = DistributionTable.pareto.values
        #expect(values[2048] == -2622)
        #expect(values[3584] == 5461)
    }

    @Test func readsADistFile() throws {
        let text = "# This is a comment\n -32768 0\n\n# another 5\n 17\t32767 \n"
        let table = try DistributionTable(parsing: text)
        #expect(table.values == [-32768, 0, 17, 32767])
    }

    @Test(arguments: [
        ("1 2 x", "a distribution table holds whole numbers from -32768 to 32767, found 'x'"),
        ("40000", "a distribution table holds whole numbers from -32768 to 32767, found '40000'"),
        ("1.5", "a distribution table holds whole numbers from -32768 to 32767, found '1.5'"),
        ("# nothing\n", "a distribution table holds 1 to 16384 numbers, found '0'"),
    ])
    func refusesWhatIsNoTable(text: String, sentence: String) {
        #expect {
            _ = try DistributionTable(parsing: text)
        } throws: { ($0 as? InputError)?.sentence == sentence }
    }

    @Test func refusesMoreThanTheKernelTakes() {
        #expect {
            _ = try DistributionTable(parsing: String(repeating: "1 ", count: 16_385))
        } throws: {
            ($0 as? InputError)?.sentence
                == "a distribution table holds 1 to 16384 numbers, found '16385'"
        }
    }

    @Test func tellsMeanAndSpread() {
        let table = DistributionTable([-8192, 8192, -8192, 8192])
        #expect(table.mean == 0)
        #expect(table.spread == 1)
        #expect(DistributionTable([8192, 0]).mean == 0.5)
    }
}
