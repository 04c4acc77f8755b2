import Foundation
import Synchronization

/// How late the machine lets a thread go on that slept, and has nothing to do with chaos: a request and its answer are
/// half a dozen of such hops from thread to thread, and none of them can be faster.
final class SoakWakeUps: Sendable {
    private let isOver = Mutex(false)
    private let lateness = Mutex<[UInt64]>([])
    private static let pause: UInt64 = 5_000_000

    init() {
        let thread = Thread {
            while !self.isOver.withLock({ $0 }) {
                let due = MonotonicClock.now + Self.pause
                Pause.milliseconds(UInt32(Self.pause / 1_000_000))
                let now = MonotonicClock.now
                self.lateness.withLock { $0.append(now - min(now, due)) }
            }
        }
        thread.start()
    }

    /// Ends looking; what was seen.
    func end() -> Percentiles {
        self.isOver.withLock { $0 = true }
        return Percentiles(self.lateness.withLock { $0 })
    }
}
