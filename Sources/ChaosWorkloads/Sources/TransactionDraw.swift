import ChaosCore

/// Draws transactions as Elle does: a few keys are in use at a time, of which the later ones are
/// drawn twice as often as the one before; every value is written to its key once; a key that has
/// got as many as it may gives way to a new one.
struct TransactionDraw: Sendable {
    /// What a transaction looks like.
    struct Shape: Hashable, Sendable {
        /// How many keys are in use at a time.
        var keyCount = 10
        /// How many steps a transaction has at most.
        var lengthMax = 4
        /// How many values a key gets.
        var writesMax = 16
    }

    /// One step.
    enum Step: Hashable, Sendable {
        case read(key: Int64)
        case write(key: Int64, value: Int64)
    }

    private let shape: Shape
    private var active: [Int64]
    private var written: [Int64: Int64] = [:]
    /// The size of the space that numbers are drawn from: 2 + 4 + … + 2^keyCount.
    private let scale: Int

    init(_ shape: Shape) {
        self.shape = shape
        self.active = (0..<Int64(shape.keyCount)).map { $0 }
        self.scale = (1 << (shape.keyCount + 1)) - 2
    }

    mutating func next(using generator: inout Generator) -> [Step] {
        let count = 1 + generator.next(below: self.shape.lengthMax)
        return (0..<count).map { _ in self.step(using: &generator) }
    }

    private mutating func step(using generator: inout Generator) -> Step {
        while true {
            // The place of the highest set bit of a number from 2 up: each one twice as likely as
            // the one before.
            let number = generator.next(below: self.scale) + 2
            let index = Int.bitWidth - 1 - number.leadingZeroBitCount - 1
            let key = self.active[index]
            if generator.next(below: 2) == 0 { return .read(key: key) }
            let value = (self.written[key] ?? 0) + 1
            if value > Int64(self.shape.writesMax) {
                self.active[index] = (self.active.max() ?? key) + 1
                continue
            }
            self.written[key] = value
            return .write(key: key, value: value)
        }
    }
}

/// `txn-list-append` and `txn-rw-register`: transactions of reads and of writes with one verb, which
/// every worker may send.
struct TransactionSource: OperationSource {
    private let verb: String
    private var draw: TransactionDraw
    private var generator: Generator

    init(verb: String, draw: TransactionDraw, seed: Seed) {
        self.verb = verb
        self.draw = draw
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        let steps: [JSONValue] = self.draw.next(using: &self.generator).map { step in
            switch step {
            case .read(let key): ["r", .int(key), nil]
            case .write(let key, let value): [.string(self.verb), .int(key), .int(value)]
            }
        }
        let transaction = PlannedRequest(
            function: "txn", argument: .array(steps),
            body: ["type": "txn", "txn": .array(steps)], replyType: "txn_ok",
            result: { reply in reply["txn"]?.arrayValue.map { .array($0) } }
        ).operation
        return self.generator.pick(idle).map { ($0, transaction) }
    }
}
