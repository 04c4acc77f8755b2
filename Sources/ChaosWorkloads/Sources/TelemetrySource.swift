import ChaosCheckers
import ChaosCore

/// `telemetry`: clients of the first node ask for its report, those of all others let stations measure: 15 to 35 degrees, 30 to 70 % (the
/// numbers of the course). In the end the report is asked for once more.
struct TelemetrySource: OperationSource {
    private let nodeCount: Int
    private var generator: Generator
    private var count = 0

    init(nodeCount: Int, seed: Seed) {
        self.nodeCount = nodeCount
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        return (worker, worker % self.nodeCount == 0 ? Self.report : self.measure())
    }

    private mutating func measure() -> PlannedOperation {
        self.count += 1
        let argument: JSONObject = [
            "id": .string("m\(self.count)"),
            "temperature": .int(Int64(15 + self.generator.next(below: 21))),
            "humidity": .int(Int64(30 + self.generator.next(below: 41))),
        ]
        var body = argument
        body["type"] = "measure"
        return PlannedRequest(
            function: "measure", argument: .object(argument), body: body,
            replyType: "measure_ok", result: { _ in .object(argument) }
        ).operation
    }

    private static let report = PlannedRequest(
        function: "report", argument: .null, body: ["type": "report"], replyType: "report_ok",
        result: { $0["report"] }
    ).operation

    mutating func finalScript(of worker: Int) -> FinalScript? {
        if worker > 0 { return nil }
        return { performer in try await performer.insist(on: Self.report) }
    }
}
