import ChaosCore
import NodeKit

/// Numbers its pings from 0, over all lives of its node, and answers who wants to know how far it is.
struct SequenceProducer: Behaviour {
    private static let repetition = "repeat"
    private static let interval = Duration.milliseconds(200)
    /// How many pings are repeated at a time.
    private static let window = 64

    let habit: Sequence.Habit
    /// What each ping carried, by its number.
    private var messages: [JSONValue] = []
    /// From which number on each node is known to have heard nothing.
    private var heard: [String: Int] = [:]

    init(habit: Sequence.Habit) { self.habit = habit }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            self.messages = context.records
            if self.habit == .resends {
                context.setTimer(Self.repetition, after: Self.interval)
            }
        case .request(let request): self.serve(request, &context)
        case .timer: self.repeatUnheard(&context)
        case .cast(let body):
            guard let node = body["node"]?.stringValue else { return }
            let expected = Int(clamping: body["expected"]?.intValue ?? 0)
            self.heard[node] = max(self.heard[node] ?? 0, expected)
            guard body["type"]?.stringValue == "hello", self.habit == .jumps else { return }
            let position: JSONObject = [
                "type": "position", "node": .string(context.membership.id),
                "next": .int(Int64(self.messages.count)),
            ]
            context.cast(.name(Sequence.consumer, on: node), position)
        default: break
        }
    }

    private mutating func serve(_ request: Message, _ context: inout ProcessContext) {
        let type = request.type
        switch type {
        case "topology": break
        case "broadcast": self.produce(request["message"] ?? nil, &context)
        default:
            let key = type == "add" ? "delta" : "count"
            guard let count = request[key]?.intValue, (0...100_000).contains(count) else {
                let rule = "'\(type)' has a number of pings up to 100000 in '\(key)'"
                return context.answer(.error(to: request, .malformedRequest, rule))
            }
            for _ in 0..<count { self.produce(nil, &context) }
        }
        context.answer(.reply(to: request, ["type": .string("\(type)_ok")]))
    }

    private mutating func produce(_ message: JSONValue, _ context: inout ProcessContext) {
        self.messages.append(message)
        context.append(message)
        for node in context.membership.members {
            self.send(self.messages.count - 1, to: node, &context)
        }
    }

    private func send(_ index: Int, to node: String, _ context: inout ProcessContext) {
        context.cast(
            .name(Sequence.consumer, on: node),
            [
                "type": "ping", "node": .string(context.membership.id),
                "index": .int(Int64(index)), "message": self.messages[index],
            ])
    }

    private func repeatUnheard(_ context: inout ProcessContext) {
        for node in context.membership.members {
            let first = self.heard[node] ?? 0
            for index in self.messages.indices.dropFirst(first).prefix(Self.window) {
                self.send(index, to: node, &context)
            }
        }
        context.setTimer(Self.repetition, after: context.randomness.jittered(Self.interval))
    }
}
