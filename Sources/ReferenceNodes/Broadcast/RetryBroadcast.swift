import ChaosCore
import NodeKit
import OrderedCollections

/// Keeps an outbox for each neighbour and repeats what is in it until the neighbour says it has it.
///
///     forward{messages}  -> forwarded{messages}
///
/// Loss and duplication do no harm: a value is repeated until it is acknowledged, and learning it
/// twice changes nothing. But an acknowledgement is believed for ever: a neighbour that forgets, as
/// after a restart, is not told again.
struct RetryBroadcast: Node {
    private static let interval = Duration.milliseconds(200)

    private var state = BroadcastState()
    /// What each neighbour has not acknowledged yet.
    private var outboxes: OrderedDictionary<String, OrderedSet<JSONValue>> = [:]

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            return [.setTimer("retry", after: Self.interval)]
        case .timer:
            return self.retry() + [.setTimer("retry", after: Self.interval)]
        case .message(let message):
            return self.handle(message)
        }
    }

    private mutating func handle(_ message: Message) -> [Effect] {
        switch message.type {
        case "broadcast":
            return self.learn([message["message"] ?? nil], from: message.source)
                + [.reply(to: message, ["type": "broadcast_ok"])]
        case "forward":
            let values = message["messages"]?.arrayValue ?? []
            return self.learn(values, from: message.source)
                + [.send(to: message.source, ["type": "forwarded", "messages": .array(values)])]
        case "forwarded":
            for value in message["messages"]?.arrayValue ?? [] {
                self.outboxes[message.source]?.remove(value)
            }
            return []
        default:
            return self.state.answer(message)
        }
    }

    /// Passes new values on to all neighbours but the one they came from.
    private mutating func learn(_ values: [JSONValue], from source: String) -> [Effect] {
        let news = values.filter { self.state.learn($0) }
        if news.isEmpty { return [] }
        return self.state.neighbours.filter { $0 != source }.map { neighbour in
            self.outboxes[neighbour, default: []].append(contentsOf: news)
            return .send(to: neighbour, ["type": "forward", "messages": .array(news)])
        }
    }

    private func retry() -> [Effect] {
        self.outboxes.filter { !$0.value.isEmpty }.map { neighbour, values in
            .send(to: neighbour, ["type": "forward", "messages": .array(Array(values))])
        }
    }
}
