import ChaosCore

/// One directed link at work: its faults, cuts and counters.
package final class LinkState {
    /// The link.
    package let link: Link
    /// The framing of the port's connections.
    package let framing: Framing
    /// The link the other way. It is unowned by being found through the network when needed.
    unowned let network: Network

    /// The faults that are in force, one of a kind.
    private(set) var faults: [LinkFault] = []
    /// The cuts that cover this link.
    private(set) var cuts: [Cut] = []
    /// Grows with each change to faults or cuts, so that connections know that they must look.
    private(set) var revision = 0

    /// How many connections were opened over this link.
    package internal(set) var connectionsOpened = 0
    /// How many of them are open.
    package internal(set) var connectionsOpen = 0
    /// How many bytes were delivered over this link.
    package internal(set) var bytesDelivered = 0
    /// How many messages were found on this link.
    package internal(set) var messagesSeen = 0

    init(link: Link, framing: Framing, network: Network) {
        self.link = link
        self.framing = framing
        self.network = network
    }

    /// Takes over the injections in force; those that stay keep their counters.
    func update(injections: [Injection], cuts: [Cut]) {
        var winners: [Injection] = []
        for injection in injections where injection.links.matches(self.link) {
            if let index = winners.firstIndex(where: { $0.fault.kind == injection.fault.kind }) {
                if injection.beats(winners[index]) { winners[index] = injection }
            } else {
                winners.append(injection)
            }
        }
        self.faults = winners.map { winner in
            self.faults.first { $0.injection === winner } ?? LinkFault(winner)
        }
        self.cuts = cuts.filter { $0.covers(self.link) }
        self.revision += 1
    }

    func fault(_ kind: FaultKind) -> LinkFault? { self.faults.first { $0.fault.kind == kind } }

    /// The faults in force, by injection id.
    package var winningInjections: [Injection] { self.faults.map(\.injection) }

    /// Whether a cut of this mode covers the link.
    func isCut(_ mode: PartitionMode) -> Bool { self.cuts.contains { $0.mode == mode } }

    /// Whether any cut covers the link.
    package var isCut: Bool { !self.cuts.isEmpty }

    /// The mean delay on this link, for the round trips that loss is measured in.
    var meanDelay: Int64 {
        if case .delay(let delay)? = self.fault(.delay)?.fault { return delay.latency.wholeNanoseconds }
        return 0
    }
}
