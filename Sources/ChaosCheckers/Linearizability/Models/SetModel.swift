import ChaosCore

/// A set of elements.
///
/// Operations: `add`, `remove` and `contains` (the element; the completion of `contains` is true or false), and `read`
/// (completion: all elements). Without a `read` each element is judged by itself.
package struct SetModel: SequentialModel {
    package enum Action: Hashable, Sendable {
        case add(JSONValue)
        case remove(JSONValue)
        case contains(JSONValue, Bool)
        case read(Set<JSONValue>)
    }

    package init() {}

    package var name: String { "set" }
    package var initialState: Set<JSONValue> { [] }

    package func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action> {
        let begin = invocation.begin
        let end = invocation.outcome == .ok ? invocation.end : nil
        switch begin.function {
        case "add": return .action(.add(begin.value))
        case "remove": return .action(.remove(begin.value))
        case "contains":
            guard let end else { return .nothing }
            guard let flag = end.value.boolValue ?? end.value.arrayValue?.last?.boolValue else {
                throw InputError.wrongValue(end, mustBe: "true or false")
            }
            return .action(.contains(begin.value, flag))
        case "read":
            guard let end else { return .nothing }
            guard let elements = end.value.arrayValue else {
                throw InputError.wrongValue(end, mustBe: "a list of elements")
            }
            return .action(.read(Set(elements)))
        default:
            throw InputError.unknownFunction(
                invocation, model: self.name, known: ["add", "remove", "contains", "read"])
        }
    }

    package func step(_ state: Set<JSONValue>, _ action: Action) -> Set<JSONValue>? {
        switch action {
        case .add(let element): return state.union(CollectionOfOne(element))
        case .remove(let element): return state.subtracting(CollectionOfOne(element))
        case .contains(let element, let flag):
            return state.contains(element) == flag ? state : nil
        case .read(let elements): return state == elements ? state : nil
        }
    }

    package func isObserver(_ action: Action) -> Bool {
        switch action {
        case .contains, .read: true
        case .add, .remove: false
        }
    }

    package func part(of action: Action) -> JSONValue? {
        switch action {
        case .add(let element), .remove(let element), .contains(let element, _): element
        case .read: nil
        }
    }

    package func text(of state: Set<JSONValue>) -> String { Self.text(state) }

    package func text(of action: Action) -> String {
        switch action {
        case .add(let element): "add \(element.text)"
        case .remove(let element): "remove \(element.text)"
        case .contains(let element, let flag): "contains \(element.text) = \(flag)"
        case .read(let elements): "read \(Self.text(elements))"
        }
    }

    private static func text(_ elements: Set<JSONValue>) -> String {
        "{" + elements.map(\.text).sorted().joined(separator: " ") + "}"
    }
}
