/// A moment of a run: nanoseconds since the run started.
///
/// Pure code receives instants as arguments and never asks a clock for one.
package struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the run started.
    package var nanoseconds: Int64

    /// Makes the instant that many nanoseconds after the start of the run.
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The start of the run.
    package static let start = Instant(nanoseconds: 0)

    /// An instant later than every other.
    package static let never = Instant(nanoseconds: .max)

    /// The time since the start of the run.
    package var sinceStart: Duration { .nanoseconds(self.nanoseconds) }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant that much later; adding to `never` gives `never`.
    package static func + (instant: Instant, duration: Duration) -> Instant {
        instant.advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    /// The instant that much earlier.
    package static func - (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds - duration.wholeNanoseconds)
    }

    /// The time from the right instant to the left one.
    package static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// The instant that many nanoseconds later, at most `never`.
    package func advanced(byNanoseconds nanoseconds: Int64) -> Instant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }
}

extension Duration {
    /// The duration in nanoseconds, rounded towards zero; durations over 292 years saturate.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds > 0 ? .max : .min }
        let (sum, isTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isTooLong ? (seconds > 0 ? .max : .min) : sum
    }

    /// The duration in seconds.
    package var inSeconds: Double { Double(self.wholeNanoseconds) / 1e9 }
}
