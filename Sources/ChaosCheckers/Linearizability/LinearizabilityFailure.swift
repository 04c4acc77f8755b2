import ChaosCore

/// Narrows a history without an order down to what a person needs to see: the operation at which no order is left, the
/// last order that stood before it, and the smallest stretch of the history that has no order whatever went before.
struct LinearizabilityFailure<Model: SequentialModel> {
    private let model: Model
    private let problem: LinearizabilityProblem<Model.Action>
    private let order: [(op: Int, state: Model.State)]
    private let failed: LinearizabilityProblem<Model.Action>.Op
    private let isWindowProven: Bool
    /// The first and last place of the window, as indices of the history.
    private let window: ClosedRange<Int>
    /// How many steps narrowing took.
    private(set) var steps = 0

    /// How many states a window may begin in, and how many steps one try may take.
    private static var mostStates: Int { 2_000 }
    private static var narrowingBudget: Int { 300_000 }
    /// How many operations of the order are told.
    private static var shown: Int { 8 }

    /// Narrows down what a search has proven to have no order.
    init(
        operations: [(invocation: Invocation, action: Model.Action)],
        search: LinearizabilitySearch<Model>, model: Model
    ) {
        self.init(operations, search, model, states: search.table.states, proven: nil)
    }

    /// Looks for a short stretch without an order, where a search that gave up had got to; `nil` when it finds none.
    init?(
        refuting operations: [(invocation: Invocation, action: Model.Action)],
        search: LinearizabilitySearch<Model>, model: Model
    ) {
        guard model.states(toldApartBy: [], of: []) != nil, search.furthest >= 0 else { return nil }
        // Of the operations that returned last only some must have their place, all others may.
        let end = Self.end(search)
        let returned = operations.filter {
            $0.invocation.outcome == .ok && $0.invocation.end?.index ?? .max <= end
        }.sorted { $0.invocation.end?.index ?? 0 < $1.invocation.end?.index ?? 0 }
        for count in [1, 2, 3, 4, 6, 8, 12, 16] where count <= returned.count {
            let required = returned.suffix(count).map(\.invocation.begin.index)
            guard let start = required.min() else { continue }
            let (fails, _) = Self.fails(
                operations, from: start, to: end, model, [], required: Set(required))
            if fails {
                let position = Self.starts(operations, before: end).firstIndex(of: start)
                self.init(operations, search, model, states: [], proven: position ?? 0)
                return
            }
        }
        return nil
    }

    private static func end(_ search: LinearizabilitySearch<Model>) -> Int {
        search.problem.ops[search.problem.events[search.furthest].op].invocation.end?.index ?? .max
    }

    /// The position of the operation that has no place among the starts.
    private static func own(_ search: LinearizabilitySearch<Model>, _ starts: [Int]) -> Int {
        let begin = search.problem.ops[search.problem.events[search.furthest].op].invocation.begin
        return starts.lastIndex { $0 <= begin.index } ?? starts.count - 1
    }

    private static func starts(
        _ operations: [(invocation: Invocation, action: Model.Action)], before end: Int
    ) -> [Int] {
        operations.map(\.invocation.begin.index).filter { $0 < end }.sorted()
    }

    private init(
        _ operations: [(invocation: Invocation, action: Model.Action)],
        _ search: LinearizabilitySearch<Model>, _ model: Model, states: [Model.State],
        proven start: Int?
    ) {
        self.model = model
        self.problem = search.problem
        self.order = search.furthestOrder
        self.failed = search.problem.ops[search.problem.events[search.furthest].op]
        let end = Self.end(search)

        // Whatever fails from some place on, given any state there, fails from every earlier place too:
        // the latest such place is found by halving.
        let starts = Self.starts(operations, before: end)
        var low = start ?? 0
        var high = Self.own(search, starts)
        var proven = start != nil
        if states.count <= Self.mostStates && !proven {
            while low < high {
                let middle = (low + high + 1) / 2
                let (fails, steps) = Self.fails(
                    operations, from: starts[middle], to: end, model, states)
                self.steps += steps
                if fails {
                    low = middle
                    proven = true
                } else {
                    high = middle - 1
                }
            }
        }
        self.isWindowProven = proven || low == 0 && starts.count <= 12
        if self.isWindowProven {
            self.window = starts[low]...end
        } else {
            // Nothing smaller than the beginning is proven: show what was going on.
            let begin = self.failed.invocation.begin.index
            let near = starts.last { $0 < begin } ?? begin
            self.window = near...end
        }
    }

    /// Whether the operations from a place on have no order, whatever the state was and whichever of the
    /// operations open there had taken effect.
    private static func fails(
        _ operations: [(invocation: Invocation, action: Model.Action)], from start: Int,
        to end: Int, _ model: Model, _ states: [Model.State], required: Set<Int>? = nil
    ) -> (fails: Bool, steps: Int) {
        let kept = operations.filter { operation in
            if operation.invocation.begin.index >= end { return false }
            guard operation.invocation.outcome != .info, let end = operation.invocation.end
            else { return true }
            return end.index > start
        }
        let problem = LinearizabilityProblem(kept, model: model) { position in
            let invocation = kept[position].invocation
            if let required, !required.contains(invocation.begin.index) { return true }
            // Open at the start; or it returns later, so that it need not have its place yet.
            return invocation.begin.index < start || (invocation.end?.index ?? .max) > end
        }
        var search = LinearizabilitySearch(problem, model: model)
        // What only some operations can tell apart is known better than what the search has met.
        let outcome = search.run(
            from: model.states(
                toldApartBy: problem.actions, of: operations.map(\.action)) ?? states,
            budget: Self.narrowingBudget)
        return (outcome == .none, search.steps)
    }

    /// One sentence: which operation has no place.
    var sentence: String {
        let end = self.failed.invocation.end ?? self.failed.invocation.begin
        return "no order is left for '\(self.text(self.failed))' of process \(end.process),"
            + " which returned at index \(end.index)"
    }

    private func text(_ op: LinearizabilityProblem<Model.Action>.Op) -> String {
        self.model.text(of: self.problem.actions[op.action])
    }

    // MARK: - Evidence

    var evidence: [String] {
        var lines: [String] = []
        let state = self.order.last?.state ?? self.model.initialState
        lines.append(
            "last consistent prefix: \(counted(self.order.count, "operation")) in order, then the"
                + " state is \(self.model.text(of: state))")
        let tail = self.order.suffix(Self.shown)
        var chain = tail.map { entry in
            let op = self.problem.ops[entry.op]
            return "\(self.text(op)) (process \(op.invocation.begin.process))"
        }
        if tail.count < self.order.count { chain.insert("…", at: 0) }
        if !chain.isEmpty { lines.append("  " + chain.joined(separator: " → ")) }
        lines.append(
            self.isWindowProven
                ? "smallest window without an order, whatever went before:"
                : "what was open then:")
        return lines + self.drawing.lines.map { "  " + $0 }
    }

    private var shownOps: [LinearizabilityProblem<Model.Action>.Op] {
        self.problem.ops.filter { op in
            let begin = op.invocation.begin.index
            if op.isCrashed { return self.window.contains(begin) }
            return begin <= self.window.upperBound
                && (op.invocation.end?.index ?? .max) > self.window.lowerBound
        }
    }

    private var earlierCrashed: Int {
        self.problem.ops.count {
            $0.isCrashed && $0.invocation.begin.index < self.window.lowerBound
        }
    }

    private var drawing: OperationDrawing {
        OperationDrawing(
            self.shownOps.map { op in
                OperationDrawing.Bar(
                    process: op.invocation.begin.process, label: self.text(op),
                    begin: op.invocation.begin.index,
                    end: op.isCrashed ? nil : op.invocation.end?.index,
                    isMarked: op.invocation.begin.index == self.failed.invocation.begin.index)
            }, window: self.window, earlierCrashed: self.earlierCrashed)
    }

    /// The window for reports that draw it themselves.
    var statistics: JSONObject {
        [
            "failed_index": .int(Int64(self.failed.invocation.end?.index ?? 0)),
            "prefix_length": .int(Int64(self.order.count)),
            "is_window_proven": .bool(self.isWindowProven),
            "prefix": .array(
                self.order.suffix(64).map { entry in
                    let op = self.problem.ops[entry.op]
                    return [
                        "index": .int(Int64(op.invocation.begin.index)),
                        "operation": .string(self.text(op)),
                        "state": .string(self.model.text(of: entry.state)),
                    ]
                }),
            "window": .array(
                self.shownOps.prefix(64).map { op in
                    let end = op.isCrashed ? nil : op.invocation.end
                    return [
                        "process": .int(Int64(op.invocation.begin.process)),
                        "operation": .string(self.text(op)),
                        "from_index": .int(Int64(op.invocation.begin.index)),
                        "to_index": end.map { .int(Int64($0.index)) } ?? .null,
                        "from": .int(op.invocation.begin.time.nanoseconds),
                        "to": end.map { .int($0.time.nanoseconds) } ?? .null,
                    ]
                }),
        ]
    }
}
