import ChaosCheckers
import ChaosCore

/// `connections`: one operation in ten connects a node to another one, a share disconnects it, and the others ping or ask
/// who is connected.
///
/// In the end every worker connects its node to the next one, so that all are linked by way of others, waits until
/// it is linked with all, and asks what it noticed.
struct ConnectionSource: OperationSource {
    /// How long the last links may take, and the pause between two looks.
    private static let finalLimit = Duration.seconds(2)
    private static let finalPause = Duration.milliseconds(200)

    private let nodes: [String]
    private let disconnects: Ratio
    private var generator: Generator

    init(nodes: [String], disconnects: Ratio, seed: Seed) {
        self.nodes = nodes
        self.disconnects = disconnects
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        let own = self.nodes[worker % self.nodes.count]
        guard let other = self.generator.pick(self.nodes.filter { $0 != own }) else {
            return (worker, Self.list)
        }
        if self.disconnects.isHit(by: UInt32(truncatingIfNeeded: self.generator.next() >> 32)) {
            return (worker, Self.request("disconnect", other))
        }
        switch self.generator.next(below: 20) {
        case 0..<2: return (worker, Self.request("connect", other))
        case 2..<9: return (worker, Self.list)
        default: return (worker, Self.ping(other))
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        // One of a node's workers is enough.
        guard worker < self.nodes.count else { return nil }
        let next = self.nodes[(worker + 1) % self.nodes.count]
        let others = self.nodes.count - 1
        return { performer in
            try await performer.insist(on: Self.request("connect", next))
            let now = performer.pool.context.now
            let start = now()
            while now() - start < Self.finalLimit {
                let list = try await performer.perform(Self.list)
                if list.kind == .ok, list.value?.arrayValue?.count ?? 0 >= others { break }
                try await Task.sleep(for: Self.finalPause)
            }
            try await performer.insist(on: Self.news)
        }
    }

    private static func request(_ verb: String, _ node: String) -> PlannedOperation {
        PlannedRequest(
            function: verb, argument: .string(node),
            body: ["type": .string(verb), "node": .string(node)], replyType: "\(verb)_ok",
            result: { _ in .string(node) }
        ).operation
    }

    private static func ping(_ node: String) -> PlannedOperation {
        PlannedRequest(
            function: "ping", argument: .string(node),
            body: ["type": "ping", "node": .string(node)], replyType: "ping_ok",
            result: { reply in
                guard let answer = reply["answer"] else { return nil }
                return ["answer": answer, "connection": reply["connection"] ?? .null]
            }
        ).operation
    }

    private static let list = PlannedRequest(
        function: "list", argument: .null, body: ["type": "list"], replyType: "list_ok",
        result: { reply in reply["nodes"]?.arrayValue.map { .array($0) } }
    ).operation

    private static let news = PlannedRequest(
        function: "news", argument: .null, body: ["type": "news"], replyType: "news_ok",
        result: { reply in reply["news"]?.arrayValue.map { .array($0) } }
    ).operation
}
