import ChaosCheckers
import ChaosCore

/// Maelstrom's `lin-kv`: registers 0, 1, 2, …, each driven by a group of twice as many workers as
/// there are nodes. Half of a group reads; the other half writes once for two compare-and-sets of
/// values 0 to 4. A group whose key has seen twenty processes goes on to a new key.
struct RegisterSource: OperationSource {
    /// How many processes a key sees.
    static let processesMax = 20
    private static let values = 5

    private struct Group {
        var key: Int64
        var processes: Int
    }

    private let groupSize: Int
    private var groups: [Group]
    private var nextKey: Int64
    private var generator: Generator

    /// - Parameter nodes: How many nodes there are; groups are of twice as many workers.
    init(nodes: Int, workers: Int, seed: Seed) {
        self.groupSize = 2 * nodes
        let count = max(1, workers / self.groupSize)
        let size = min(self.groupSize, workers)
        self.groups = (0..<count).map { Group(key: Int64($0), processes: size) }
        self.nextKey = Int64(count)
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        let group = min(worker / self.groupSize, self.groups.count - 1)
        let key: JSONValue = .int(self.groups[group].key)
        let isReader = worker % self.groupSize < self.groupSize / 2
        return (worker, isReader ? Self.read(key) : self.change(key))
    }

    /// A crashed reader leaves nothing behind that the checker would have to keep in mind.
    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if end.kind != .info || operation.function == "read" { return }
        let group = min(worker / self.groupSize, self.groups.count - 1)
        self.groups[group].processes += 1
        if self.groups[group].processes <= Self.processesMax { return }
        self.groups[group] = Group(key: self.nextKey, processes: self.groupSize)
        self.nextKey += 1
    }

    private mutating func value() -> JSONValue {
        .int(Int64(self.generator.next(below: Self.values)))
    }

    private mutating func change(_ key: JSONValue) -> PlannedOperation {
        if self.generator.next(below: 3) == 0 {
            let value = self.value()
            return PlannedRequest(
                function: "write", argument: [key, value],
                body: ["type": "write", "key": key, "value": value], replyType: "write_ok",
                result: { _ in [key, value] }
            ).operation
        }
        let (from, to) = (self.value(), self.value())
        return PlannedRequest(
            function: "cas", argument: [key, [from, to]],
            body: ["type": "cas", "key": key, "from": from, "to": to], replyType: "cas_ok",
            result: { _ in [key, [from, to]] }
        ).operation
    }

    private static func read(_ key: JSONValue) -> PlannedOperation {
        PlannedRequest(
            function: "read", argument: [key, nil], body: ["type": "read", "key": key],
            replyType: "read_ok", result: { reply in reply["value"].map { [key, $0] } }
        ).operation
    }
}
