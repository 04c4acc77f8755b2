import ChaosCore

/// A queue or a stack.
///
/// Operations: `enqueue` and `dequeue`, or `push` and `pop` (completion: the element, or `null` when there was none).
package struct SequenceModel: SequentialModel {
    package enum Kind: String, Sendable {
        /// First in, first out.
        case queue
        /// Last in, first out.
        case stack
    }

    package enum Action: Hashable, Sendable {
        case put(JSONValue)
        /// Takes this element.
        case take(JSONValue)
        /// Finds nothing to take.
        case findEmpty
        /// Takes something, and nobody knows what.
        case takeSomething
    }

    package let kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    package var name: String { self.kind.rawValue }
    package var initialState: [JSONValue] { [] }

    private var verbs: (put: String, take: String) {
        self.kind == .stack ? ("push", "pop") : ("enqueue", "dequeue")
    }

    package func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action> {
        let begin = invocation.begin
        switch begin.function {
        case self.verbs.put:
            return .action(.put(begin.value))
        case self.verbs.take:
            guard invocation.outcome == .ok, let end = invocation.end else {
                return .action(.takeSomething)
            }
            return .action(end.value == .null ? .findEmpty : .take(end.value))
        default:
            throw InputError.unknownFunction(
                invocation, model: self.name, known: [self.verbs.put, self.verbs.take])
        }
    }

    package func step(_ state: [JSONValue], _ action: Action) -> [JSONValue]? {
        switch action {
        case .put(let element):
            return state + [element]
        case .take(let element):
            switch self.kind {
            case .queue: return state.first == element ? Array(state.dropFirst()) : nil
            case .stack: return state.last == element ? state.dropLast() : nil
            }
        case .findEmpty: return state.isEmpty ? state : nil
        case .takeSomething:
            switch self.kind {
            case .queue: return Array(state.dropFirst())
            case .stack: return Array(state.dropLast())
            }
        }
    }

    /// In a queue elements come in as they go out.
    package func ranks(_ operations: [(invocation: Invocation, action: Action)]) -> [Int]? {
        guard self.kind == .queue else { return nil }
        var out: [JSONValue: Int] = [:]
        for operation in operations {
            guard case .take(let element) = operation.action else { continue }
            out[element] = operation.invocation.end?.index ?? .max
        }
        return operations.map { operation in
            switch operation.action {
            case .put(let element): (out[element] ?? 1 << 40) * 2
            case .take(let element): (out[element] ?? 1 << 40) * 2 + 1
            case .findEmpty, .takeSomething: .max
            }
        }
    }

    package func isObserver(_ action: Action) -> Bool { action == .findEmpty }

    package func text(of state: [JSONValue]) -> String { JSONValue.array(state).text }

    package func text(of action: Action) -> String {
        switch action {
        case .put(let element): "\(self.verbs.put) \(element.text)"
        case .take(let element): "\(self.verbs.take) \(element.text)"
        case .findEmpty: "\(self.verbs.take) nothing"
        case .takeSomething: "\(self.verbs.take) ?"
        }
    }
}
