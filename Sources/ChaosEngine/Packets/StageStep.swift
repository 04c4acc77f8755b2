import ChaosCore

/// A stage of a link (see ``Chain``) as packets meet it: what it does to chunks of a stream it does to
/// whole packets, and what only streams have it cannot do.
final class StageStep: PacketStep {
    /// How much of a `rate` may leave at once: what a full-sized packet has.
    private static let burst = ByteCount(64 << 10)

    let link: LinkStage
    private let key: Seed
    private var revision: Int
    private var shared = RateQueue()
    /// Whether the packet before was dropped, for each direction.
    private var hasDropped = (forward: false, backward: false)

    /// - Parameter key: From which the draws of the link's stages derive.
    init(_ link: LinkStage, key: Seed) {
        self.link = link
        self.key = key
        self.revision = link.stage.revision
    }

    private var stage: Stage { self.link.stage }

    /// Takes over an update: what waits keeps its moment, what was granted is granted anew.
    func update() {
        if self.revision == self.stage.revision { return }
        self.revision = self.stage.revision
        self.shared = RateQueue()
    }

    /// The draws of a flow; the first says whether the stage acts on it at all.
    private func draws(_ packet: Packet) -> Seed {
        self.key.derived(UInt64(packet.flow.ordinal)).derived(packet.direction.rawValue)
            .derived("stage", self.stage.label)
    }

    private func isActive(_ draws: Seed) -> Bool {
        self.stage.isMeant(forDraw: draws.word(at: 0))
    }

    override func take(_ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline) {
        if case .pass = self.stage.action { return super.take(packet, at: instant, pipeline) }
        let draws = self.draws(packet)
        guard self.isActive(draws) else { return super.take(packet, at: instant, pipeline) }
        switch self.stage.action {
        case .delay(let milliseconds, let jitter):
            var delay = milliseconds
            if jitter > 0 {
                let word = draws.word(at: packet.ordinal, index: 1)
                delay += Int64(word.multipliedFullWidth(by: UInt64(2 * jitter)).high) - jitter
            }
            if delay != 0 { self.hit(packet, at: instant, pipeline) }
            let (nanoseconds, overflow) = max(0, delay).multipliedReportingOverflow(by: 1_000_000)
            let due = instant.advanced(byNanoseconds: overflow ? .max : nanoseconds)
            self.keep(packet, until: due, at: instant, pipeline)
        case .rate(let kilobytes, let isShared):
            self.hit(packet, at: instant, pipeline)
            if kilobytes <= 0 { return pipeline.lose(packet, at: instant) }
            self.limit(packet, kilobytes, isShared, at: instant, pipeline)
        case .swallow:
            self.hit(packet, at: instant, pipeline)
            pipeline.lose(packet, at: instant)
        case .drop(let probability, let correlation):
            self.drop(packet, probability, correlation, at: instant, pipeline)
        case .pass, .delayEnd, .reset, .slice, .limit, .fault, .http, .httpReplies:
            super.take(packet, at: instant, pipeline)
        }
    }

    private func limit(
        _ packet: Packet, _ kilobytes: Int64, _ isShared: Bool, at instant: Instant,
        _ pipeline: PacketPipeline
    ) {
        let (bits, overflow) = kilobytes.multipliedReportingOverflow(by: 8000)
        let rate = Fault.Rate(
            Bandwidth(bitsPerSecond: overflow ? .max : bits), burst: Self.burst)
        // Places of stages are apart from those of faults, which count up from 0.
        let queue =
            isShared
            ? self.shared
            : packet.flow.queue(of: -1 - self.stage.identity, packet.direction)
        queue.forget(until: instant)
        if queue.isFull(for: packet, limit: nil) { return pipeline.lose(packet, at: instant) }
        let due = queue.bucket.takeWhole(packet.size, of: rate, at: instant)
        if due > instant { queue.note(packet, until: due) }
        self.keep(packet, until: due, at: instant, pipeline)
    }

    private func drop(
        _ packet: Packet, _ probability: Double, _ correlation: Double, at instant: Instant,
        _ pipeline: PacketPipeline
    ) {
        let isForward = packet.direction == .forward
        let wasDropped = isForward ? self.hasDropped.forward : self.hasDropped.backward
        let word = self.key.derived("stage", self.stage.label, packet.direction.rawValue)
            .word(at: packet.ordinal, index: 1)
        let chance = wasDropped ? probability + correlation : probability
        let isDropped = Double(word >> 11) * 0x1p-53 < chance
        if isForward {
            self.hasDropped.forward = isDropped
        } else {
            self.hasDropped.backward = isDropped
        }
        if !isDropped { return super.take(packet, at: instant, pipeline) }
        self.hit(packet, at: instant, pipeline)
        pipeline.lose(packet, at: instant)
    }

    /// Counts that it acted.
    private func hit(_ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline) {
        self.link.hits += 1
        if packet.flow.isFirstStrike(of: self.stage.identity, packet.direction) {
            self.link.connections += 1
            pipeline.journal(self.stage, packet, at: instant)
        }
    }
}
