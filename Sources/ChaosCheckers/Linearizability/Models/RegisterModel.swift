import ChaosCore

/// A cell that is read, written, and compared and set.
///
/// Operations: `read` (completion: the value), `write` (the value), and with ``hasCompareAndSet`` also `cas`
/// (`[from, to]` or `{from, to}`).
package struct RegisterModel: SequentialModel {
    package enum Action: Hashable, Sendable {
        case read(JSONValue)
        case write(JSONValue)
        case compareAndSet(from: JSONValue, to: JSONValue)
        /// A compare-and-set that failed because the cell held something else.
        case mismatch(JSONValue)
    }

    package let initialState: JSONValue
    package let hasCompareAndSet: Bool
    /// Whether a failed compare-and-set proves that the cell held something else then. Jepsen leaves
    /// such operations out; a system whose only reason to fail is the comparison promises more.
    package let usesFailures: Bool

    package init(
        initial: JSONValue = .null, hasCompareAndSet: Bool = true, usesFailures: Bool = false
    ) {
        self.initialState = initial
        self.hasCompareAndSet = hasCompareAndSet
        self.usesFailures = usesFailures
    }

    package var name: String { self.hasCompareAndSet ? "cas-register" : "register" }

    package func action(
        of invocation: Invocation
    ) throws(InputError) -> ModelAction<Action> {
        let begin = invocation.begin
        switch begin.function {
        case "read", "r":
            guard invocation.outcome == .ok, let end = invocation.end else { return .nothing }
            return .action(.read(end.value))
        case "write", "w":
            return invocation.outcome == .fail ? .nothing : .action(.write(begin.value))
        case "cas" where self.hasCompareAndSet:
            let pair = begin.value.arrayValue ?? []
            let from = pair.count == 2 ? pair[0] : begin.value["from"]
            let to = pair.count == 2 ? pair[1] : begin.value["to"]
            guard let from, let to else {
                throw InputError.wrongValue(begin, mustBe: "[from, to]")
            }
            if invocation.outcome == .fail { return .action(.mismatch(from)) }
            return .action(.compareAndSet(from: from, to: to))
        default:
            throw InputError.unknownFunction(
                invocation, model: self.name,
                known: ["read", "write"] + (self.hasCompareAndSet ? ["cas"] : []))
        }
    }

    package func step(_ state: JSONValue, _ action: Action) -> JSONValue? {
        // `nil` alone would be read as JSON's null, which is a state like any other.
        let impossible = JSONValue?.none
        return switch action {
        case .read(let value): state == value ? state : impossible
        case .write(let value): value
        case .compareAndSet(let from, let to): state == from ? to : impossible
        case .mismatch(let value): state == value ? impossible : state
        }
    }

    package func isObserver(_ action: Action) -> Bool {
        switch action {
        case .read, .mismatch: true
        case .write, .compareAndSet: false
        }
    }

    package func ranks(_ operations: [(invocation: Invocation, action: Action)]) -> [Int]? {
        // Where few values come again and again, reads tell little about which write they saw.
        var writes = 0
        var values: Set<JSONValue> = []
        for operation in operations {
            switch operation.action {
            case .write(let value), .compareAndSet(_, let value):
                writes += 1
                values.insert(value)
            case .read, .mismatch: break
            }
        }
        return values.count * 4 >= writes ? RegisterZones(operations).ranks : nil
    }

    package func text(of state: JSONValue) -> String { state.text }

    package func text(of action: Action) -> String {
        switch action {
        case .read(let value): "read \(value.text)"
        case .write(let value): "write \(value.text)"
        case .compareAndSet(let from, let to): "cas \(from.text)→\(to.text)"
        case .mismatch(let value): "cas failed, not \(value.text)"
        }
    }
}
