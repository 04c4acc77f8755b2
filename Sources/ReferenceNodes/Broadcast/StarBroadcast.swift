import ChaosCore
import NodeKit

/// Everybody tells the first node, and the first node tells everybody: two hops and the fewest
/// messages, as long as the first node lives and is reached. Nothing is ever sent again.
struct StarBroadcast: Node {
    private var state = BroadcastState()
    private var hub = ""
    private var others: [String] = []

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            self.hub = membership.members.first ?? membership.id
            self.others = membership.id == self.hub ? membership.others : [self.hub]
            return []
        case .message(let message) where message.type == "broadcast":
            let value = message["message"] ?? nil
            var effects: [Effect] = []
            if self.state.learn(value) {
                for other in self.others where other != message.source {
                    effects.append(.send(to: other, ["type": "broadcast", "message": value]))
                }
            }
            return effects + [.reply(to: message, ["type": "broadcast_ok"])]
        case .message(let message):
            return self.state.answer(message)
        case .timer:
            return []
        }
    }
}
