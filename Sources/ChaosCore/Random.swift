// Our own generator and samplers: the algorithms behind the standard library's `random(in:using:)`
// are no contract, and a seed must give the same decisions in every later version.

/// The seed of a run, from which every decision is derived.
package struct Seed: Hashable, Sendable {
    /// The seed's value, as printed and as given by `--seed`.
    package let value: UInt64

    /// Makes a seed.
    package init(_ value: UInt64) { self.value = value }

    /// Derives the seed of a part, so that adding a part never shifts another one's draws.
    package func derived(_ labels: String...) -> Seed {
        var state = self.value
        for label in labels {
            // FNV-1a over the label (Fowler, Noll, Vo), then mixed so that near labels part.
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            state = SplitMix.mix(state &+ SplitMix.increment &+ SplitMix.mix(hash))
        }
        return Seed(state)
    }

    /// Derives the seed of a numbered part.
    package func derived(_ number: UInt64) -> Seed {
        Seed(SplitMix.mix(self.value &+ SplitMix.increment &* (number &+ 1)))
    }

    /// A generator of this seed's sequence.
    package var generator: Generator { Generator(seed: self) }

    /// The random number that belongs to an ordinal, whatever was asked before.
    ///
    /// `index` tells apart several draws for one ordinal.
    package func word(at ordinal: UInt64, index: UInt64 = 0) -> UInt64 {
        SplitMix.mix(
            SplitMix.mix(self.value &+ SplitMix.increment &* (ordinal &+ 1))
                &+ SplitMix.increment &* (index &+ 1))
    }

    /// The upper 32 bits of ``word(at:index:)``.
    package func word32(at ordinal: UInt64, index: UInt64 = 0) -> UInt32 {
        UInt32(truncatingIfNeeded: self.word(at: ordinal, index: index) >> 32)
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
enum SplitMix {
    static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15

    static func mix(_ word: UInt64) -> UInt64 {
        var z = word
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// A sequence of random numbers: xoshiro256** (Blackman, Vigna: Scrambled Linear Pseudorandom Number
/// Generators, ACM TOMS 2021), seeded by SplitMix64 as its authors advise.
package struct Generator: Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    init(seed: Seed) {
        self.a = seed.word(at: 0)
        self.b = seed.word(at: 1)
        self.c = seed.word(at: 2)
        self.d = seed.word(at: 3)
    }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        let product = self.b &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = self.b << 17
        self.c ^= self.a
        self.d ^= self.b
        self.b ^= self.c
        self.a ^= self.d
        self.c ^= shifted
        self.d = self.d << 45 | self.d >> 19
        return result
    }

    /// The next 32 random bits.
    package mutating func next32() -> UInt32 { UInt32(truncatingIfNeeded: self.next() >> 32) }

    /// A whole number from 0 up to, not including, a bound above 0.
    ///
    /// Multiplies and shifts (Lemire 2019) without the rejection step: one draw always, with a bias
    /// below 2⁻³² for bounds below 2³².
    package mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "bound must be positive, got \(bound)")
        return Int(self.next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Whether an event of this probability happens.
    package mutating func chance(_ ratio: Ratio) -> Bool { ratio.isHit(by: self.next32()) }

    /// The elements in random order (Fisher and Yates).
    package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for index in elements.indices.dropFirst().reversed() {
            elements.swapAt(index, self.next(below: index + 1))
        }
        return elements
    }

    /// One of the elements, or `nil` of none.
    package mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[self.next(below: elements.count)]
    }

    /// A duration between `center − spread` and `center + spread`, never negative.
    package mutating func duration(around center: Duration, spread: Duration) -> Duration {
        let half = spread.wholeNanoseconds
        if half <= 0 { return center }
        let offset = Int64(self.next(below: Int(2 * half + 1))) - half
        return .nanoseconds(max(0, center.wholeNanoseconds + offset))
    }
}
