import ChaosCheckers
import ChaosCore

/// `pubsub`: a few members join a group on every node, and messages 0, 1, 2, … are published to it from all of them.
///
/// In the end every worker publishes once more, and then asks its members what they got, and its node what that published by itself.
struct PublicationSource: OperationSource {
    /// How many members a worker has at most.
    private static let memberMax = 3
    /// How long the last messages may be under way.
    private static let settling = Duration.milliseconds(1600)

    private let nodes: [String]
    private var generator: Generator
    private var messages: Int64 = 0
    private var joins: [Int: Int] = [:]
    private var members: [Int: [JSONValue]] = [:]

    init(nodes: [String], seed: Seed) {
        self.nodes = nodes
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        let count = self.joins[worker, default: 0]
        if count < Self.memberMax, self.generator.next(below: 8) == 0 {
            self.joins[worker] = count + 1
            return (worker, Self.join(.string("m\(worker).\(count + 1)")))
        }
        return (worker, self.publish())
    }

    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if operation.function == "add", end.kind == .ok {
            self.members[worker, default: []].append(operation.argument)
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        let last = self.publish()
        var reads = (self.members[worker] ?? []).map(Self.inbox)
        if worker < self.nodes.count {
            reads += [Self.inbox(of: ["lobby", .string(self.nodes[worker])]), Self.greetings]
        }
        return { [reads] performer in
            try await performer.perform(last)
            try await Task.sleep(for: Self.settling)
            for read in reads { try await performer.insist(on: read) }
        }
    }

    private mutating func publish() -> PlannedOperation {
        defer { self.messages += 1 }
        let message = JSONValue.int(self.messages)
        return PlannedRequest(
            function: "publish", argument: message,
            body: ["type": "publish", "message": message], replyType: "publish_ok",
            result: { _ in message }
        ).operation
    }

    private static func join(_ member: JSONValue) -> PlannedOperation {
        PlannedRequest(
            function: "add", argument: member, body: ["type": "add", "element": member],
            replyType: "add_ok", result: { _ in member }
        ).operation
    }

    private static func inbox(of member: JSONValue) -> PlannedOperation {
        PlannedRequest(
            function: "inbox", argument: member, body: ["type": "inbox", "element": member],
            replyType: "inbox_ok",
            result: { reply in
                guard let messages = reply["value"], let age = reply["age_us"] else { return nil }
                return ["value": messages, "age_us": age]
            }
        ).operation
    }

    private static let greetings = PlannedRequest(
        function: "greetings", argument: .null, body: ["type": "greetings"],
        replyType: "greetings_ok",
        result: { reply in reply["value"]?.arrayValue.map { .array($0) } }
    ).operation
}
