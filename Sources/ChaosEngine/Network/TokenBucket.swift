import ChaosCore

/// A token bucket, kept as the moment at which everything taken from it has been transmitted.
///
/// Fractions of nanoseconds are carried on, so that the speed in the long run is exact whatever the
/// sizes of the pieces are.
struct TokenBucket {
    /// When all that was taken has been transmitted at the bandwidth.
    private var transmittedAt = Instant.start
    /// What is missing to the next nanosecond, in nanoseconds times bits per second.
    private var fraction: Int64 = 0

    /// Larger bursts count as this much: 1 GiB.
    private static var capacityMax: Int { 1 << 30 }
    /// A bucket holds at least what passes in this time (2 ms), or a driver that wakes up late
    /// would lose bandwidth.
    private static var capacityTimeMin: Int64 { 2_000_000 }

    /// How much the bucket of a rate holds when it is full, in bytes.
    private static func capacity(_ rate: Fault.Rate) -> Int {
        let least = max(1, rate.bandwidth.bytes(inNanoseconds: Self.capacityTimeMin))
        return min(max(rate.burst.bytes, least), Self.capacityMax)
    }

    /// The largest piece taken at once out of a bucket that is not full: 5 ms worth, so that
    /// connections that share it take turns.
    private static func pieceMax(_ rate: Fault.Rate) -> Int {
        let bytes = rate.bandwidth.bytes(inNanoseconds: 5_000_000)
        return min(max(bytes, 1), 64 << 10, Self.capacity(rate))
    }

    /// Takes as much as the bucket holds, up to what is wanted (1 byte or more).
    ///
    /// - Returns: How many bytes were taken, and when they may leave: now, or once the bucket has
    ///   filled up enough.
    mutating func take(_ wanted: Int, of rate: Fault.Rate, at now: Instant) -> (Int, Instant) {
        if self.transmittedAt < now { (self.transmittedAt, self.fraction) = (now, 0) }
        let capacity = Self.capacity(rate)
        let capacityTime = rate.bandwidth.nanoseconds(forBytes: capacity)
        let debt = self.transmittedAt.nanoseconds - now.nanoseconds
        let saved = rate.bandwidth.bytes(inNanoseconds: max(0, capacityTime - debt))
        let least = min(wanted, Self.pieceMax(rate))
        let taken = min(wanted, max(least, min(saved, capacity)))
        self.charge(taken, rate.bandwidth)
        if taken <= saved { return (taken, now) }
        return (taken, max(now, self.transmittedAt.advanced(byNanoseconds: -capacityTime)))
    }

    /// Takes as much as is wanted (0 bytes or more) at once, whether the bucket holds it or not.
    ///
    /// - Returns: When it may leave: now, or once the bucket has filled up enough.
    mutating func takeWhole(_ wanted: Int, of rate: Fault.Rate, at now: Instant) -> Instant {
        if self.transmittedAt < now { (self.transmittedAt, self.fraction) = (now, 0) }
        let capacityTime = rate.bandwidth.nanoseconds(forBytes: Self.capacity(rate))
        self.charge(wanted, rate.bandwidth)
        return max(now, self.transmittedAt.advanced(byNanoseconds: -capacityTime))
    }

    private mutating func charge(_ bytes: Int, _ bandwidth: Bandwidth) {
        // At most 2³⁰ bytes: the product stays below 2⁶³.
        let product = Int64(bytes) * 8_000_000_000
        let bits = bandwidth.bitsPerSecond
        var (time, rest) = product.quotientAndRemainder(dividingBy: bits)
        let room = bits - self.fraction
        if rest < room {
            self.fraction += rest
        } else {
            self.fraction = rest - room
            time += 1
        }
        self.transmittedAt = self.transmittedAt.advanced(byNanoseconds: time)
    }
}
