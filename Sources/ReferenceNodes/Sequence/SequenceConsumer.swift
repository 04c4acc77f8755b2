import ChaosCore
import NodeKit

/// Knows which number comes next of each producer, and what became of all before it.
struct SequenceConsumer: Behaviour {
    /// What is known of one producer.
    private struct Stream {
        var expected: Int64 = 0
        var lost: [ClosedRange<Int64>] = []
        var duplicates: Int64 = 0
        /// Pings that came before those that are expected.
        var early: [Int64: JSONValue] = [:]
    }

    /// How far ahead of what is expected a ping is kept.
    private static let window: Int64 = 256

    let habit: Sequence.Habit
    private var streams: [String: Stream] = [:]
    private var messages: [JSONValue] = []

    init(habit: Sequence.Habit) { self.habit = habit }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            for record in context.records { self.recall(record) }
            for node in context.membership.members { self.greet(node, &context) }
        case .nodeUp(let node): self.greet(node, &context)
        case .cast(let body):
            guard let node = body["node"]?.stringValue else { return }
            if body["type"]?.stringValue == "position", let next = body["next"]?.intValue {
                self.skip(to: next, of: node, &context)
            } else if let index = body["index"]?.intValue {
                self.take(index, body["message"] ?? nil, of: node, &context)
            }
        case .request(let request): self.serve(request, &context)
        default: break
        }
    }

    /// Tells a producer what is expected of it.
    private func greet(_ node: String, _ context: inout ProcessContext) {
        if self.habit == .counts { return }
        self.tell(node, "hello", &context)
    }

    private func tell(_ node: String, _ type: String, _ context: inout ProcessContext) {
        context.cast(
            .name(Sequence.producer, on: node),
            [
                "type": .string(type), "node": .string(context.membership.id),
                "expected": .int(self.streams[node]?.expected ?? 0),
            ])
    }

    private mutating func take(
        _ index: Int64, _ message: JSONValue, of node: String, _ context: inout ProcessContext
    ) {
        let expected = self.streams[node, default: Stream()].expected
        switch self.habit {
        case .counts: self.deliver(expected, message, of: node, &context)
        case .jumps:
            if index < expected {
                self.streams[node]?.duplicates += 1
            } else {
                self.skip(to: index, of: node, &context)
                self.deliver(index, message, of: node, &context)
            }
        case .resends:
            if index < expected {
                self.streams[node]?.duplicates += 1
            } else if index < expected + Self.window {
                self.streams[node, default: Stream()].early[index] = message
            }
            while let stream = self.streams[node],
                let next = self.streams[node]?.early.removeValue(forKey: stream.expected)
            {
                self.deliver(stream.expected, next, of: node, &context)
            }
            self.tell(node, "heard", &context)
        }
    }

    private mutating func deliver(
        _ index: Int64, _ message: JSONValue, of node: String, _ context: inout ProcessContext
    ) {
        self.streams[node, default: Stream()].expected = index + 1
        if message != .null { self.messages.append(message) }
        context.append([.string(node), .int(index), message])
    }

    /// Gives up what comes before a number, and remembers that it did.
    private mutating func skip(
        to next: Int64, of node: String, _ context: inout ProcessContext
    ) {
        let expected = self.streams[node, default: Stream()].expected
        guard next > expected else { return }
        self.streams[node]?.lost.append(expected...(next - 1))
        self.streams[node]?.expected = next
        context.append([.string(node), .int(expected), .int(next), "lost"])
    }

    /// Takes in what an earlier consumer of this node wrote down.
    private mutating func recall(_ record: JSONValue) {
        guard let parts = record.arrayValue, let node = parts.first?.stringValue,
            let index = parts.dropFirst().first?.intValue
        else { return }
        if parts.count == 4, let next = parts[2].intValue {
            self.streams[node, default: Stream()].lost.append(index...(next - 1))
            self.streams[node]?.expected = next
        } else if parts.count == 3 {
            self.streams[node, default: Stream()].expected = index + 1
            if parts[2] != .null { self.messages.append(parts[2]) }
        }
    }

    private func serve(_ request: Message, _ context: inout ProcessContext) {
        if request.type == "expected_value" {
            let node = request["node"]?.stringValue ?? ""
            let value = self.streams[node]?.expected ?? 0
            return context.answer(
                .reply(to: request, ["type": "expected_value_ok", "value": .int(value)]))
        }
        let streams = self.streams.sorted { $0.key < $1.key }
        let lost = streams.flatMap { node, stream in
            stream.lost.map { JSONValue.string("\(node) \($0.lowerBound)..\($0.upperBound)") }
        }
        context.answer(
            .reply(
                to: request,
                [
                    "type": "read_ok", "messages": .array(self.messages),
                    "value": .int(streams.reduce(0) { $0 + $1.value.expected }),
                    "lost": .array(lost),
                    "duplicates": .int(streams.reduce(0) { $0 + $1.value.duplicates }),
                ]))
    }
}
