import ChaosCore
import NodeKit
import OrderedCollections

/// Lists by key, on which transactions run one after the other.
struct Lists: Sendable {
    private var lists: OrderedDictionary<JSONValue, [JSONValue]> = [:]

    init() {}

    /// Reads ``json``.
    init(_ json: JSONValue) {
        for entry in json.arrayValue ?? [] {
            guard let pair = entry.arrayValue, pair.count == 2 else { continue }
            self.lists[pair[0]] = pair[1].arrayValue
        }
    }

    var json: JSONValue { .array(self.lists.map { [$0.key, .array($0.value)] }) }

    /// Runs a transaction and returns its steps with what they read.
    mutating func run(_ steps: [TransactionStep]) -> [JSONValue] {
        steps.map { step in
            switch step.operation {
            case .read:
                return step.json(reading: self.lists[step.key].map { .array($0) } ?? .null)
            case .write(let value):
                self.lists[step.key, default: []].append(value)
                return step.json
            }
        }
    }
}

/// Lists as what a replicated log is applied to.
struct ListMachine: StateMachine {
    private var lists = Lists()

    init() {}

    init(snapshot: JSONValue) { self.lists = Lists(snapshot) }

    var snapshot: JSONValue { self.lists.json }

    static func isQuery(_ request: Message) throws(RequestRefusal) -> Bool {
        try !TransactionStep.steps(of: request, write: "append").contains(where: \.isWrite)
    }

    mutating func apply(_ request: JSONObject) -> JSONObject {
        // Looked at before it came into the log.
        let message = Message(from: "", to: "", body: request)
        let steps = (try? TransactionStep.steps(of: message, write: "append")) ?? []
        return ["type": "txn_ok", "txn": .array(self.lists.run(steps))]
    }

    func query(_ request: JSONObject) -> JSONObject {
        var copy = self
        return copy.apply(request)
    }
}

/// Runs transactions on lists that no other node knows of. Right for a single node that is not killed.
struct LocalListNode: Node {
    private var lists = Lists()

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        do {
            let steps = try TransactionStep.steps(of: message, write: "append")
            return [.txnOk(to: message, self.lists.run(steps))]
        } catch {
            return [error.answer]
        }
    }
}
