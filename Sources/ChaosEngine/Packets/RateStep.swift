import ChaosCore

/// A token bucket that packets leave whole (`tc-tbf(8)`). What does not find room in the queue in front
/// of it is lost; one packet that is larger than the bucket leaves once all of it is paid for.
final class RateStep: PacketStep {
    /// How many packets wait where nobody says how many bytes may: as many as in netem's queue.
    static let packetLimit = 1000

    private var fault: LinkFault?
    /// The queue of all flows of the link.
    private var shared = RateQueue()

    /// Whether nothing would be done to a packet, and none waits.
    var isIdle: Bool { self.fault == nil && self.isEmpty }

    /// Takes over the rate of a link. What only an old one kept back goes at once.
    func configure(_ link: LinkState, at now: Instant, _ pipeline: PacketPipeline) {
        let fault = link.fault(.rate)
        if fault === self.fault { return }
        self.fault = fault
        self.shared = RateQueue()
        self.releaseAll(at: now, pipeline)
    }

    override func take(_ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline) {
        guard let fault = self.fault, case .rate(let rate) = fault.fault else {
            return super.take(packet, at: instant, pipeline)
        }
        fault.touch()
        let queue =
            rate.scope == .link
            ? self.shared : packet.flow.queue(of: fault.identity, packet.direction)
        queue.forget(until: instant)
        if queue.isFull(for: packet, limit: rate.limit) {
            fault.hit()
            pipeline.mark(packet) { PacketMark(.lost, fault) }
            return pipeline.lose(packet, at: instant)
        }
        let due = queue.bucket.takeWhole(packet.size, of: rate, at: instant)
        if due > instant {
            fault.hit()
            queue.note(packet, until: due)
            pipeline.mark(packet) {
                PacketMark(.delayed, fault, nanoseconds: (due - instant).wholeNanoseconds)
            }
        }
        self.keep(packet, until: due, at: instant, pipeline)
    }
}
