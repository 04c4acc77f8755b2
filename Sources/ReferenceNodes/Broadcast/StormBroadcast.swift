import ChaosCore
import NodeKit

/// Passes on whatever it hears, known or not. Wherever the topology has a circle a value never
/// comes to rest: a broadcast storm.
///
/// Reads are right all the same; only the count of messages tells. So that the storm does no harm to
/// the machine, a value is passed on at most ``hopLimit`` times.
struct StormBroadcast: Node {
    static let hopLimit: Int64 = 5

    private var state = BroadcastState()

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            return []
        case .message(let message) where message.type == "broadcast":
            let value = message["message"] ?? nil
            _ = self.state.learn(value)
            return self.pass(value, hops: message["hops"]?.intValue ?? 0)
                + [.reply(to: message, ["type": "broadcast_ok"])]
        case .message(let message):
            return self.state.answer(message)
        case .timer:
            return []
        }
    }

    private func pass(_ value: JSONValue, hops: Int64) -> [Effect] {
        if hops >= Self.hopLimit { return [] }
        return self.state.neighbours.map { neighbour in
            let body: JSONObject = [
                "type": "broadcast", "message": value, "hops": .int(hops + 1),
            ]
            return .send(to: neighbour, body)
        }
    }
}
