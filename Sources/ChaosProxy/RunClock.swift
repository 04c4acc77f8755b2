import ChaosCore
import NIOCore

/// The clock of a run: what the pure modules are told as `now`.
package struct RunClock: Sendable {
    private let start: NIODeadline

    /// Starts the run now.
    package init() { self.start = .now() }

    /// The time since the run started, by the system's monotonic clock.
    package var now: Instant { Instant(nanoseconds: (NIODeadline.now() - self.start).nanoseconds) }

    /// The moment of an instant on the event loop's clock.
    func deadline(of instant: Instant) -> NIODeadline {
        self.start + .nanoseconds(instant.nanoseconds)
    }
}
