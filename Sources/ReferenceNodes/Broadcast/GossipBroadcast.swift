import ChaosCore
import NodeKit

/// Tells neighbours once, as the naive variant does, and repairs what that misses by comparing notes
/// (``Replica``): a neighbour that lost messages, or its whole memory, differs and is told.
///
/// What a client is promised stands in the log first. What others were promised, they can tell again.
struct GossipBroadcast: Node {
    private var replica = Replica<GrowingSet>()
    private var id = ""

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.id = membership.id
            return self.replica.start(membership)
        case .timer:
            return self.replica.compare()
        case .message(let message):
            return self.handle(message)
        }
    }

    private mutating func handle(_ message: Message) -> [Effect] {
        switch message.type {
        case "broadcast":
            let value = message["message"] ?? nil
            let isNew = !self.replica.state.elements.contains(value)
            return (isNew ? [.append(value)] : [])
                + self.replica.learn([value], from: message.source)
                + [.reply(to: message, ["type": "broadcast_ok"])]
        case "read":
            return [.broadcastReadOk(to: message, self.replica.state.elements)]
        case "topology":
            if let names = BroadcastTopology.neighbours(of: self.id, in: message) {
                self.replica.neighbours = names
            }
            return [.reply(to: message, ["type": "topology_ok"])]
        case let type where Replica<GrowingSet>.messageTypes.contains(type):
            return self.replica.receive(message)
        default:
            return [.unsupported(message)]
        }
    }
}
