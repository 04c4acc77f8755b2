import ChaosCore
import NodeKit

/// Maelstrom's stores as nodes of the simulation, after the facts in Maelstrom's documentation.
struct SimulatedStore: Node {
    static let all: [(name: String, makeNode: @Sendable () -> SimulatedStore)] = [
        ("lin-kv", { SimulatedStore(pastCount: 0) }), ("seq-kv", { SimulatedStore(pastCount: 32) }),
    ]

    /// How many past states a client may still be shown.
    private let pastCount: Int
    private var states: [[JSONValue: JSONValue]] = [[:]]
    /// The number of the newest state.
    private var newest = 0
    /// The newest state that each client has seen.
    private var seen: [String: Int] = [:]
    private var randomness = Randomness(seed: 0, label: "")

    init(pastCount: Int) { self.pastCount = pastCount }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.randomness = membership.randomness
            return []
        case .timer: return []
        case .message(let message):
            // Any state from the last one the client saw to the newest; changes are made to the newest.
            let oldest = max(self.seen[message.source] ?? 0, self.newest - self.pastCount)
            var number = oldest + self.randomness.next(below: self.newest - oldest + 1)
            var (state, answer) = Self.apply(message, to: self.state(number))
            if state != self.state(number) {
                (state, answer) = Self.apply(message, to: self.state(self.newest))
                self.states.append(state)
                self.newest += 1
                if self.states.count > self.pastCount + 1 { self.states.removeFirst() }
                number = self.newest
            }
            self.seen[message.source] = number
            return [.reply(to: message, answer)]
        }
    }

    private func state(_ number: Int) -> [JSONValue: JSONValue] {
        self.states[self.states.count - 1 - (self.newest - number)]
    }

    private static func apply(
        _ message: Message, to state: [JSONValue: JSONValue]
    ) -> ([JSONValue: JSONValue], JSONObject) {
        var state = state
        let key = message["key"] ?? nil
        func error(_ code: ErrorCode) -> JSONObject {
            ["type": "error", "code": .int(code.rawValue), "text": "no"]
        }
        switch message.type {
        case "read":
            guard let value = state[key] else { return (state, error(.keyDoesNotExist)) }
            return (state, ["type": "read_ok", "value": value])
        case "write":
            state[key] = message["value"]
            return (state, ["type": "write_ok"])
        default:
            guard let value = state[key] else {
                guard message["create_if_not_exists"] == true else {
                    return (state, error(.keyDoesNotExist))
                }
                state[key] = message["to"]
                return (state, ["type": "cas_ok"])
            }
            guard value == message["from"] else { return (state, error(.preconditionFailed)) }
            state[key] = message["to"]
            return (state, ["type": "cas_ok"])
        }
    }
}
