import ChaosCheckers
import ChaosCore
import Foundation

/// What an object does when only one thing happens at a time: a model of your own, by which
/// ``checkLinearizable(history:model:isIndependent:budget:)`` judges what clients saw.
///
/// ```swift
/// /// Hands out 1, 2, 3, …
/// struct Tickets: ObjectModel {
///     var initialState: Int64 { 0 }
///
///     func step(_ state: Int64, _ call: ObjectCall) -> Int64? {
///         guard let ticket = call.result else { return state + 1 }   // nobody knows which one it was
///         return ticket == .int(state + 1) ? state + 1 : nil
///     }
/// }
/// ```
public protocol ObjectModel: Sendable {
    /// What the object holds.
    associatedtype State: Hashable & Sendable

    /// What the object holds before the first call.
    var initialState: State { get }

    /// The state after a call; `nil` when it cannot have come out like that in this state.
    ///
    /// A call without a result took effect, and what it returned is not known. Calls that failed are left out.
    func step(_ state: State, _ call: ObjectCall) -> State?

    /// Whether a call never changes any state in which it is possible: then there is less to search.
    func isObserver(_ call: ObjectCall) -> Bool

    /// The part of the object that a call concerns, where parts do not know of each other, such as a key. The
    /// history is then judged part by part. `nil` is the whole.
    func part(of call: ObjectCall) -> JSONValue?
}

extension ObjectModel {
    /// Nothing is known to observe only.
    public func isObserver(_ call: ObjectCall) -> Bool { false }
    /// The object is one whole.
    public func part(of call: ObjectCall) -> JSONValue? { nil }
}

/// One operation of a client, as a model sees it.
public struct ObjectCall: Hashable, Sendable, CustomStringConvertible {
    /// What was asked for: `f` in the history.
    public let function: String
    /// With what: the invocation's `value`.
    public let argument: JSONValue
    /// What was answered: the completion's `value`; `nil` where nobody knows.
    public let result: JSONValue?

    /// `take null → 3`.
    public var description: String {
        "\(self.function) \(self.argument.text)" + (self.result.map { " → \($0.text)" } ?? "")
    }
}

/// What a check says of a recorded history.
public struct HistoryVerdict: Sendable, CustomStringConvertible {
    /// Valid, invalid, or unknown where too little was seen or the budget was used up.
    public let kind: ClusterVerdict.Kind
    /// Why, in one sentence.
    public let summary: String
    /// What proves it, in lines.
    public let evidence: [String]

    /// All of it as text.
    public var description: String {
        (["\(self.kind.rawValue): \(self.summary)"] + self.evidence.map { "  \($0)" })
            .joined(separator: "\n")
    }
}

/// Judges whether a recorded history is linearizable by a model of your own: whether each operation may have
/// taken effect at one moment between its call and its return.
///
/// - Parameters:
///   - history: A file: `history.jsonl` of a run, or any form that `chaos check-history` reads.
///   - isIndependent: Whether values are pairs of a key and a value, each key an object of its own; `nil` looks.
///   - budget: How many steps of the model may be tried before the answer is unknown.
/// - Throws: ``ChaosFailure`` when the file cannot be read, or is no history.
public func checkLinearizable<Model: ObjectModel>(
    history: String, model: Model, isIndependent: Bool? = nil, budget: Int = 20_000_000
) throws -> HistoryVerdict {
    guard let data = FileManager.default.contents(atPath: history) else {
        throw ChaosFailure("\(history): there is no such file")
    }
    let read: History
    do { read = try History(parsing: String(decoding: data, as: UTF8.self)) } catch {
        throw ChaosFailure("\(history): \(error)")
    }
    let checker = LinearizabilityChecker(
        model: AdaptedModel(model: model), isIndependent: isIndependent, budget: budget)
    let finding = checker.check(read)
    return HistoryVerdict(
        kind: ClusterVerdict.Kind(rawValue: finding.verdict.rawValue) ?? .unknown,
        summary: finding.summary, evidence: finding.evidence)
}

/// A model of the user's as the checker asks it.
private struct AdaptedModel<Model: ObjectModel>: SequentialModel {
    let model: Model

    var name: String { "\(Model.self)" }
    var initialState: Model.State { self.model.initialState }

    func action(of invocation: Invocation) throws(InputError) -> ModelAction<ObjectCall> {
        .action(
            ObjectCall(
                function: invocation.begin.function, argument: invocation.begin.value,
                result: invocation.outcome == .ok ? invocation.end?.value : nil))
    }

    func step(_ state: Model.State, _ call: ObjectCall) -> Model.State? {
        self.model.step(state, call)
    }

    func isObserver(_ call: ObjectCall) -> Bool { self.model.isObserver(call) }
    func part(of call: ObjectCall) -> JSONValue? { self.model.part(of: call) }
}
