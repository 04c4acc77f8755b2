import ChaosCore
import Testing

/// These values are a promise: a seed gives the same decisions in every later version. They were
/// computed by another implementation, in Python, of the algorithms that `Random.swift` names.
@Suite("A seed")
struct RandomTests {
    @Test func pinsTheFirstDraws() {
        func draws(_ seed: UInt64) -> [UInt64] {
            var generator = Seed(seed).generator
            return (0..<4).map { _ in generator.next() }
        }
        #expect(
            draws(0) == [
                1_944_912_551_349_715_376, 13_743_314_027_778_383_062,
                2_494_946_797_726_214_566, 15_542_939_880_734_001_562,
            ])
        #expect(
            draws(42) == [
                8_426_590_368_651_661_103, 17_744_076_391_764_117_516,
                8_144_111_309_189_685_328, 2_576_786_188_438_097_012,
            ])
    }

    @Test func pinsDerivedSeeds() {
        let seed = Seed(42)
        #expect(seed.derived("link").value == 5_422_791_388_026_952_176)
        #expect(seed.derived("link", "n1->n2:peer").value == 6_448_413_873_012_497_270)
        #expect(seed.derived(0).value == 13_679_457_532_755_275_413)
        #expect(seed.word(at: 7) == 8_390_489_857_985_560)
        #expect(seed.word(at: 7, index: 1) == 18_404_527_078_358_340_066)
        #expect(seed.word32(at: 7) == 1_953_563)
    }

    @Test func pinsSamples() {
        var generator = Seed(42).generator
        #expect(
            (0..<8).map { _ in generator.next(below: 100) } == [45, 96, 44, 13, 34, 90, 33, 76])
        #expect(generator.shuffled([1, 2, 3, 4, 5, 6]) == [4, 1, 6, 2, 3, 5])
        #expect(generator.pick(["a", "b", "c"]) == "a")
        #expect(
            (0..<8).map { _ in generator.chance(Ratio(percent: 50)) } == [
                true, false, true, true, true, false, true, true,
            ])
        #expect(
            generator.duration(around: .milliseconds(100), spread: .milliseconds(10)).text
                == "95122.129us")
    }

    @Test func derivesPartsThatDoNotTouchEachOther() {
        let seed = Seed(1)
        #expect(seed.derived("a", "b") == seed.derived("a").derived("b"))
        #expect(seed.derived("a", "b") != seed.derived("b", "a"))
        #expect(seed.derived("ab") != seed.derived("a", "b"))
        #expect(seed.derived("a") != Seed(2).derived("a"))
        #expect(seed.derived(1) != seed.derived(2))
        let words = Set(
            (0..<1000 as Range<UInt64>).flatMap { ordinal in
                (0..<3 as Range<UInt64>).map { seed.word(at: ordinal, index: $0) }
            })
        #expect(words.count == 3000)
    }

    @Test func drawsEvenly() {
        var generator = Seed(5).generator
        var counts = Array(repeating: 0, count: 10)
        var hits = 0
        for _ in 0..<100_000 {
            counts[generator.next(below: 10)] += 1
            if generator.chance(Ratio(percent: 25)) { hits += 1 }
        }
        // Five standard deviations of a binomial of 100 000.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 475 })
        #expect(abs(hits - 25_000) < 685)
    }

    @Test func shufflesEveryOrderAlike() {
        var generator = Seed(6).generator
        var counts: [[Int]: Int] = [:]
        for _ in 0..<6000 { counts[generator.shuffled([1, 2, 3]), default: 0] += 1 }
        #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 1000) < 145 })
    }

    @Test func keepsDurationsWithinTheirSpread() {
        var generator = Seed(7).generator
        for _ in 0..<1000 {
            let duration = generator.duration(around: .milliseconds(5), spread: .milliseconds(10))
            #expect(duration >= .zero && duration <= .milliseconds(15))
        }
        #expect(generator.duration(around: .seconds(1), spread: .zero) == .seconds(1))
        #expect(generator.pick([Int]()) == nil)
    }
}
