import ChaosCore

/// One directed link at work: its faults, cuts and counters.
package final class LinkState {
    /// The link.
    package let link: Link
    /// The framing of the port's connections.
    package let framing: Framing
    /// The network owns its links, and outlives them.
    unowned let network: Network

    /// All faults put on this link, in the order in which they came; those that others beat keep
    /// their counts.
    private var candidates: [LinkFault] = []
    /// The faults that are in force, one of a kind.
    private(set) var faults: [LinkFault] = []
    /// The cuts that cover this link.
    private(set) var cuts: [Cut] = []
    /// The stages that its connections go through, in order, and from which their draws derive.
    package private(set) var stages: [LinkStage] = []
    private(set) var stageSeed = Seed(0)
    /// Grows with each change to faults or cuts, so that connections know that they must look.
    package private(set) var revision = 0 { didSet { self.network.noteChange(of: self) } }
    /// Whether the driver has still to be told of a change.
    var isNotedAsChanged = false
    /// The mean delay on this link in nanoseconds, for the round trips that loss is measured in.
    private(set) var latency: Int64 = 0

    /// How many connections were opened over this link.
    package internal(set) var connectionsOpened = 0
    /// How many of them are open.
    package internal(set) var connectionsOpen = 0
    /// How many bytes were read that go over this link.
    package private(set) var bytesReceived = 0
    /// How many bytes were delivered over this link.
    package internal(set) var bytesDelivered = 0
    /// How long bytes stayed on this link, where the network measures that.
    package internal(set) var latencies = LatencyHistogram()
    /// How many messages were found on this link.
    package internal(set) var messagesSeen = 0

    init(link: Link, framing: Framing, network: Network) {
        self.link = link
        self.framing = framing
        self.network = network
    }

    /// Puts a fault on this link, which its pattern selects.
    func add(_ injection: Injection) {
        self.candidates.append(LinkFault(injection))
        self.settle()
    }

    /// Takes away the faults whose injections are no longer active.
    func removeInactive() {
        if self.candidates.allSatisfy(\.injection.isActive) { return }
        self.candidates.removeAll { !$0.injection.isActive }
        self.settle()
    }

    /// Cuts this link if the cut covers it.
    func add(_ cut: Cut) {
        guard cut.covers(self.link) else { return }
        self.cuts.append(cut)
        self.revision += 1
    }

    /// Makes these its stages. What it has stays what it is, with its counts, if it stays.
    func setStages(_ stages: [Stage], seed: Seed) {
        self.stages = stages.map { stage in
            guard let old = self.stages.first(where: { $0.stage.identity == stage.identity }) else {
                return LinkStage(stage, seed: seed)
            }
            if old.stage.revision != stage.revision { old.update(stage) }
            return old
        }
        self.stageSeed = seed
        self.revision += 1
    }

    /// Takes away the cuts that were healed.
    func removeHealed() {
        if self.cuts.allSatisfy(\.isActive) { return }
        self.cuts.removeAll { !$0.isActive }
        self.revision += 1
    }

    /// Decides which of the faults of each kind is in force.
    private func settle() {
        var winners: [LinkFault] = []
        for candidate in self.candidates {
            if let index = winners.firstIndex(where: { $0.kind == candidate.kind }) {
                if candidate.injection.beats(winners[index].injection) {
                    winners[index] = candidate
                }
            } else {
                winners.append(candidate)
            }
        }
        self.latency = 0
        for winner in winners {
            if case .delay(let delay) = winner.fault, delay.match == nil {
                self.latency = max(0, delay.latency.wholeNanoseconds)
            }
        }
        if winners.map(\.identity) == self.faults.map(\.identity) { return }
        self.faults = winners
        self.revision += 1
    }

    func fault(_ kind: FaultKind) -> LinkFault? { self.faults.first { $0.kind == kind } }

    /// The faults in force, by injection id.
    package var winningInjections: [Injection] { self.faults.map(\.injection) }

    /// How often a fault was met, and how often it struck, on this link alone.
    package func counters(of injection: Injection) -> (touched: Int, hits: Int) {
        let fault = self.candidates.first { $0.injection === injection }
        return (fault?.touched ?? 0, fault?.hits ?? 0)
    }

    /// The faults that others of their kind beat, in the order in which they came.
    package var beatenInjections: [Injection] {
        if self.candidates.count == self.faults.count { return [] }
        return self.candidates.map(\.injection).filter { injection in
            !self.faults.contains { $0.injection === injection }
        }
    }

    /// The cuts that cover this link, in the order in which they came.
    package var coveringCuts: [Cut] { self.cuts }

    /// What a cut does on this link: where `lose` finds no messages to take away it may drop everything
    /// (``Network/dropsWhatHasNoMessages``).
    func effect(of cut: Cut) -> PartitionMode {
        cut.mode == .lose && self.network.dropsWhatHasNoMessages
            && !self.framing.messagesStandAlone ? .drop : cut.mode
    }

    /// The first cut with an effect that covers the link, if one does.
    func cut(_ mode: PartitionMode) -> Cut? {
        self.cuts.isEmpty ? nil : self.cuts.first { self.effect(of: $0) == mode }
    }

    /// Whether a cut with this effect covers the link.
    func isCut(_ mode: PartitionMode) -> Bool { self.cut(mode) != nil }

    /// Whether neither fault nor stage nor cut is in force.
    package var isUntouched: Bool {
        self.faults.isEmpty && self.stages.isEmpty && self.cuts.isEmpty
    }

    /// The link the other way.
    package var reversed: LinkState { self.network.state(of: self.link.reversed) }

    /// Notes that bytes were read.
    package func received(_ count: Int) { self.bytesReceived += count }

    /// Notes that bytes were delivered which no engine saw.
    package func delivered(_ count: Int) { self.bytesDelivered += count }

    /// The kernel kept a packet back that was to go over the link, for the cuts and faults that say so.
    package func wasBlocked(_ count: Int) {
        self.received(count)
        self.messagesSeen += 1
        self.wasStopped()
    }

    /// The kernel kept a packet back of a connection whose bytes and messages are counted elsewhere.
    package func wasStopped() {
        for cut in self.cuts where cut.mode.stopsAll { cut.strike() }
        if let refuse = self.fault(.refuse) {
            refuse.touch()
            refuse.hit()
        }
    }

    /// A packet was seen behind the link although cuts forbid it; an empty one counts as one byte.
    package func leaked(_ count: Int) {
        self.bytesDelivered += count
        for cut in self.cuts where cut.mode.stopsAll {
            cut.crossedBytes[self.link, default: 0] += max(1, count)
        }
    }

    /// Whether any cut covers the link.
    package var isCut: Bool { !self.cuts.isEmpty }
}

extension PartitionMode {
    /// Whether no packet whatever crosses a link that is cut so.
    fileprivate var stopsAll: Bool {
        switch self {
        case .drop, .lose, .reject, .unreachable: true
        case .hold, .newOnly, .establishedOnly: false
        }
    }
}
