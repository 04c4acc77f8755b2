import ChaosCore
import OrderedCollections

// The network between the nodes: which faults and cuts are in force on which link. It decides; the
// driver that owns it carries out. It is not Sendable: one event loop, or one test, owns it.

/// All links of a run with their faults, cuts, counters and decisions.
package final class Network {
    /// The seed from which every decision is derived.
    package let seed: Seed
    /// The nodes in order, without `client`.
    package let nodes: [NodeName]
    /// How many bytes one direction of a delayed connection may hold.
    package let queueLimit: Int
    /// How many bytes all connections together may hold.
    package let queueLimitOfRun: Int

    private let framing: [PortName: Framing]
    private(set) var links: OrderedDictionary<Link, LinkState> = [:]
    /// What nodes send to themselves: on no link, so that no fault or cut reaches it.
    private var loops: [Link: LinkState] = [:]
    private(set) var injections: [Injection] = []
    private(set) var cuts: [Cut] = []
    private(set) var orderOfNext = 0
    private var pending: [JournalEntry] = []
    private var changed: [LinkState] = []
    /// How many connections are open, over all links.
    var connectionsOpen = 0
    /// How many bytes one direction may hold of what all connections may hold together.
    var shareOfQueues: Int {
        min(self.queueLimit, max(64 << 10, self.queueLimitOfRun / max(1, 2 * self.connectionsOpen)))
    }
    /// Whether links measure how long bytes stay. Only connections of which the engine is asked
    /// count, and of those not what passes without a look.
    package var measuresLatency = false
    /// Whether mode `lose` drops all that goes over a link without messages, as `drop` does. That is so in the
    /// lab, where routes do it to the same connections.
    package var dropsWhatHasNoMessages = false
    /// Called with each whole message when some trigger waits for one.
    package var messageObserver: ((Link, MessageView) -> Void)?
    /// Is told what happens to messages, if somebody wants to know.
    package var messageTracer: MessageTracer?
    /// Whether somebody looks into every message.
    var looksIntoMessages: Bool {
        self.messageObserver != nil || self.messageTracer?.takesMore == true
    }

    /// Makes a clean network.
    package init(
        seed: Seed, nodes: [NodeName], framing: [PortName: Framing] = [:],
        queueLimit: ByteCount = ByteCount(32 << 20), queueLimitOfRun: ByteCount = ByteCount(1 << 30)
    ) {
        self.seed = seed
        self.nodes = nodes
        self.framing = framing
        self.queueLimit = queueLimit.bytes
        self.queueLimitOfRun = queueLimitOfRun.bytes
    }

    /// The state of a link; it comes into being when first asked for.
    package func state(of link: Link) -> LinkState {
        if let state = self.links[link] { return state }
        if link.isLoop { return self.loop(link) }
        let state = LinkState(link: link, framing: self.framing[link.port] ?? .none, network: self)
        for injection in self.injections where injection.links.matches(link) {
            state.add(injection)
        }
        for cut in self.cuts { state.add(cut) }
        self.links[link] = state
        return state
    }

    private func loop(_ link: Link) -> LinkState {
        if let state = self.loops[link] { return state }
        let state = LinkState(link: link, framing: .none, network: self)
        self.loops[link] = state
        return state
    }

    /// All links known so far, in the order in which they came into being.
    package var linkStates: [LinkState] { Array(self.links.values) }
    /// All faults in force or beaten by others, in the order in which they were put in.
    package var activeInjections: [Injection] { self.injections }
    /// All cuts in force.
    package var activeCuts: [Cut] { self.cuts }

    /// Puts a fault on the links of a pattern.
    @discardableResult
    package func inject(
        _ fault: Fault, on links: LinkPattern, id: String, origin: InjectionOrigin, at now: Instant
    ) -> Injection {
        let injection = Injection(
            id: id, origin: origin, links: links, fault: fault, begin: now,
            order: self.nextOrder())
        self.injections.append(injection)
        var selection = LinkSelection(links)
        for state in self.links.values where selection.contains(state.link) {
            state.add(injection)
        }
        return injection
    }

    /// Takes faults away and returns them.
    @discardableResult
    package func removeInjections(where isMeant: (Injection) -> Bool) -> [Injection] {
        let removed = self.injections.filter(isMeant)
        if removed.isEmpty { return [] }
        for injection in removed { injection.isActive = false }
        self.injections.removeAll { !$0.isActive }
        for state in self.links.values { state.removeInactive() }
        return removed
    }

    /// Cuts pairs of nodes, of which each is given once.
    @discardableResult
    package func cut(
        _ pairs: [DirectedPair], text: String, mode: PartitionMode, port: PortName?, id: String,
        origin: InjectionOrigin, at now: Instant
    ) -> Cut {
        let cut = Cut(
            id: id, origin: origin, text: text, pairs: pairs, mode: mode, port: port,
            begin: now, order: self.nextOrder())
        self.cuts.append(cut)
        for state in self.links.values { state.add(cut) }
        return cut
    }

    /// Ends cuts and returns them.
    @discardableResult
    package func heal(where isMeant: (Cut) -> Bool) -> [Cut] {
        let healed = self.cuts.filter(isMeant)
        if healed.isEmpty { return [] }
        for cut in healed { cut.isActive = false }
        self.cuts.removeAll { !$0.isActive }
        for state in self.links.values { state.removeHealed() }
        return healed
    }

    /// Makes these the stages of a link, in order; those of its connections change with it.
    ///
    /// - Parameter seed: From which the stages' draws derive, together with the connection's ordinal.
    package func setStages(_ stages: [Stage], on link: Link, seed: Seed) {
        self.state(of: link).setStages(stages, seed: seed)
    }

    /// Forgets a link, both ways; connections that are still open over it go on with what they have.
    package func forget(_ link: Link) {
        self.links[link] = nil
        self.links[link.reversed] = nil
    }

    /// Numbers injections, cuts and connections in the order in which they came.
    func nextOrder() -> Int {
        defer { self.orderOfNext += 1 }
        return self.orderOfNext
    }

    /// What a listener for connections over a link does with new ones, in this order: silence of
    /// either direction (a lost SYN or a lost answer), refusal, acceptance.
    package func listenerPolicy(for link: Link) -> ListenerPolicy {
        let forward = self.state(of: link)
        let backward = self.state(of: link.reversed)
        if forward.isCut(.drop) || backward.isCut(.drop) || forward.isCut(.newOnly) {
            return .silent
        }
        if forward.isCut(.reject) || forward.fault(.refuse) != nil { return .refused }
        return .open
    }

    /// Notes that faults or cuts of a link are others than before.
    func noteChange(of state: LinkState) {
        if state.isNotedAsChanged { return }
        state.isNotedAsChanged = true
        self.changed.append(state)
    }

    /// The links whose faults or cuts have changed since the last call: the driver has to look at
    /// their listeners and connections, and at no others.
    package func takeChangedLinks() -> [LinkState] {
        for state in self.changed { state.isNotedAsChanged = false }
        defer { self.changed.removeAll(keepingCapacity: true) }
        return self.changed
    }

    /// The same for a listener that several links share: it keeps silent or refuses only when it would
    /// for every one of them. Otherwise it accepts, and each connection meets the cuts of its own link.
    package func listenerPolicy(for links: [Link]) -> ListenerPolicy {
        let policies = Set(links.map { self.listenerPolicy(for: $0) })
        return policies.count == 1 ? policies.first ?? .open : .open
    }

    /// Whether senders are told that nobody receives their packets, over every one of these links.
    package func refusesPackets(over links: [Link]) -> Bool {
        links.allSatisfy { link in
            let state = self.state(of: link)
            return state.isCut(.reject) || state.fault(.refuse) != nil
        }
    }

    /// Records that somebody tried to connect over a link whose listener refuses or keeps silent.
    ///
    /// Counts it for the cuts or the `refuse` that are the reason, if there is one.
    /// The kernel answers such attempts, so the driver learns of them only where it can; see the
    /// driver's documentation.
    package func attemptBlocked(on link: Link) {
        for cut in self.cutsThatBlockAttempts(on: link) { cut.strike() }
        if self.listenerPolicy(for: link) == .refused,
            let refuse = self.state(of: link).fault(.refuse)
        {
            refuse.touch()
            refuse.hit()
        }
    }

    /// Somebody tried to connect over one of these links, nobody knows who or how often: counts one attempt
    /// for the cuts that nothing was seen to meet so far.
    ///
    /// - Returns: Whether the cuts are the same whichever link it was; otherwise nothing is counted.
    package func noteAttempt(onOneOf links: [Link]) -> Bool {
        if !self.attemptsCountAlike(on: links) { return false }
        guard let link = links.first else { return true }
        for cut in self.cutsThatBlockAttempts(on: link) where cut.touched == 0 { cut.strike() }
        return true
    }

    /// Whether attempts to connect count for the same cuts, whichever of these links they are made over:
    /// then nobody need find out who makes them.
    package func attemptsCountAlike(on links: [Link]) -> Bool {
        let cuts = links.map { Set(self.cutsThatBlockAttempts(on: $0).map(ObjectIdentifier.init)) }
        return cuts.allSatisfy { $0 == cuts[0] }
    }

    /// The cuts that are the reason why a link's listener refuses or keeps silent.
    private func cutsThatBlockAttempts(on link: Link) -> [Cut] {
        let (forward, backward) = (self.state(of: link), self.state(of: link.reversed))
        switch self.listenerPolicy(for: link) {
        case .open: return []
        case .refused: return forward.cuts.filter { forward.effect(of: $0) == .reject }
        case .silent:
            return forward.cuts.filter { [.drop, .newOnly].contains(forward.effect(of: $0)) }
                + backward.cuts.filter { backward.effect(of: $0) == .drop && !$0.covers(link) }
        }
    }

    /// Writes something down, in order with the decisions.
    package func record(_ entry: JournalEntry) { self.pending.append(entry) }

    /// How much was written down since ``takeJournal()``.
    package var journalCount: Int { self.pending.count }

    /// Whether anything was written down since ``takeJournal()``.
    package var hasJournal: Bool { !self.pending.isEmpty }

    /// Hands over what was decided since the last call, in order.
    package func takeJournal() -> [JournalEntry] {
        defer { self.pending.removeAll(keepingCapacity: true) }
        return self.pending
    }
}

extension Network {
    /// How long a new connection over a link waits before its target is dialled.
    package func acceptDelay(of link: Link) -> Duration {
        guard let fault = self.state(of: link).fault(.acceptDelay),
            case .acceptDelay(let delay) = fault.fault
        else { return .zero }
        fault.touch()
        fault.hit()
        return delay
    }
}
