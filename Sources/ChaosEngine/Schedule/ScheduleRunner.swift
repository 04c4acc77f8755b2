import ChaosCore
import ChaosScenario

/// Turns a schedule into events: what begins and ends when.
///
/// It has no clock: its owner calls ``due(at:)`` at ``nextDeadline``, tells what nodes show with
/// ``observe(log:from:at:)`` and ``observe(message:from:at:)``, and calls ``finish(at:)`` in the end.
/// Random choices are keyed by seed, entry and how often it has happened, never by the time of
/// asking. Events come in the order of their planned times, ends before begins; each end follows its
/// begin exactly once.
package struct ScheduleRunner: Sendable {
    private var entries: [EntryState]
    private var active: [ActiveFiring] = []
    /// Nodes that were killed or stopped until somebody restarts them.
    private var down: Set<NodeName> = []
    private var isFinished = false
    private let nodes: [NodeName]
    private let servers: [NodeName]
    private let seed: Seed
    private let length: Duration?
    /// The firings of nemeses that found no room in their budgets.
    package private(set) var skipped: [SkippedFiring] = []

    /// Prepares a schedule.
    ///
    /// `nodes` are the cluster's in order, without `client`; `servers` are the ends of external
    /// links, which can be cut but not killed. `length` is how long the run lasts, if that is known:
    /// shares of a run are 0 without it, and nothing begins at its end or later.
    package init(
        entries: [ScheduleEntry], nodes: [NodeName], servers: [NodeName] = [], seed: Seed,
        length: Duration?
    ) {
        self.nodes = nodes
        self.servers = servers
        self.seed = seed
        self.length = length
        self.entries = entries.map { EntryState($0, seed: seed, length: length) }
    }

    /// When ``due(at:)`` must be called next; `nil` when nothing is planned.
    package var nextDeadline: Instant? {
        [self.nextEnd?.time, self.nextBegin?.time].compactMap { $0 }.min()
    }

    /// The message triggers that still work: which entry waits for which messages of which nodes.
    package var messageTriggers: [(entry: String, match: MessageMatch, nodes: NodePattern)] {
        if self.isFinished { return [] }
        return self.entries.compactMap { state in
            guard state.isWaiting, case .when(let trigger) = state.entry.timing,
                case .message(let match) = trigger.source
            else { return nil }
            return (state.entry.id, match, trigger.nodes)
        }
    }

    /// Everything planned until now that was not returned before.
    package mutating func due(at now: Instant) -> [ScheduledEvent] {
        var events: [ScheduledEvent] = []
        while !self.isFinished {
            let end = self.nextEnd
            let begin = self.nextBegin
            if let end, end.time <= now, end.time <= begin?.time ?? .never {
                events.append(self.end(at: end.index, planned: end.time))
            } else if let begin, begin.time <= now {
                let ordinal = self.entries[begin.index].take()
                events += self.begin(begin.index, ordinal: ordinal, at: begin.time, that: nil)
            } else {
                break
            }
        }
        return events
    }

    /// A line of a node's output: what was due before it, and what it triggers.
    package mutating func observe(
        log line: String, from node: NodeName, at now: Instant
    ) -> [ScheduledEvent] {
        var events = self.due(at: now)
        for index in self.entries.indices
        where self.mayTrigger(index) && self.entries[index].matches(log: line, from: node) {
            let ordinal = self.entries[index].take()
            events += self.begin(index, ordinal: ordinal, at: now, that: node)
        }
        return events
    }

    /// A message that matched the trigger of an entry: what was due before it, and what it triggers.
    package mutating func observe(
        message entry: String, from node: NodeName, at now: Instant
    ) -> [ScheduledEvent] {
        var events = self.due(at: now)
        for index in self.entries.indices
        where self.mayTrigger(index) && self.entries[index].matches(message: entry, from: node) {
            let ordinal = self.entries[index].take()
            events += self.begin(index, ordinal: ordinal, at: now, that: node)
        }
        return events
    }

    /// The ends of all that is on, in the order of their begins. Nothing happens afterwards.
    package mutating func finish(at now: Instant) -> [ScheduledEvent] {
        var events = self.due(at: now)
        while !self.active.isEmpty { events.append(self.end(at: 0, planned: now)) }
        self.isFinished = true
        for index in self.entries.indices { self.entries[index].stop() }
        return events
    }

    /// While an entry is on, what it waits for does not put it on once more.
    private func mayTrigger(_ index: Int) -> Bool {
        !self.isFinished && !self.active.contains { $0.entry == index }
    }

    private var nextEnd: (index: Int, time: Instant)? {
        self.active.indices.compactMap { index in self.active[index].until.map { (index, $0) } }
            .min { $0.1 < $1.1 }
    }

    private var nextBegin: (index: Int, time: Instant)? {
        self.entries.indices.compactMap { index in self.entries[index].planned.map { (index, $0) } }
            .min { $0.1 < $1.1 }
    }

    private mutating func begin(
        _ index: Int, ordinal: Int, at planned: Instant, that: NodeName?
    ) -> [ScheduledEvent] {
        let state = self.entries[index]
        let id = state.id(of: ordinal)
        let draw = ActionDraw(
            nodes: self.nodes, servers: self.servers,
            seed: self.seed.derived("schedule", state.entry.id, String(ordinal)),
            disturbance: self.disturbance, that: that)
        guard let action = draw.action(state.entry.action) else {
            self.skipped.append(SkippedFiring(id: id, planned: planned))
            return []
        }
        var events: [ScheduledEvent] = []
        if action == .heal {
            while let cut = self.active.firstIndex(where: \.isPartition) {
                events.append(self.end(at: cut, planned: planned))
            }
        }
        self.note(action)
        let until = state.end(from: planned, length: self.length)
        var event = ScheduledEvent(id: id, phase: .begin, action: action, planned: planned)
        if ActiveFiring.lasts(action, until: until) {
            event.until = until
            self.active.append(ActiveFiring(id: id, entry: index, action: action, until: until))
        } else if case .process(let verb, let names) = action, verb == .kill || verb == .stop {
            self.down.formUnion(names)
        }
        return events + [event]
    }

    /// Nodes that somebody restarts or resumes are no longer held by what put them down.
    private mutating func note(_ action: ConcreteAction) {
        guard case .process(let verb, let names) = action else { return }
        if verb == .restart { self.down.subtract(names) }
        for index in self.active.indices where self.active[index].undoing == verb {
            self.active[index].held.removeAll { names.contains($0) }
        }
    }

    private mutating func end(at index: Int, planned: Instant) -> ScheduledEvent {
        let firing = self.active.remove(at: index)
        var action = firing.action
        if let undoing = firing.undoing {
            let stillHeld = self.active.filter { $0.undoing == undoing }.flatMap(\.held)
            let free = firing.held.filter { node in
                !stillHeld.contains(node) && !(undoing == .restart && self.down.contains(node))
            }
            action = .process(undoing, free)
        }
        return ScheduledEvent(id: firing.id, phase: .end, action: action, planned: planned)
    }

    private var disturbance: Disturbance {
        var disturbance = Disturbance(down: self.down)
        for firing in self.active {
            disturbance.down.formUnion(firing.held)
            if case .partition(let cuts, _, _, _) = firing.action {
                disturbance.cuts.formUnion(cuts)
            }
        }
        return disturbance
    }
}

/// Something that is on until its end.
private struct ActiveFiring: Sendable {
    let id: String
    let entry: Int
    let action: ConcreteAction
    let until: Instant?
    /// The nodes that are down because of it.
    var held: [NodeName]

    init(id: String, entry: Int, action: ConcreteAction, until: Instant?) {
        self.id = id
        self.entry = entry
        self.action = action
        self.until = until
        if case .process(_, let nodes) = action { self.held = nodes } else { self.held = [] }
    }

    /// Whether an action goes on: a killed node without an end stays down by itself.
    static func lasts(_ action: ConcreteAction, until: Instant?) -> Bool {
        switch action {
        case .partition, .faults, .process(.pause, _): true
        case .process(.kill, _), .process(.stop, _): until != nil
        case .process(.resume, _), .process(.restart, _), .tell, .heal: false
        }
    }

    /// What ends a process action.
    var undoing: ProcessAction? {
        switch self.action {
        case .process(.pause, _): .resume
        case .process(.kill, _), .process(.stop, _): .restart
        default: nil
        }
    }

    var isPartition: Bool {
        if case .partition = self.action { return true }
        return false
    }
}
