import ChaosCheckers
import ChaosCore

/// Writes histories as short scripts; every event takes one millisecond.
struct HistoryScript {
    private(set) var history = History()

    private mutating func event(
        _ process: Int, _ kind: Operation.Kind, _ function: String, _ value: JSONValue,
        _ node: String?, isFinal: Bool = false
    ) {
        let index = self.history.operations.count
        self.history.append(
            Operation(
                index: index, process: process, kind: kind, function: function, value: value,
                time: Instant(nanoseconds: Int64(index) * 1_000_000), node: node, isFinal: isFinal))
    }

    /// An add on a node, from invocation to outcome; without outcome it stays open.
    mutating func add(_ value: Int64, on node: String = "n1", _ outcome: Operation.Kind? = .ok) {
        let process = self.history.operations.count
        self.event(process, .invoke, "broadcast", .int(value), node)
        if let outcome { self.event(process, outcome, "broadcast", .int(value), node) }
    }

    /// A read on a node that shows these values.
    mutating func read(_ values: [Int64], on node: String = "n1", isFinal: Bool = false) {
        let process = self.history.operations.count
        self.event(process, .invoke, "read", .null, node, isFinal: isFinal)
        self.event(
            process, .ok, "read", .array(values.map { .int($0) }), node, isFinal: isFinal)
    }

    /// A read that ended otherwise.
    mutating func failedRead(
        on node: String = "n1", _ outcome: Operation.Kind = .info, isFinal: Bool = true
    ) {
        let process = self.history.operations.count
        self.event(process, .invoke, "read", .null, node, isFinal: isFinal)
        self.event(process, outcome, "read", .null, node, isFinal: isFinal)
    }

    /// An operation of another kind.
    mutating func operation(
        _ function: String, _ value: JSONValue, _ outcome: Operation.Kind, _ result: JSONValue
    ) {
        let process = self.history.operations.count
        self.event(process, .invoke, function, value, "n1")
        self.event(process, outcome, function, result, "n1")
    }

    /// A history in which five values reach three nodes, with reads on the way.
    static var faultless: HistoryScript {
        var script = HistoryScript()
        for value in 0..<Int64(5) {
            script.add(value, on: "n\(value % 3 + 1)")
            script.read(Array(0...value), on: "n\(value % 3 + 1)")
        }
        for node in ["n1", "n2", "n3"] { script.read([4, 3, 2, 1, 0], on: node, isFinal: true) }
        return script
    }

    /// The history with the values of its reads changed; `read` counts the ok reads from 0.
    func changingReads(_ change: (_ read: Int, _ values: [JSONValue]) -> [JSONValue]) -> History {
        var changed = History()
        var read = 0
        for var operation in self.history.operations {
            if operation.kind == .ok, let values = operation.value.arrayValue {
                operation.value = .array(change(read, values))
                read += 1
            }
            changed.append(operation)
        }
        return changed
    }
}
