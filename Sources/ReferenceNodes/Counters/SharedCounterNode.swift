import ChaosCore
import NodeKit

/// A counter in one key of `seq-kv` that all nodes change, each in its own wrong way.
struct SharedCounterNode: CallingNode {
    /// What is wrong.
    enum Flaw: Sendable {
        /// Reads the count and writes the new one: of two nodes at once, one is written over.
        case overwrites
        /// Compares and sets, and does it all again where no answer came, though it may have worked.
        case addsAgain
    }

    private let flaw: Flaw
    private let isGrowOnly: Bool
    private let store = KeyValueStore(service: "seq-kv", deadline: .milliseconds(500))
    private let key: JSONValue = "count"
    private var membership = Membership(id: "", members: [], seed: 0)
    private var marks: Int64 = 0
    var calls = Calls<SharedCounterNode>()

    init(_ flaw: Flaw, isGrowOnly: Bool) {
        self.flaw = flaw
        self.isGrowOnly = isGrowOnly
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return []
        case .timer:
            return []
        case .message(let message):
            do {
                switch try CounterRequest(message, isGrowOnly: self.isGrowOnly) {
                case .add(let delta): return self.add(delta, for: message)
                case .read:
                    return self.newest { _, reading in
                        switch reading {
                        case .value(let count): return [.readOk(to: message, count.intValue ?? 0)]
                        case .missing: return [.readOk(to: message, 0)]
                        case .unknown:
                            let text = "seq-kv does not answer"
                            return [.error(to: message, .temporarilyUnavailable, text)]
                        }
                    }
                }
            } catch {
                return [error.answer]
            }
        }
    }

    /// Reads the newest count, after a write that makes the store show it.
    private mutating func newest(
        then: @escaping @Sendable (inout Self, KeyValueStore.Reading) -> [Effect]
    ) -> [Effect] {
        self.marks += 1
        let mark: JSONValue = [.int(Int64(self.membership.life.incarnation)), .int(self.marks)]
        let markKey: JSONValue = .string("mark \(self.membership.id)")
        return self.write(markKey, mark, to: self.store) { node, outcome, _ in
            if outcome != .done { return then(&node, .unknown) }
            return node.read(node.key, from: node.store) { node, reading, _ in
                then(&node, reading)
            }
        }
    }

    private mutating func add(_ delta: Int64, for request: Message) -> [Effect] {
        if delta == 0 { return [.addOk(to: request)] }
        return self.newest { node, reading in
            let from: JSONValue?
            switch reading {
            case .value(let count): from = count
            case .missing: from = nil
            // Nothing was added yet, so this may be asked again.
            case .unknown: return node.add(delta, for: request)
            }
            let to = JSONValue.int((from?.intValue ?? 0) + delta)
            let (key, store) = (node.key, node.store)
            if node.flaw == .overwrites {
                return node.write(key, to, to: store) { _, outcome, _ in
                    outcome == .done ? [.addOk(to: request)] : []
                }
            }
            return node.compareAndSet(key, from: from, to: to, in: store) { node, outcome, _ in
                outcome == .done ? [.addOk(to: request)] : node.add(delta, for: request)
            }
        }
    }
}
