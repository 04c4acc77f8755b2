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
///
/// With a limit of attempts it gives up on a neighbour that did not answer so often in a row, and
/// whatever was meant for that one is lost.
struct RetryBroadcast: Node {
    private static let interval = Duration.milliseconds(200)

    private let attempts: Int?
    /// How often each neighbour was told without an acknowledgement since.
    private var unanswered: [String: Int] = [:]
    private var state = BroadcastState()
    /// What each neighbour has not acknowledged yet.
    private var outboxes: OrderedDictionary<String, OrderedSet<JSONValue>> = [:]

    /// - Parameter attempts: How often it repeats before it gives up; `nil` for ever.
    init(attempts: Int? = nil) { self.attempts = attempts }

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
            self.unanswered[message.source] = 0
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

    private mutating func retry() -> [Effect] {
        for neighbour in self.outboxes.keys where self.outboxes[neighbour]?.isEmpty == false {
            self.unanswered[neighbour, default: 0] += 1
            if let attempts, self.unanswered[neighbour, default: 0] > attempts {
                self.outboxes[neighbour] = []
                self.unanswered[neighbour] = 0
            }
        }
        return self.repeats()
    }

    private func repeats() -> [Effect] {
        self.outboxes.filter { !$0.value.isEmpty }.map { neighbour, values in
            .send(to: neighbour, ["type": "forward", "messages": .array(Array(values))])
        }
    }
}
