import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The clock of a run: what the pure modules are told as `now`.
package struct RunClock: Sendable {
    /// When the run started, in nanoseconds of the system's monotonic clock.
    let start: UInt64

    /// Starts the run now.
    package init() { self.start = monotonicNanoseconds() }

    /// The time since the run started, by the system's monotonic clock.
    package var now: Instant { Instant(nanoseconds: Int64(monotonicNanoseconds() - self.start)) }
}

/// Nanoseconds of the clock that does not jump (clock_gettime(2)), the same that NIO's timers use.
private func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    #if canImport(Darwin)
        clock_gettime(CLOCK_UPTIME_RAW, &time)
    #else
        clock_gettime(CLOCK_MONOTONIC, &time)
    #endif
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
