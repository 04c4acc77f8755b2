import ChaosCore

/// One history of one object, made ready for the search.
struct LinearizabilityProblem<Action: Hashable & Sendable> {
    /// An operation that did something, or may have.
    struct Op {
        let invocation: Invocation
        /// Its action's number.
        let action: Int
        /// Whether nobody knows if it took effect; it has no return then.
        let isCrashed: Bool
        /// Where the model guesses that it belongs.
        let rank: Int
        /// Its slot while it is open; -1 for crashed ones, which stay open for ever.
        var slot: Int
    }

    /// A call or a return, in the order of the history.
    struct Event {
        let op: Int
        let isReturn: Bool
    }

    /// Crashed operations of one action: any of them does as well as another.
    struct CrashedClass {
        let action: Int
        /// The operations and the events of their calls, in order.
        var calls: [(op: Int, event: Int)]
    }

    private(set) var ops: [Op] = []
    private(set) var events: [Event] = []
    private(set) var actions: [Action] = []
    private(set) var isObserver: [Bool] = []
    private(set) var crashed: [CrashedClass] = []
    /// For each event the open operations that will return, from `openStarts[event]` on.
    private(set) var open: [Int32] = []
    private(set) var openStarts: [Int] = []
    /// Whether more operations were open at once than the search can tell apart.
    private(set) var isTooWide = false
    /// Whether the model has a guess.
    let hasRanks: Bool

    /// Makes the problem from operations with their actions.
    ///
    /// - Parameter optional: Whether the operation at a position may be left out, as if it had crashed.
    init<Model: SequentialModel>(
        _ operations: [(invocation: Invocation, action: Action)], model: Model,
        optional: (Int) -> Bool = { _ in false }
    ) where Model.Action == Action {
        let ranks = model.ranks(operations)
        self.hasRanks = ranks != nil
        var numbers: [Action: Int] = [:]
        var marks: [(place: Int, event: Event)] = []
        for (position, operation) in operations.enumerated() {
            let isCrashed =
                operation.invocation.outcome == .info || optional(position)
            let isObserver = model.isObserver(operation.action)
            // What may have happened or not, and would change nothing, needs no place.
            if isCrashed && isObserver { continue }
            let number = numbers[operation.action] ?? self.actions.count
            if number == self.actions.count {
                numbers[operation.action] = number
                self.actions.append(operation.action)
                self.isObserver.append(isObserver)
            }
            let op = self.ops.count
            self.ops.append(
                Op(
                    invocation: operation.invocation, action: number, isCrashed: isCrashed,
                    rank: ranks?[position] ?? .max, slot: -1))
            marks.append(
                (operation.invocation.begin.index, Event(op: op, isReturn: false)))
            if !isCrashed, let end = operation.invocation.end {
                marks.append((end.index, Event(op: op, isReturn: true)))
            }
        }
        marks.sort { ($0.place, $0.event.op) < ($1.place, $1.event.op) }
        self.events = marks.map(\.event)
        self.assignSlots()
    }

    private mutating func assignSlots() {
        var free: [Int] = []
        var used = 0
        var openNow: [Int32] = []
        var classes: [Int: Int] = [:]
        for (index, event) in self.events.enumerated() {
            if event.isReturn {
                // The operation that returns is open at its own return.
                self.openStarts.append(self.open.count)
                self.open += openNow
                openNow.removeAll { $0 == Int32(event.op) }
                free.append(self.ops[event.op].slot)
                continue
            }
            self.openStarts.append(self.open.count)
            if self.ops[event.op].isCrashed {
                let action = self.ops[event.op].action
                if let number = classes[action] {
                    self.crashed[number].calls.append((event.op, index))
                } else {
                    classes[action] = self.crashed.count
                    self.crashed.append(CrashedClass(action: action, calls: [(event.op, index)]))
                }
                continue
            }
            let slot = free.popLast() ?? used
            if slot == used { used += 1 }
            self.ops[event.op].slot = slot
            openNow.append(Int32(event.op))
        }
        self.openStarts.append(self.open.count)
        self.isTooWide = used > SlotSet.capacity
    }

    /// The operations that are open at a return, itself included.
    func open(at event: Int) -> ArraySlice<Int32> {
        self.open[self.openStarts[event]..<self.openStarts[event + 1]]
    }
}
