import ChaosCheckers
import ChaosCore

/// `processes`: processes are started on all nodes, some for a while only, watched from other nodes, and ended; now and then
/// somebody asks a node whether the service runs there.
///
/// In the end every worker asks its node what the monitors were told, and for the service.
struct ProcessSource: OperationSource {
    /// Of so many processes that were started last any may be watched or ended.
    private static let recentCount = 12

    private let nodes: [String]
    private var generator: Generator
    private var processes: [JSONValue] = []

    init(nodes: [String], seed: Seed) {
        self.nodes = nodes
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        let recent = Array(self.processes.suffix(Self.recentCount))
        guard let process = self.generator.pick(recent) else { return (worker, self.spawn()) }
        switch self.generator.next(below: 10) {
        case 0..<2: return (worker, self.spawn())
        case 2..<6: return (worker, Self.monitor(process))
        case 6..<8: return (worker, self.exit(process))
        default: return (worker, Self.service)
        }
    }

    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if operation.function == "spawn", end.kind == .ok, let process = end.value {
            self.processes.append(process)
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        guard worker < self.nodes.count else { return nil }
        return { performer in
            try await performer.insist(on: Self.service)
            try await performer.insist(on: Self.downs)
        }
    }

    private mutating func spawn() -> PlannedOperation {
        let node = self.generator.pick(self.nodes) ?? ""
        var argument: JSONObject = ["node": .string(node)]
        // Every third one ends by itself, some at once.
        if self.generator.next(below: 3) == 0 {
            argument["lives"] = .int(Int64(self.generator.next(below: 400)))
            argument["ends"] = self.generator.next(below: 2) == 0 ? "normal" : "crash: a bug"
        }
        var body = argument
        body["type"] = "spawn"
        return PlannedRequest(
            function: "spawn", argument: .object(argument), body: body, replyType: "spawn_ok",
            result: { $0["pid"] }
        ).operation
    }

    private mutating func exit(_ process: JSONValue) -> PlannedOperation {
        let reason = self.generator.pick(["killed", "normal", "crash: asked to"]) ?? "killed"
        return PlannedRequest(
            function: "exit", argument: ["pid": process, "reason": .string(reason)],
            body: ["type": "exit", "pid": process, "reason": .string(reason)],
            replyType: "exit_ok", result: { _ in process }
        ).operation
    }

    private static func monitor(_ process: JSONValue) -> PlannedOperation {
        PlannedRequest(
            function: "monitor", argument: process,
            body: ["type": "monitor", "pid": process], replyType: "monitor_ok",
            result: { $0["ref"] }
        ).operation
    }

    private static let service = PlannedRequest(
        function: "service", argument: .null, body: ["type": "service"],
        replyType: "service_ok", result: { $0["epoch"] }
    ).operation

    private static let downs = PlannedRequest(
        function: "downs", argument: .null, body: ["type": "downs"], replyType: "downs_ok",
        result: { reply in
            guard let downs = reply["downs"], let life = reply["life"] else { return nil }
            return ["downs": downs, "life": life]
        }
    ).operation
}
