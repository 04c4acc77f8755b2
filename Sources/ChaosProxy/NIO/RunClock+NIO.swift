import ChaosCore
import NIOCore

extension RunClock {
    /// The moment of an instant on the event loop's clock, which is the same one.
    func deadline(of instant: Instant) -> NIODeadline {
        .uptimeNanoseconds(self.start) + .nanoseconds(instant.nanoseconds)
    }
}
