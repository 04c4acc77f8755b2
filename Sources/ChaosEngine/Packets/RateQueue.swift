import ChaosCore
import DequeModule

/// What waits for one token bucket.
final class RateQueue {
    var bucket = TokenBucket()
    /// Until when each packet waits, and its size. They leave in the order in which they came.
    private var waiting: Deque<(until: Instant, size: Int)> = []
    private var bytes = 0

    /// Forgets what has left by now.
    func forget(until now: Instant) {
        while let first = self.waiting.first, first.until <= now {
            self.waiting.removeFirst()
            self.bytes -= first.size
        }
    }

    func note(_ packet: Packet, until instant: Instant) {
        self.waiting.append((instant, packet.size))
        self.bytes += packet.size
    }

    /// Whether a packet more would be too many.
    ///
    /// - Parameter limit: How many bytes may wait; `nil` counts packets instead.
    func isFull(for packet: Packet, limit: ByteCount?) -> Bool {
        guard let limit else { return self.waiting.count >= RateStep.packetLimit }
        // An empty queue takes one packet of any size, or none could ever pass.
        return !self.waiting.isEmpty && self.bytes + packet.size > limit.bytes
    }
}
