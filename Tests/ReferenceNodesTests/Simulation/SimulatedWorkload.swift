import ChaosCore
import NodeKit

/// An operation of a client, as the history and as the node see it.
struct SimulatedOperation {
    let function: String
    let value: JSONValue
    let body: JSONObject

    init(_ function: String, _ value: JSONValue = .null, _ body: JSONObject) {
        self.function = function
        self.value = value
        self.body = body
    }

    /// `read` of a set, a counter or a broadcast.
    static var read: SimulatedOperation { SimulatedOperation("read", .null, ["type": "read"]) }
}

/// What clients do, after Maelstrom's workload of that name.
protocol SimulatedWorkload {
    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation?

    /// What a client does after everything else.
    func last(process: Int) -> SimulatedOperation

    /// The value of an operation that ended well.
    mutating func result(
        of operation: SimulatedOperation, process: Int, _ reply: Message
    ) -> JSONValue
}

extension SimulatedWorkload {
    func last(process: Int) -> SimulatedOperation { .read }
}

/// "Please echo 0", "Please echo 1", …
struct EchoWorkload: SimulatedWorkload {
    private var count = 0

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        defer { self.count += 1 }
        return Self.operation(self.count)
    }

    func last(process: Int) -> SimulatedOperation { Self.operation(-1) }

    private static func operation(_ number: Int) -> SimulatedOperation {
        let text = JSONValue.string("Please echo \(number)")
        return SimulatedOperation("echo", text, ["type": "echo", "echo": text])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        reply["echo"] ?? .null
    }
}

struct UniqueIdsWorkload: SimulatedWorkload {
    func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        SimulatedOperation("generate", .null, ["type": "generate"])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        reply["id"] ?? .null
    }
}

/// Broadcast and g-set: half of the operations add 0, 1, 2, …, half read.
struct SetWorkload: SimulatedWorkload {
    enum Kind { case broadcast, add }

    let kind: Kind
    private var next: Int64 = 0

    init(_ kind: Kind) { self.kind = kind }

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        if randomness.next(below: 2) == 0 { return .read }
        defer { self.next += 1 }
        let value = JSONValue.int(self.next)
        return self.kind == .broadcast
            ? SimulatedOperation("broadcast", value, ["type": "broadcast", "message": value])
            : SimulatedOperation("add", value, ["type": "add", "element": value])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        if operation.function != "read" { return operation.value }
        return reply[self.kind == .broadcast ? "messages" : "value"] ?? .null
    }
}

struct CounterWorkload: SimulatedWorkload {
    let isGrowOnly: Bool

    func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        if randomness.next(below: 2) == 0 { return .read }
        let delta = Int64(randomness.next(below: 10)) - 5
        let value = JSONValue.int(self.isGrowOnly ? max(0, delta) : delta)
        return SimulatedOperation("add", value, ["type": "add", "delta": value])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        operation.function == "read" ? reply["value"] ?? .null : operation.value
    }
}

/// Reads, writes and compare-and-sets of few values on independent keys.
struct RegisterWorkload: SimulatedWorkload {
    let keyCount: Int

    func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        let key = JSONValue.int(Int64(randomness.next(below: self.keyCount)))
        let value = JSONValue.int(Int64(randomness.next(below: 5)))
        switch randomness.next(below: 4) {
        case 0, 1: return SimulatedOperation("read", [key, .null], ["type": "read", "key": key])
        case 2:
            let body: JSONObject = ["type": "write", "key": key, "value": value]
            return SimulatedOperation("write", [key, value], body)
        default:
            let to = JSONValue.int(Int64(randomness.next(below: 5)))
            let body: JSONObject = ["type": "cas", "key": key, "from": value, "to": to]
            return SimulatedOperation("cas", [key, [value, to]], body)
        }
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        guard operation.function == "read" else { return operation.value }
        return [operation.value.arrayValue?.first ?? .null, reply["value"] ?? .null]
    }
}

/// Transactions of one to four steps on a few keys, every value written once.
struct TransactionWorkload: SimulatedWorkload {
    /// `append` or `w`.
    let write: String
    let keyCount: Int
    let stepsMax: Int
    private var last: Int64 = 0

    init(write: String, keyCount: Int = 4, stepsMax: Int = 4) {
        self.write = write
        self.keyCount = keyCount
        self.stepsMax = stepsMax
    }

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        var steps: [JSONValue] = []
        for _ in 0...randomness.next(below: self.stepsMax) {
            let key = JSONValue.int(Int64(randomness.next(below: self.keyCount)))
            if randomness.next(below: 2) == 0 {
                steps.append(["r", key, .null])
            } else {
                self.last += 1
                steps.append([.string(self.write), key, .int(self.last)])
            }
        }
        return SimulatedOperation("txn", .array(steps), ["type": "txn", "txn": .array(steps)])
    }

    func result(of operation: SimulatedOperation, process: Int, _ reply: Message) -> JSONValue {
        reply["txn"] ?? .null
    }
}

/// Sends to a few logs and polls all of them, from where each process has come to.
struct LogWorkload: SimulatedWorkload {
    private let keys: [String]
    private var last: Int64 = 0
    private var offsets: [Int: [String: Int64]] = [:]

    init(keyCount: Int) { self.keys = (0..<keyCount).map { "k\($0)" } }

    mutating func next(process: Int, _ randomness: inout Randomness) -> SimulatedOperation? {
        switch randomness.next(below: 8) {
        case 0..<4:
            self.last += 1
            let key = self.keys[randomness.next(below: self.keys.count)]
            return SimulatedOperation(
                "send", [["send", .string(key), .int(self.last)]],
                ["type": "send", "key": .string(key), "msg": .int(self.last)])
        default: return self.last(process: process)
        }
    }

    /// A poll of all logs.
    func last(process: Int) -> SimulatedOperation {
        let offsets = self.keys.map { key in
            (key: key, value: JSONValue.int(self.offsets[process]?[key] ?? 0))
        }
        return SimulatedOperation(
            "poll", [["poll"]], ["type": "poll", "offsets": .object(JSONObject(offsets))])
    }

    mutating func result(
        of operation: SimulatedOperation, process: Int, _ reply: Message
    ) -> JSONValue {
        if operation.function == "send" {
            guard let step = operation.value.arrayValue?.first?.arrayValue else { return .null }
            return [["send", step[1], [reply["offset"] ?? .null, step[2]]]]
        }
        for member in reply["msgs"]?.objectValue?.members ?? [] {
            guard let offset = member.value.arrayValue?.last?.arrayValue?.first?.intValue else {
                continue
            }
            self.offsets[process, default: [:]][member.key] = offset + 1
        }
        return [["poll", reply["msgs"] ?? .null]]
    }
}
