/// A node's source of randomness: the same seed and label give the same numbers on every machine.
public struct Randomness: RandomNumberGenerator, Sendable {
    private var generator: Generator

    /// Makes a source; sources of different labels have nothing to do with one another.
    public init(seed: UInt64, label: String) {
        self.generator = Seed(seed).derived("node", label).generator
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 { self.generator.next() }

    /// A whole number from 0 up to, not including, a bound above 0.
    public mutating func next(below bound: Int) -> Int { self.generator.next(below: bound) }

    /// One of the elements, or `nil` of none.
    public mutating func pick<Element>(_ elements: [Element]) -> Element? {
        self.generator.pick(elements)
    }

    /// The elements in random order.
    public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        self.generator.shuffled(elements)
    }

    /// A duration between half of the given one and one and a half times it, so that the timers of
    /// several nodes do not stay in step.
    public mutating func jittered(_ duration: Duration) -> Duration {
        self.generator.duration(around: duration, spread: duration / 2)
    }
}
