import ChaosCore

/// A number that is added to and read.
///
/// Operations: `add` (the difference; `null` is 1), `inc` and `dec` (likewise), `read`, and `add-get`, whose
/// completion is the sum after it.
package struct CounterModel: SequentialModel {
    package enum Action: Hashable, Sendable {
        case add(Int64)
        /// An addition whose answer is the sum.
        case addAndGet(Int64, Int64)
        case read(Int64)
    }

    package let initialState: Int64

    package init(initial: Int64 = 0) { self.initialState = initial }

    package var name: String { "counter" }

    package func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action> {
        let begin = invocation.begin
        switch begin.function {
        case "read", "r":
            guard invocation.outcome == .ok, let end = invocation.end else { return .nothing }
            guard let sum = end.value.intValue else {
                throw InputError.wrongValue(end, mustBe: "a whole number")
            }
            return .action(.read(sum))
        case "add", "inc", "increment", "dec", "decrement", "add-get":
            let difference = try Self.difference(begin)
            guard begin.function == "add-get" else { return .action(.add(difference)) }
            // An answer that never came may have been any.
            guard invocation.outcome == .ok, let end = invocation.end else {
                return .action(.add(difference))
            }
            guard let sum = end.value.intValue else {
                throw InputError.wrongValue(end, mustBe: "a whole number")
            }
            return .action(.addAndGet(difference, sum))
        default:
            throw InputError.unknownFunction(
                invocation, model: self.name, known: ["read", "add", "inc", "dec", "add-get"])
        }
    }

    private static func difference(_ operation: Operation) throws(InputError) -> Int64 {
        let value = operation.value["delta"] ?? operation.value
        guard let number = value == .null ? 1 : value.intValue, abs(number / 2) < Int64.max / 4
        else { throw InputError.wrongValue(operation, mustBe: "a whole number") }
        return operation.function.hasPrefix("dec") ? -number : number
    }

    package func step(_ state: Int64, _ action: Action) -> Int64? {
        switch action {
        case .add(let difference): return state &+ difference
        case .addAndGet(let difference, let sum):
            return state &+ difference == sum ? sum : nil
        case .read(let sum): return state == sum ? state : nil
        }
    }

    package func isObserver(_ action: Action) -> Bool {
        switch action {
        case .read, .add(0), .addAndGet(0, _): true
        case .add, .addAndGet: false
        }
    }

    package func text(of action: Action) -> String {
        switch action {
        case .add(let difference): "add \(difference)"
        case .addAndGet(let difference, let sum): "add \(difference) = \(sum)"
        case .read(let sum): "read \(sum)"
        }
    }
}
