import ChaosCore
import NodeKit

/// A counter that tells the others once, in messages that do not bear being lost, doubled or crossed.
struct MessageCounterNode: Node {
    /// What the others are told.
    enum Kind: Sendable {
        /// Each addition: `increment{delta}`.
        case operations
        /// The total: `total{value}`, which they take for theirs.
        case totals
        /// Nothing.
        case nothing
    }

    private let kind: Kind
    private let isGrowOnly: Bool
    private var others: [String] = []
    private var count: Int64 = 0

    init(_ kind: Kind, isGrowOnly: Bool) {
        self.kind = kind
        self.isGrowOnly = isGrowOnly
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.others = membership.others
            return []
        case .timer:
            return []
        case .message(let message) where message.type == "increment":
            self.count += message["delta"]?.intValue ?? 0
            return []
        case .message(let message) where message.type == "total":
            self.count = message["value"]?.intValue ?? self.count
            return []
        case .message(let message):
            do {
                switch try CounterRequest(message, isGrowOnly: self.isGrowOnly) {
                case .add(let delta):
                    self.count += delta
                    return self.news(of: delta) + [.addOk(to: message)]
                case .read: return [.readOk(to: message, self.count)]
                }
            } catch {
                return [error.answer]
            }
        }
    }

    private func news(of delta: Int64) -> [Effect] {
        let body: JSONObject
        switch self.kind {
        case .operations: body = ["type": "increment", "delta": .int(delta)]
        case .totals: body = ["type": "total", "value": .int(self.count)]
        case .nothing: return []
        }
        return self.others.map { .send(to: $0, body) }
    }
}
