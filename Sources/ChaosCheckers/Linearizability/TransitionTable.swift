/// Remembers what actions do to states, both as numbers.
struct TransitionTable<Model: SequentialModel> {
    private let model: Model
    private let actions: [Model.Action]
    private(set) var states: [Model.State] = []
    private var numbers: [Model.State: Int32] = [:]
    private var known: [UInt64: Int32] = [:]

    /// What stands for an impossible step.
    static var impossible: Int32 { -1 }

    init(model: Model, actions: [Model.Action]) {
        self.model = model
        self.actions = actions
    }

    /// The number of a state.
    mutating func number(of state: Model.State) -> Int32 {
        if let number = self.numbers[state] { return number }
        let number = Int32(self.states.count)
        self.numbers[state] = number
        self.states.append(state)
        return number
    }

    /// The state after an action, or ``impossible``.
    mutating func step(_ state: Int32, _ action: Int) -> Int32 {
        let key = UInt64(UInt32(state)) << 32 | UInt64(action)
        if let next = self.known[key] { return next }
        let next = self.model.step(self.states[Int(state)], self.actions[action])
        let number = next.map { self.number(of: $0) } ?? Self.impossible
        self.known[key] = number
        return number
    }
}
