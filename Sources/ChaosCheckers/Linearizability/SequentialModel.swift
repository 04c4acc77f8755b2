import ChaosCore

/// What an object does when operations reach it one after the other: the specification against which
/// linearizability is judged (Herlihy and Wing: Linearizability, TOPLAS 1990).
///
/// A model of your own needs a state, an action, and ``step(_:_:)``; the other requirements only make
/// the search faster or its text better.
package protocol SequentialModel: Sendable {
    /// What the object holds.
    associatedtype State: Hashable & Sendable
    /// What one operation does or shows.
    associatedtype Action: Hashable & Sendable

    /// The name by which people ask for the model.
    var name: String { get }
    /// What the object holds before the first operation.
    var initialState: State { get }

    /// What an operation did, seen from its invocation and completion.
    ///
    /// Operations that definitely failed are left out before unless ``usesFailures`` says otherwise; one
    /// without a completion, or with `info`, may have taken effect at any time since, or never.
    ///
    /// - Throws: `InputError` when the model knows no such operation.
    func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action>

    /// The state after an action; `nil` when the action is impossible in that state.
    func step(_ state: State, _ action: Action) -> State?

    /// Whether failed operations tell something about the state.
    var usesFailures: Bool { get }

    /// Whether the action never changes any state in which it is possible. Such an operation may take its
    /// place as soon as it fits, which saves most of the search.
    func isObserver(_ action: Action) -> Bool

    /// The part of the object that the action concerns, when parts do not know of each other: the
    /// history is then judged part by part (P-compositionality: Horn and Kroening, Faster
    /// Linearizability Checking via P-Compositionality, FORTE 2015). `nil` is the whole.
    func part(of action: Action) -> JSONValue?

    /// States such that these actions cannot tell any other state that a history of all the others may lead to from one of
    /// them, or `nil` when those are too many.
    /// With them a short stretch of a history can be shown to have no order without the search through all of it.
    func states(toldApartBy actions: [Action], of all: [Action]) -> [State]?

    /// A guess at the order of operations, smaller first, or `nil`: what belongs before an operation that must take
    /// its place now is tried first then. A wrong guess costs time and changes no answer.
    func ranks(_ operations: [(invocation: Invocation, action: Action)]) -> [Int]?

    /// Words for a state, after "the state is".
    func text(of state: State) -> String
    /// Words for an action, such as `write 3`.
    func text(of action: Action) -> String
}

extension SequentialModel {
    /// A failed operation had no effect and is left out.
    package var usesFailures: Bool { false }
    /// Nothing is known to observe only.
    package func isObserver(_ action: Action) -> Bool { false }
    /// The object is one whole.
    package func part(of action: Action) -> JSONValue? { nil }
    /// There are too many.
    package func states(toldApartBy actions: [Action], of all: [Action]) -> [State]? { nil }
    /// There is no guess.
    package func ranks(_ operations: [(invocation: Invocation, action: Action)]) -> [Int]? { nil }
    /// The state as Swift prints it.
    package func text(of state: State) -> String { "\(state)" }
    /// The action as Swift prints it.
    package func text(of action: Action) -> String { "\(action)" }
}

/// What an operation means to a model.
package enum ModelAction<Action: Hashable & Sendable>: Hashable, Sendable {
    /// It does or shows this.
    case action(Action)
    /// It tells nothing, such as a read whose result is unknown.
    case nothing
}

extension InputError {
    /// The sentence for an operation that a model does not know.
    static func unknownFunction(
        _ invocation: Invocation, model: String, known: [String]
    ) -> InputError {
        InputError(
            "operations of the model '\(model)' are \(known.joined(separator: ", "))",
            found: invocation.begin.function)
    }

    /// The sentence for an operation whose value has the wrong shape.
    static func wrongValue(_ operation: Operation, mustBe shape: String) -> InputError {
        InputError(
            "the value of '\(operation.function)' at index \(operation.index) must be \(shape)",
            found: operation.value.text)
    }
}
