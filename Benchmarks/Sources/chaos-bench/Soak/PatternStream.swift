import Glibc

/// A stream of bytes that both ends know, made from a number: a byte that is missing, repeated,
/// moved or of another stream does not fit.
struct PatternStream {
    /// A prime, so that neither offsets nor blocks of a round size meet the same bytes again.
    private static let period = 1_048_573

    /// The period twice, so that a piece is contiguous wherever it starts.
    private static let table: [UInt8] = {
        var generator = SplitMix(seed: 0x5EED)
        let bytes = (0..<Self.period).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
        return bytes + bytes
    }()

    /// How much can be asked for at once.
    static let pieceMax = 256 << 10

    private let start: Int

    init(seed: UInt64) {
        self.start = Int((seed &* 0x9E37_79B9_7F4A_7C15 >> 11) % UInt64(Self.period))
    }

    /// Shows up to `pieceMax` bytes from an offset on.
    func withBytes<Result>(
        at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition(
            count <= Self.pieceMax, "a piece has at most \(Self.pieceMax) bytes, got \(count)")
        let place = (self.start + offset) % Self.period
        return try Self.table.withUnsafeBytes {
            try body(UnsafeRawBufferPointer(rebasing: $0[place..<place + count]))
        }
    }

    /// Whether bytes are those of the stream from an offset on.
    func matches(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, Self.pieceMax)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            let isSame = self.withBytes(at: offset + done, count: count) { expected in
                guard let left = expected.baseAddress, let right = piece.baseAddress else {
                    return true
                }
                return memcmp(left, right, count) == 0
            }
            if !isSame { return false }
            done += count
        }
        return true
    }
}

/// A small seeded generator (SplitMix64, Steele et al. 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of a range.
    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[self.number(0...values.count - 1)]
    }
}
