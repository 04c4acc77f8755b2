import ChaosCore
import NodeKit

/// The naive variant with one more mistake in what a single node does.
struct CarelessBroadcast: Node {
    /// What is wrong.
    enum Flaw: Sendable {
        /// Values are kept in a list: what arrives twice is there twice.
        case keepsDuplicates
        /// A value is acknowledged at once, and kept a while later: a crash between loses it.
        case acknowledgesFirst
        /// Neighbours are told even where the value came from one: right, and costs more.
        case echoesBack
    }

    /// How long a value that was acknowledged waits to be kept.
    static let writeDelay = Duration.milliseconds(500)

    private let flaw: Flaw
    private var state = BroadcastState()
    private var duplicates: [JSONValue] = []
    private var unwritten: [JSONValue] = []

    init(_ flaw: Flaw) { self.flaw = flaw }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.state.start(membership)
            for value in membership.life.records { _ = self.state.learn(value) }
            return []
        case .timer:
            defer { self.unwritten = [] }
            return self.unwritten.flatMap { self.keep($0, from: "") }
        case .message(let message) where message.type == "broadcast":
            return self.take(message)
        case .message(let message) where message.type == "read":
            let values = Array(self.state.values) + self.duplicates
            return [.reply(to: message, ["type": "read_ok", "messages": .array(values)])]
        case .message(let message):
            return self.state.answer(message)
        }
    }

    private mutating func take(_ message: Message) -> [Effect] {
        let value = message["message"] ?? nil
        let answer = Effect.reply(to: message, ["type": "broadcast_ok"])
        if self.flaw == .acknowledgesFirst {
            self.unwritten.append(value)
            return [answer, .setTimer("write", after: Self.writeDelay)]
        }
        return self.keep(value, from: message.source) + [answer]
    }

    private mutating func keep(_ value: JSONValue, from source: String) -> [Effect] {
        guard self.state.learn(value) else {
            if self.flaw == .keepsDuplicates { self.duplicates.append(value) }
            return []
        }
        let spared = self.flaw == .echoesBack ? "" : source
        return [.append(value)]
            + self.state.neighbours.filter { $0 != spared }.map { neighbour in
                .send(to: neighbour, ["type": "broadcast", "message": value])
            }
    }
}
