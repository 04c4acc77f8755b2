import ChaosCore

/// One step of a link's pipeline: decides about packets that come, and keeps those that wait.
class PacketStep {
    var queue = PacketQueue()
    /// Its place among the steps of its pipeline.
    var place = 0

    /// When it has something to let go.
    var wakeAt: Instant { self.queue.wakeAt }
    /// Whether nothing waits here.
    var isEmpty: Bool { self.queue.isEmpty }

    /// Decides about a packet that comes at an instant, and passes it on or keeps it.
    func take(_ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline) {
        pipeline.proceed(packet, behind: self, at: instant)
    }

    /// Lets the first go of those that wait.
    func releaseFirst(_ pipeline: PacketPipeline) {
        guard let (packet, due) = self.queue.removeFirst() else { return }
        pipeline.noteLeavingQueue(packet)
        pipeline.proceed(packet, behind: self, at: due)
    }

    /// Lets everything go that waits, in order and at once.
    func releaseAll(at now: Instant, _ pipeline: PacketPipeline) {
        while let (packet, due) = self.queue.removeFirst() {
            pipeline.noteLeavingQueue(packet)
            pipeline.proceed(packet, behind: self, at: min(due, now))
        }
    }

    /// Gives up everything that waits.
    func takeAll() -> [Packet] {
        var packets: [Packet] = []
        while let (packet, _) = self.queue.removeFirst() { packets.append(packet) }
        return packets
    }

    /// Lets a packet go when it is due.
    func keep(
        _ packet: Packet, until due: Instant, at instant: Instant, _ pipeline: PacketPipeline
    ) {
        if due <= instant { return pipeline.proceed(packet, behind: self, at: instant) }
        guard pipeline.hasRoom(for: packet) else { return pipeline.discard(packet, at: instant) }
        pipeline.noteQueued(packet)
        self.queue.append(packet, due: due)
    }
}
