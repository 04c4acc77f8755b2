import ChaosCore
import NodeKit

/// Each list is a value of its own in `lin-kv`, and each step is done by itself: a read is a read, an
/// append a compare-and-set.
///
/// A transaction of one step is strict serializable. One of several is not: others come between its
/// steps, and its appends show one by one.
struct KeyTransactionNode: CallingNode {
    private let store = KeyValueStore.linearizable
    private var served = AnswerCache()
    var calls = Calls<KeyTransactionNode>()

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        do {
            let steps = try TransactionStep.steps(of: message, write: "append")
            guard self.served.admit(message) == .new else { return [] }
            return self.run(steps[...], [], for: message)
        } catch {
            return [error.answer]
        }
    }

    private mutating func run(
        _ steps: ArraySlice<TransactionStep>, _ results: [JSONValue], for request: Message
    ) -> [Effect] {
        guard let step = steps.first else { return [.txnOk(to: request, results)] }
        let rest = steps.dropFirst()
        let name: JSONValue = .string("list \(step.key.text)")
        return self.read(name, from: self.store) { node, reading, _ in
            let list: JSONValue?
            switch reading {
            case .value(let json): list = json
            case .missing: list = nil
            case .unknown: return [.unanswered(request)]
            }
            guard case .write(let value) = step.operation else {
                let result = step.json(reading: list ?? .null)
                return node.run(rest, results + [result], for: request)
            }
            let new = JSONValue.array((list?.arrayValue ?? []) + [value])
            return node.compareAndSet(name, from: list, to: new, in: node.store) {
                node, outcome, _ in
                switch outcome {
                case .done: return node.run(rest, results + [step.json], for: request)
                case .mismatch: return node.run(steps, results, for: request)
                case .unknown: return [.unanswered(request)]
                }
            }
        }
    }
}
