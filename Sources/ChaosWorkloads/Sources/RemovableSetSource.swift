import ChaosCheckers
import ChaosCore

/// `or-set`: elements 0, 1, 2, … that are added once, some of which the same client removes again, at the same
/// node, after it has seen that they are there. A third of the operations reads.
struct RemovableSetSource: OperationSource {
    private var generator: Generator
    private var next: Int64 = 0
    /// What each worker has added and not removed yet.
    private var added: [Int: [JSONValue]] = [:]

    init(seed: Seed) { self.generator = seed.derived("operations").generator }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        switch self.generator.next(below: 3) {
        case 0: return (worker, Self.read)
        case 1:
            if let element = self.added[worker]?.first {
                self.added[worker]?.removeFirst()
                return (worker, Self.change("remove", element))
            }
        default: break
        }
        defer { self.next += 1 }
        return (worker, Self.change("add", .int(self.next)))
    }

    /// Only what was added for certain is removed: then the remover has seen it.
    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if operation.function == "add", end.kind == .ok {
            self.added[worker, default: []].append(operation.argument)
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        { performer in try await performer.insist(on: Self.read) }
    }

    private static func change(_ verb: String, _ element: JSONValue) -> PlannedOperation {
        PlannedRequest(
            function: verb, argument: element,
            body: ["type": .string(verb), "element": element], replyType: "\(verb)_ok",
            result: { _ in element }
        ).operation
    }

    private static let read = PlannedRequest(
        function: "read", argument: .null, body: ["type": "read"], replyType: "read_ok",
        result: { reply in reply["value"]?.arrayValue.map { .array($0) } }
    ).operation
}
