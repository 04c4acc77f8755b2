import ChaosCore
import DequeModule

// What happens to the packets of one directed link, in this order:
//
//   received ─ loss ─ duplicate ─ corrupt ─ delay, reorder ─ rate ─ stages ─ partition ─▶ send
//
// Every step decides about a packet when it comes to it and may keep it for a while. A packet comes to
// the next step at the moment at which the one before lets it go, not when the driver happens to look,
// so that a late driver adds up to nothing. The partition is the last: a packet that is on its way when
// a cut comes does not get through.

/// Decides what happens to the packets that go over one directed link.
///
/// A pipeline never reads a clock and knows no sockets. Its driver reports each packet, sends what
/// ``next(at:)`` hands it, and comes back at ``deadline``, and after every change of the network.
package final class PacketPipeline {
    /// What a packet that waits costs beside its bytes, so that tiny ones cannot fill the memory.
    static var itemCost: Int { 256 }

    /// The link.
    package let link: LinkState
    /// Where all packets are.
    package private(set) var counters = PacketCounters()

    private let network: Network
    private let key: Seed
    private var revision = -1
    /// The number of the next packet.
    private var ordinal: UInt64 = 0
    private var impairment: ImpairmentStep?
    private var rate: RateStep?
    private var stages: [StageStep] = []
    /// The steps that do something, in order.
    private var steps: [PacketStep] = []
    /// What has passed all steps.
    private var ready: Deque<Packet> = []
    /// What a cut in mode `hold` keeps back.
    private var held: Deque<Packet> = []
    private var hasWarnedOfRoom = false
    /// Who watches the packets; while there is somebody, they are marked with what was done to them.
    package weak var watcher: (any PacketWatcher)?

    /// Makes the pipeline of a link; there must be one at most.
    package init(of link: LinkState) {
        self.link = link
        self.network = link.network
        self.key = link.network.seed.derived("packets", link.link.description)
    }

    /// Whether faults, stages or cuts of its link are others than those it goes by.
    package var isChanged: Bool { self.revision != self.link.revision }

    /// When to ask for the next packet if nothing happens before.
    package var deadline: Instant {
        self.steps.reduce(.never) { min($0, $1.wakeAt) }
    }

    // MARK: - In

    /// Counts a packet that may be sent as it is and at once, if nothing concerns its link or its flow;
    /// then it need not be made.
    package func passes(_ size: Int, of flow: PacketFlow, _ direction: Direction, at now: Instant)
        -> Bool
    {
        self.networkChanged(at: now)
        guard self.steps.isEmpty, self.ready.isEmpty, self.held.isEmpty, self.link.cuts.isEmpty,
            self.link.fault(.refuse) == nil, flow.ticket.forward.cuts.isEmpty, !flow.isClosed
        else { return false }
        self.ordinal += 1
        self.noteReceived(size, flow, direction)
        self.counters.sent += size
        flow.count(direction) { $0.written += size }
        return true
    }

    /// A packet came that is to go over the link.
    package func received(_ packet: Packet, at now: Instant) {
        self.networkChanged(at: now)
        // What was due before it goes before it.
        self.advance(to: now)
        packet.ordinal = self.ordinal
        self.ordinal += 1
        self.noteReceived(packet.size, packet.flow, packet.direction)
        self.proceed(packet, to: 0, at: now)
    }

    private func noteReceived(_ size: Int, _ flow: PacketFlow, _ direction: Direction) {
        self.link.received(size)
        self.link.messagesSeen += 1
        self.counters.received += size
        flow.count(direction) { $0.received += size }
    }

    // MARK: - Out

    /// The next packet to be sent, or `nil`; then ``deadline`` says when to ask again.
    package func next(at now: Instant) -> Packet? {
        self.networkChanged(at: now)
        while true {
            if self.ready.isEmpty {
                self.advance(to: now)
                if self.ready.isEmpty { return nil }
            }
            let packet = self.ready.removeFirst()
            self.noteLeavingQueue(packet)
            if packet.flow.isClosed {
                self.mark(packet) { .noFlow }
                self.watcher?.wasLost(packet, at: now)
                self.counters.discarded += packet.size
            } else if self.isStopped(packet) {
                self.lose(packet, at: now)
            } else if self.link.isCut(.hold) {
                for cut in self.link.cuts where cut.mode == .hold { cut.strike() }
                if self.hasRoom(for: packet) {
                    self.noteQueued(packet)
                    self.held.append(packet)
                    if let cut = self.link.cut(.hold) {
                        self.mark(packet) { PacketMark(.delayed, by: cut) }
                    }
                } else {
                    self.discard(packet, at: now)
                }
            } else {
                self.counters.sent += packet.size
                packet.flow.count(packet.direction) { $0.written += packet.size }
                return packet
            }
        }
    }

    /// Lets everything come to where it belongs at that moment, in the order of time.
    private func advance(to now: Instant) {
        while true {
            var first: PacketStep?
            var wakeAt = Instant.never
            // Of several that wake at once the last one has the packets that came first.
            for step in self.steps where step.wakeAt <= min(wakeAt, now) {
                (first, wakeAt) = (step, step.wakeAt)
            }
            guard let first else { return }
            first.releaseFirst(self)
        }
    }

    /// Whether a cut takes the packet away; counts it for all that do.
    private func isStopped(_ packet: Packet) -> Bool {
        var isStopped = false
        for cut in self.link.cuts {
            switch cut.mode {
            case .drop, .lose, .reject, .unreachable:
                cut.strike()
                self.mark(packet) { PacketMark(by: cut) }
                isStopped = true
            case .hold, .newOnly, .establishedOnly: break
            }
        }
        if let refuse = self.link.fault(.refuse) {
            refuse.touch()
            refuse.hit()
            self.mark(packet) { PacketMark(.refused, refuse) }
            isStopped = true
        }
        // These concern both directions of what was opened over their link.
        for cut in packet.flow.ticket.forward.cuts {
            let isNew = cut.order < packet.flow.ticket.order
            if cut.mode == .newOnly && isNew || cut.mode == .establishedOnly && !isNew {
                cut.strike()
                self.mark(packet) { PacketMark(by: cut) }
                isStopped = true
            }
        }
        return isStopped
    }

    /// The driver sent a packet over the link. Counted apart from the pipeline's own numbers: this is
    /// the evidence that nothing crossed a cut. An empty packet counts as one byte.
    package func sent(_ size: Int, of flow: PacketFlow) {
        self.link.bytesDelivered += size
        let opened = flow.ticket.forward.cuts
        if self.link.cuts.isEmpty && opened.isEmpty { return }
        func cross(_ cut: Cut) { cut.crossedBytes[self.link.link, default: 0] += max(1, size) }
        for cut in self.link.cuts
        where [.drop, .lose, .reject, .unreachable, .hold].contains(cut.mode) { cross(cut) }
        for cut in opened where cut.mode == .newOnly && flow.ticket.order > cut.order { cross(cut) }
        for cut in opened where cut.mode == .establishedOnly && flow.ticket.order < cut.order {
            cross(cut)
        }
    }

    /// The driver lets the kernel refuse a flow's packets from now on, of which nobody will hear: the
    /// cuts and faults that are the reason have met the flow.
    package func meetRefusal() {
        for cut in self.link.cuts where cut.mode == .reject { cut.strike() }
        if let refuse = self.link.fault(.refuse) {
            refuse.touch()
            refuse.hit()
        }
    }

    /// Gives up everything that waits.
    package func discardAll() {
        for packet in self.steps.flatMap({ $0.takeAll() }) + self.ready + self.held {
            self.noteLeavingQueue(packet)
            self.discard(packet)
        }
        self.ready.removeAll()
        self.held.removeAll()
    }
}

// MARK: - Changes

extension PacketPipeline {
    /// Takes over changes of faults, stages and cuts.
    package func networkChanged(at now: Instant) {
        if self.revision == self.link.revision { return }
        self.revision = self.link.revision
        self.advance(to: now)
        if self.impairment == nil, ImpairmentStep.concerns(self.link) {
            self.impairment = ImpairmentStep()
        }
        if self.rate == nil, self.link.fault(.rate) != nil { self.rate = RateStep() }
        let gone = self.stages.filter { step in
            !self.link.stages.contains { $0 === step.link }
        }
        let kept = self.stages
        let stages = self.link.stages.map { stage in
            kept.first { $0.link === stage }
                ?? StageStep(stage, key: self.link.stageSeed.derived("packets"))
        }
        // What gone stages have passes those behind them that stay.
        self.setSteps(gone + stages)
        self.impairment?.configure(self.link, key: self.key, at: now, self)
        self.rate?.configure(self.link, at: now, self)
        for step in gone { step.releaseAll(at: now, self) }
        for step in stages { step.update() }
        if self.impairment?.isIdle == true { self.impairment = nil }
        if self.rate?.isIdle == true { self.rate = nil }
        self.setSteps(stages)
        if !self.held.isEmpty, !self.link.isCut(.hold) {
            self.ready.prepend(contentsOf: self.held)
            self.held.removeAll()
        }
    }

    private func setSteps(_ stages: [StageStep]) {
        self.stages = stages
        var steps: [PacketStep] = []
        if let impairment = self.impairment { steps.append(impairment) }
        if let rate = self.rate { steps.append(rate) }
        steps += stages
        for (place, step) in steps.enumerated() { step.place = place }
        self.steps = steps
    }
}

// MARK: - For steps

extension PacketPipeline {
    /// Lets a packet go on behind a step.
    func proceed(_ packet: Packet, behind step: PacketStep, at instant: Instant) {
        self.proceed(packet, to: step.place + 1, at: instant)
    }

    private func proceed(_ packet: Packet, to place: Int, at instant: Instant) {
        if place < self.steps.count {
            self.steps[place].take(packet, at: instant, self)
        } else {
            self.noteQueued(packet)
            self.ready.append(packet)
        }
    }

    /// Whether a packet more may wait.
    func hasRoom(for packet: Packet) -> Bool {
        self.counters.queued.bytes + packet.size
            + self.counters.queued.packets * Self.itemCost <= self.network.queueLimit
    }

    func noteQueued(_ packet: Packet) {
        self.counters.queued += packet.size
        packet.flow.packetsQueued += 1
        if packet.flow.isClosed { return }
        packet.flow.count(packet.direction) { $0.queued += packet.size }
    }

    func noteLeavingQueue(_ packet: Packet) {
        self.counters.queued -= packet.size
        packet.flow.packetsQueued -= 1
        if packet.flow.isClosed { return }
        packet.flow.count(packet.direction) { $0.queued -= packet.size }
    }

    func noteDuplicated(_ packet: Packet) {
        self.counters.duplicated += packet.size
        if packet.flow.isClosed { return }
        packet.flow.count(packet.direction) { $0.duplicated += packet.size }
    }

    /// Says of a packet what was done to it, if anybody wants to know.
    func mark(_ packet: Packet, _ make: () -> PacketMark) {
        if self.watcher != nil { packet.marks.append(make()) }
    }

    /// A fault or a cut takes a packet away.
    func lose(_ packet: Packet, at instant: Instant) {
        self.watcher?.wasLost(packet, at: instant)
        self.counters.lost += packet.size
        if packet.flow.isClosed { return }
        packet.flow.count(packet.direction) { $0.lost += packet.size }
    }

    /// There is no room for a packet.
    func discard(_ packet: Packet, at now: Instant) {
        self.mark(packet) { .noRoom }
        self.watcher?.wasLost(packet, at: now)
        self.discard(packet)
        if self.hasWarnedOfRoom { return }
        self.hasWarnedOfRoom = true
        self.network.record(
            JournalEntry(
                at: now, event: "warning",
                details: [
                    "message": .string(
                        "more packets wait than 'limit' allows; those that come meanwhile are lost"),
                    "link": .string(self.link.link.description),
                ]))
    }

    private func discard(_ packet: Packet) {
        self.counters.discarded += packet.size
        if packet.flow.isClosed { return }
        packet.flow.count(packet.direction) { $0.discarded += packet.size }
    }

    /// Writes down that a fault struck.
    func journal(_ fault: LinkFault, _ packet: Packet, at instant: Instant) {
        self.network.record(
            JournalEntry(
                at: instant, event: "decision",
                details: JSONObject(
                    [
                        ("kind", .string(fault.kind.rawValue)),
                        ("fault", .string(fault.injection.id)),
                    ] + self.place(of: packet) + [
                        ("packet", Int(packet.ordinal & (1 << 63 - 1)).json)
                    ])))
    }

    /// Writes down that a stage acted on a flow for the first time.
    func journal(_ stage: Stage, _ packet: Packet, at instant: Instant) {
        self.network.record(
            JournalEntry(
                at: instant, event: "stage",
                details: JSONObject([("stage", stage.identity.json)] + self.place(of: packet))))
    }

    private func place(of packet: Packet) -> [(key: String, value: JSONValue)] {
        [
            ("link", .string(self.link.link.description)),
            ("connection", packet.flow.ordinal.json),
            ("direction", .string(packet.direction.rawValue)),
        ]
    }
}
