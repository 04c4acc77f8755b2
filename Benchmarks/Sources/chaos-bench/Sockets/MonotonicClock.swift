import Glibc

/// The system's monotonic clock in nanoseconds; the same for all threads and processes.
enum MonotonicClock {
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The moment `seconds` from now.
    static func after(_ seconds: Double) -> UInt64 { Self.now + UInt64(seconds * 1e9) }

    /// Seconds since a moment.
    static func seconds(since start: UInt64) -> Double { Double(Self.now - start) / 1e9 }
}
