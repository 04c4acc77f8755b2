/// Looks for an order of operations that the model allows and that no return contradicts.
///
/// Just-in-time linearisation (Lowe: Testing for Linearizability, 2017) on Wing and Gong's search (Testing and
/// Verifying Concurrent Objects, 1993): an operation gets its place at the latest when it returns, after as few
/// others as do. Configurations are remembered and visited once. What makes it fast:
/// - only operations that are open now are told apart, so a configuration does not grow with the history;
/// - an operation that observes only takes its place as soon as it fits;
/// - crashed operations of one action are counted, and a configuration that used more of them than another,
///   otherwise equal one is dropped;
/// - what actions do to states is computed once.
struct LinearizabilitySearch<Model: SequentialModel> {
    enum Outcome {
        /// There is such an order.
        case found
        /// There is none.
        case none
        /// The budget was used up.
        case exhausted
    }

    /// What is known before an operation that must take its place now.
    private struct Configuration {
        var event: Int
        var state: Int32
        var usage: Int32
        /// The last operation that took its place, in `path`.
        var path: Int32
        var slots: SlotSet

        /// Remembers that an operation took its place.
        mutating func note(_ op: Int, _ state: Int32, in path: inout [PathEntry]) {
            path.append((self.path, Int32(op), state))
            self.path = Int32(path.count - 1)
        }
    }

    /// An operation that took its place, the one before it, and the state after it.
    private typealias PathEntry = (previous: Int32, op: Int32, state: Int32)

    private struct Key: Hashable {
        let event: Int32
        let state: Int32
        let slots: SlotSet
    }

    /// One or more usages of crashed operations, none within another.
    private struct Usages {
        var first: Int32
        var others: [Int32] = []
    }

    /// The configurations at one return, those with the fewest extra operations first.
    private struct Frame {
        var queue: [Configuration]
        var head = 0
        var phase = Phase.guess
    }

    /// What is tried next with a configuration.
    private enum Phase {
        /// The target, after those operations that the model guesses before it.
        case guess
        /// The target alone.
        case target
        /// Any other operation before it.
        case others
    }

    let problem: LinearizabilityProblem<Model.Action>
    private(set) var table: TransitionTable<Model>
    private var usages = CrashedUsage()
    private var visited: [Key: Usages] = [:]
    private var frames: [Frame] = []
    private var path: [PathEntry] = []

    /// How many steps of the model were tried.
    private(set) var steps = 0
    /// The furthest return at which some order still stood.
    private(set) var furthest = -1
    /// The last step of an order that reached it.
    private var furthestPath: Int32 = -1

    init(_ problem: LinearizabilityProblem<Model.Action>, model: Model) {
        self.problem = problem
        self.table = TransitionTable(model: model, actions: problem.actions)
    }

    /// The operations of an order that reached the furthest return, with the state after each.
    var furthestOrder: [(op: Int, state: Model.State)] {
        var order: [(op: Int, state: Model.State)] = []
        var index = self.furthestPath
        while index >= 0 {
            let entry = self.path[Int(index)]
            order.append((Int(entry.op), self.table.states[Int(entry.state)]))
            index = entry.previous
        }
        return order.reversed()
    }

    /// Searches from each of the states until one has an order.
    mutating func run(from states: [Model.State], budget: Int) -> Outcome {
        for state in states {
            let start = Configuration(
                event: 0, state: self.table.number(of: state), usage: CrashedUsage.none, path: -1,
                slots: SlotSet())
            guard self.enter(start) else { return .found }
            while !self.frames.isEmpty {
                if self.steps > budget { return .exhausted }
                if self.advance() { return .found }
            }
        }
        return .none
    }

    /// Takes one step in the topmost frame; `true` when an order was found.
    private mutating func advance() -> Bool {
        let top = self.frames.count - 1
        let head = self.frames[top].head
        if head == self.frames[top].queue.count {
            self.frames.removeLast()
            return false
        }
        let configuration = self.frames[top].queue[head]
        let target = self.problem.events[configuration.event].op
        switch self.frames[top].phase {
        case .guess:
            self.frames[top].phase = .target
            guard self.problem.hasRanks,
                let next = self.placing(target, in: self.guessing(target, configuration))
            else { return false }
            return !self.enter(next)
        case .target:
            self.frames[top].phase = .others
            guard let next = self.placing(target, in: configuration) else { return false }
            return !self.enter(next)
        case .others:
            self.frames[top].head += 1
            self.frames[top].phase = .guess
            self.extend(configuration, top)
            return false
        }
    }

    /// The configuration after all that the model guesses before the target and that fits.
    private mutating func guessing(_ target: Int, _ start: Configuration) -> Configuration {
        let limit = self.problem.ops[target].rank
        var candidates: [(rank: Int, op: Int, crashed: Int)] = []
        for op in self.problem.open(at: start.event) where Int(op) != target {
            let rank = self.problem.ops[Int(op)].rank
            if rank < limit && !start.slots.contains(self.problem.ops[Int(op)].slot) {
                candidates.append((rank, Int(op), -1))
            }
        }
        for (number, crashed) in self.problem.crashed.enumerated() {
            let used = self.usages.count(start.usage, of: number)
            guard used < crashed.calls.count, crashed.calls[used].event < start.event else {
                continue
            }
            let op = crashed.calls[used].op
            let rank = self.problem.ops[op].rank
            if rank < limit { candidates.append((rank, op, number)) }
        }
        candidates.sort { $0.rank < $1.rank }
        var configuration = start
        for candidate in candidates {
            // One that only observes may have taken its place meanwhile.
            let slot = self.problem.ops[candidate.op].slot
            if slot >= 0 && configuration.slots.contains(slot) { continue }
            guard let next = self.placing(candidate.op, in: configuration) else { continue }
            configuration = next
            if candidate.crashed >= 0 {
                configuration.usage = self.usages.adding(
                    candidate.crashed, to: configuration.usage)
            }
        }
        return configuration
    }

    /// Adds the configurations in which one more operation took its place before the target.
    private mutating func extend(_ configuration: Configuration, _ top: Int) {
        let target = self.problem.events[configuration.event].op
        for op in self.problem.open(at: configuration.event) where Int(op) != target {
            let slot = self.problem.ops[Int(op)].slot
            if configuration.slots.contains(slot)
                || self.problem.isObserver[self.problem.ops[Int(op)].action]
            {
                continue
            }
            guard let next = self.placing(Int(op), in: configuration) else { continue }
            if self.isNew(next) { self.frames[top].queue.append(next) }
        }
        for (number, crashed) in self.problem.crashed.enumerated() {
            let used = self.usages.count(configuration.usage, of: number)
            guard used < crashed.calls.count,
                crashed.calls[used].event < configuration.event
            else { continue }
            guard var next = self.placing(crashed.calls[used].op, in: configuration),
                next.state != configuration.state
            else { continue }
            next.usage = self.usages.adding(number, to: configuration.usage)
            if self.isNew(next) { self.frames[top].queue.append(next) }
        }
    }

    /// The configuration after an operation took its place; `nil` when the model forbids it.
    private mutating func placing(_ op: Int, in configuration: Configuration) -> Configuration? {
        self.steps += 1
        let state = self.table.step(configuration.state, self.problem.ops[op].action)
        if state < 0 { return nil }
        var next = configuration
        next.note(op, state, in: &self.path)
        if self.problem.ops[op].slot >= 0 { next.slots.insert(self.problem.ops[op].slot) }
        if state != configuration.state {
            next.state = state
            for other in self.problem.open(at: configuration.event) {
                self.observe(Int(other), in: &next)
            }
        }
        return next
    }

    /// Lets an operation that only observes take its place, if it fits.
    private mutating func observe(_ op: Int, in configuration: inout Configuration) {
        let action = self.problem.ops[op].action
        let slot = self.problem.ops[op].slot
        guard self.problem.isObserver[action], slot >= 0, !configuration.slots.contains(slot)
        else { return }
        self.steps += 1
        guard self.table.step(configuration.state, action) >= 0 else { return }
        configuration.slots.insert(slot)
        configuration.note(op, configuration.state, in: &self.path)
    }

    /// Goes on to the next return whose operation has no place yet; `false` when there is none.
    private mutating func enter(_ start: Configuration) -> Bool {
        var configuration = start
        while configuration.event < self.problem.events.count {
            let event = self.problem.events[configuration.event]
            let slot = self.problem.ops[event.op].slot
            if !event.isReturn {
                self.observe(event.op, in: &configuration)
            } else if configuration.slots.contains(slot) {
                configuration.slots.remove(slot)
            } else {
                if self.isNew(configuration) {
                    if configuration.event > self.furthest {
                        self.furthest = configuration.event
                        self.furthestPath = configuration.path
                    }
                    self.frames.append(Frame(queue: [configuration]))
                }
                return true
            }
            configuration.event += 1
        }
        return false
    }

    /// Whether no configuration that can do as much was there before; remembers it.
    private mutating func isNew(_ configuration: Configuration) -> Bool {
        let key = Key(
            event: Int32(configuration.event), state: configuration.state,
            slots: configuration.slots)
        guard var known = self.visited[key] else {
            self.visited[key] = Usages(first: configuration.usage)
            return true
        }
        if self.usages.isWithin(known.first, configuration.usage) { return false }
        if known.others.contains(where: { self.usages.isWithin($0, configuration.usage) }) {
            return false
        }
        if self.usages.isWithin(configuration.usage, known.first) {
            known.first = configuration.usage
        } else {
            known.others.append(configuration.usage)
        }
        self.visited[key] = known
        return true
    }
}
