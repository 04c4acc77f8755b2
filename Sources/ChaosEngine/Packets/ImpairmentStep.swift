import ChaosCore

/// The faults of a link that decide about each packet by itself: loss, duplicate, corrupt, delay,
/// reorder. What they mean is netem's (`tc-netem(8)`; Linux, `net/sched/sch_netem.c`), with three
/// differences: a lost packet is not duplicated, a duplicate has the delay of its original, and jitters
/// can be as large as the latency without an end to them.
final class ImpairmentStep: PacketStep {
    private var loss: FaultDraws?
    private var duplicate: FaultDraws?
    private var corrupt: FaultDraws?
    private var delay: FaultDraws?
    private var reorder: FaultDraws?
    /// How many packets went by since one was sent ahead (`counter` in `sch_netem.c`).
    private var sinceReordered = 0
    /// Packets that later ones are to overtake, where no delay keeps those back.
    private var held: [Held] = []

    private struct Held {
        let packet: Packet
        let until: Instant
        /// How many packets have still to overtake it; `nil` leaves it to the time.
        var gap: Int?
    }

    /// Whether a fault of the link is one of those.
    static func concerns(_ link: LinkState) -> Bool {
        link.faults.contains {
            [.loss, .duplicate, .corrupt, .delay, .reorder].contains($0.kind)
        }
    }

    /// Whether nothing would be done to a packet, and none waits.
    var isIdle: Bool {
        self.isEmpty && self.loss == nil && self.duplicate == nil && self.corrupt == nil
            && self.delay == nil && self.reorder == nil
    }

    /// Takes over the faults of a link. Those that stay keep their draws. Packets that wait keep the
    /// moment they have, unless `delay` was taken away: then they go at once.
    func configure(_ link: LinkState, key: Seed, at now: Instant, _ pipeline: PacketPipeline) {
        func renewed(_ kind: FaultKind, _ old: FaultDraws?) -> FaultDraws? {
            guard let fault = link.fault(kind) else { return nil }
            if let old, old.fault === fault { return old }
            return FaultDraws(fault: fault, key: key.derived(fault.injection.id), firstBlock: 0)
        }
        let hadDelay = self.delay != nil
        self.loss = renewed(.loss, self.loss)
        self.duplicate = renewed(.duplicate, self.duplicate)
        self.corrupt = renewed(.corrupt, self.corrupt)
        self.delay = renewed(.delay, self.delay)
        self.reorder = renewed(.reorder, self.reorder)
        if hadDelay && self.delay == nil { self.releaseAll(at: now, pipeline) }
        if self.reorder == nil { self.releaseHeld(at: now, pipeline) { _ in true } }
    }

    override var isEmpty: Bool { super.isEmpty && self.held.isEmpty }

    override var wakeAt: Instant {
        self.held.reduce(super.wakeAt) { min($0, $1.until) }
    }

    override func releaseFirst(_ pipeline: PacketPipeline) {
        let wakeAt = self.wakeAt
        if super.wakeAt == wakeAt { return super.releaseFirst(pipeline) }
        self.releaseHeld(at: wakeAt, pipeline) { $0.until <= wakeAt }
    }

    // MARK: - Decisions

    override func take(_ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline) {
        // All of them draw, whatever the others decide: what one fault does never shifts what another
        // decides.
        let isLost = self.strikes(self.loss, packet, at: instant, pipeline)
        let isTwice = self.strikes(self.duplicate, packet, at: instant, pipeline)
        let isCorrupt = self.strikes(self.corrupt, packet, at: instant, pipeline)
        let delay = self.drawDelay(packet, at: instant, pipeline)
        let isAhead = self.strikes(self.reorder, packet, at: instant, pipeline)
        if isLost, let loss = self.loss {
            loss.fault.hit()
            pipeline.mark(packet) { PacketMark(.lost, loss.fault) }
            return pipeline.lose(packet, at: instant)
        }
        if isCorrupt { self.corruptBits(of: packet, pipeline) }
        if delay != nil { self.delay?.fault.hit() }
        let copy = isTwice ? packet.copy() : nil
        if let copy, let duplicate = self.duplicate {
            duplicate.fault.hit()
            pipeline.mark(packet) { PacketMark(.duplicated, duplicate.fault) }
            pipeline.mark(copy) { PacketMark(.copied, duplicate.fault) }
        }
        self.send(packet, delay, isReordered: isAhead, at: instant, pipeline)
        if let copy {
            pipeline.noteDuplicated(copy)
            self.noteDelay(of: copy, delay, pipeline)
            self.keep(
                copy, until: instant.advanced(byNanoseconds: delay ?? 0), at: instant, pipeline)
        }
    }

    private func strikes(
        _ draws: FaultDraws?, _ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline
    ) -> Bool {
        guard let draws, let number = draws.meets(packet.direction),
            draws.strikes(at: packet.ordinal, matched: number)
        else { return false }
        packet.flow.fold(packet.direction, draws.tag, packet.ordinal, 1)
        pipeline.journal(draws.fault, packet, at: instant)
        return true
    }

    /// How long the packet travels, in nanoseconds; `nil` without a delay.
    private func drawDelay(
        _ packet: Packet, at instant: Instant, _ pipeline: PacketPipeline
    ) -> Int64? {
        guard let draws = self.delay, draws.meets(packet.direction) != nil else { return nil }
        let delay = draws.delay(at: packet.ordinal)
        if !draws.isConstantDelay {
            packet.flow.fold(packet.direction, draws.tag, packet.ordinal, UInt64(delay))
        }
        return delay
    }

    private func corruptBits(of packet: Packet, _ pipeline: PacketPipeline) {
        guard let draws = self.corrupt, case .corrupt(let corrupt) = draws.fault.fault,
            !packet.corruptibleBits.isEmpty
        else { return }
        draws.fault.hit()
        pipeline.mark(packet) { PacketMark(.corrupted, draws.fault) }
        let first = packet.corruptibleBits.lowerBound
        packet.flip(
            draws.places(
                corrupt.bits, at: packet.ordinal, below: packet.corruptibleBits.count
            ).map { first + $0 })
    }

    private func noteDelay(of packet: Packet, _ delay: Int64?, _ pipeline: PacketPipeline) {
        guard let delay, let draws = self.delay else { return }
        pipeline.mark(packet) { PacketMark(.delayed, draws.fault, nanoseconds: delay) }
    }

    // MARK: - Order

    /// Sends a packet on its way. With a delay, one that is reordered goes ahead of all that wait, as
    /// netem does it; without one it waits until others have overtaken it, as messages do.
    private func send(
        _ packet: Packet, _ delay: Int64?, isReordered: Bool, at instant: Instant,
        _ pipeline: PacketPipeline
    ) {
        let due = instant.advanced(byNanoseconds: delay ?? 0)
        guard let draws = self.reorder, case .reorder(let reorder) = draws.fault.fault else {
            self.noteDelay(of: packet, delay, pipeline)
            return self.keep(packet, until: due, at: instant, pipeline)
        }
        if self.delay != nil {
            // Only every so many packets may one go ahead.
            if isReordered && self.sinceReordered >= (reorder.gap ?? 1) - 1 {
                self.sinceReordered = 0
                draws.fault.hit()
                pipeline.mark(packet) { PacketMark(.reordered, draws.fault) }
                return pipeline.proceed(packet, behind: self, at: instant)
            }
            self.sinceReordered += 1
            self.noteDelay(of: packet, delay, pipeline)
            return self.keep(packet, until: due, at: instant, pipeline)
        }
        if isReordered {
            draws.fault.hit()
            pipeline.mark(packet) { PacketMark(.reordered, draws.fault) }
            guard pipeline.hasRoom(for: packet) else {
                return pipeline.discard(packet, at: instant)
            }
            pipeline.noteQueued(packet)
            self.held.append(
                Held(packet: packet, until: instant + reorder.hold, gap: reorder.gap))
            return
        }
        self.keep(packet, until: due, at: instant, pipeline)
        for index in self.held.indices {
            self.held[index].gap = self.held[index].gap.map { $0 - 1 }
        }
        self.releaseHeld(at: instant, pipeline) { ($0.gap ?? 1) <= 0 }
    }

    private func releaseHeld(
        at instant: Instant, _ pipeline: PacketPipeline, where isMeant: (Held) -> Bool
    ) {
        if self.held.isEmpty { return }
        let released = self.held.filter(isMeant)
        self.held.removeAll(where: isMeant)
        for entry in released {
            pipeline.noteLeavingQueue(entry.packet)
            pipeline.proceed(entry.packet, behind: self, at: instant)
        }
    }

    override func takeAll() -> [Packet] {
        defer { self.held = [] }
        return super.takeAll() + self.held.map(\.packet)
    }

    override func releaseAll(at now: Instant, _ pipeline: PacketPipeline) {
        super.releaseAll(at: now, pipeline)
        self.releaseHeld(at: now, pipeline) { _ in true }
    }
}
