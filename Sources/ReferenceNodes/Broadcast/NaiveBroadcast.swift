import ChaosCore
import NodeKit

/// Tells each neighbour once, except the one it heard the value from.
///
/// Right as long as no message gets lost. One that is lost is never sent again: everything behind
/// that link misses the value for ever.
struct NaiveBroadcast: Node {
    private var state = BroadcastState()

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            return []
        case .message(let message) where message.type == "broadcast":
            return self.learn(message)
        case .message(let message):
            return self.state.answer(message)
        case .timer:
            return []
        }
    }

    /// Neighbours are told by the same `broadcast`, but without `msg_id`: nobody awaits an answer.
    private mutating func learn(_ message: Message) -> [Effect] {
        let value = message["message"] ?? nil
        var effects: [Effect] = []
        if self.state.learn(value) {
            for neighbour in self.state.neighbours where neighbour != message.source {
                effects.append(.send(to: neighbour, ["type": "broadcast", "message": value]))
            }
        }
        return effects + [.reply(to: message, ["type": "broadcast_ok"])]
    }
}
