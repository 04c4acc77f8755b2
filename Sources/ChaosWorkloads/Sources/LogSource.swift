import ChaosCheckers
import ChaosCore
import Synchronization

/// Maelstrom's `kafka`: logs that grow by `send` and are read by `poll` from where each client was.
///
/// Now and then a client is assigned other keys, and now and then one crashes. In the end each polls
/// all keys from their beginnings until it has seen everything that anybody saw.
struct LogSource: OperationSource {
    /// One operation in so many assigns keys; one of so many of those adds keys that nobody has used.
    private static let assignEvery = 64
    private static let unseenEvery = 3
    /// How often a client crashes: once in this time, all clients together.
    private static let crashInterval = Duration.seconds(30)
    /// How long the last polls may take, and the pause between them.
    private static let finalLimit = Duration.seconds(10)
    private static let finalPause = Duration.milliseconds(200)

    private var draw: TransactionDraw
    private var generator: Generator
    private let board: LogBoard
    private var clients: [LogClient]
    /// The keys that were drawn since somebody was assigned some, in order.
    private var sampled: [Int64] = []
    private var keyMax: Int64 = 0
    private let now: @Sendable () -> Instant
    private var nextCrash: Instant
    private let crashGap: Duration

    init(
        _ shape: TransactionDraw.Shape, workers: Int, seed: Seed,
        now: @escaping @Sendable () -> Instant
    ) {
        self.draw = TransactionDraw(
            TransactionDraw.Shape(
                keyCount: shape.keyCount, lengthMax: 1, writesMax: shape.writesMax))
        self.generator = seed.derived("operations").generator
        let board = LogBoard()
        self.board = board
        self.clients = (0..<workers).map { _ in LogClient(board) }
        self.now = now
        self.crashGap = Self.crashInterval / max(1, workers)
        self.nextCrash = now() + self.crashGap
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        if self.now() >= self.nextCrash {
            self.nextCrash =
                self.now() + self.generator.duration(around: self.crashGap, spread: self.crashGap)
            return (worker, Self.crash)
        }
        if self.generator.next(below: Self.assignEvery) == 0 {
            return (worker, self.clients[worker].assign(self.keysToAssign(), fromStart: false))
        }
        guard let step = self.draw.next(using: &self.generator).first else { return nil }
        switch step {
        case .read(let key):
            self.note(key)
            return (worker, self.clients[worker].poll)
        case .write(let key, let value):
            self.note(key)
            return (worker, self.clients[worker].send(value, to: key))
        }
    }

    private mutating func note(_ key: Int64) {
        self.keyMax = max(self.keyMax, key)
        if !self.sampled.contains(key) { self.sampled.append(key) }
    }

    private mutating func keysToAssign() -> [Int64] {
        var keys = self.sampled.sorted()
        self.sampled = []
        if self.generator.next(below: Self.unseenEvery) == 0 { keys.append(self.keyMax + 1) }
        return keys
    }

    /// A new client knows nothing of what the crashed one was assigned.
    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if end.kind == .info { self.clients[worker] = LogClient(self.board) }
    }

    private static let crash = PlannedOperation(function: "crash", argument: .null) { _, _ in
        (.info, nil, "the client crashed")
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        let board = self.board
        return { performer in
            try await performer.perform(Self.crash)
            let start = performer.pool.context.now()
            var client = LogClient(board)
            var isAssigned = false
            while performer.pool.context.now() - start < Self.finalLimit {
                if !isAssigned {
                    let end = try await performer.perform(
                        client.assign(board.keys, fromStart: true))
                    isAssigned = end.kind == .ok
                    if !isAssigned { client = LogClient(board) }
                } else {
                    let end = try await performer.perform(client.poll)
                    if end.kind == .info {
                        client = LogClient(board)
                        isAssigned = false
                    } else if client.hasSeenEverything {
                        return
                    }
                }
                try await Task.sleep(for: Self.finalPause)
            }
            let node = performer.pool.node(of: performer.worker).node
            performer.pool.context.report(
                "node '\(node)' did not show everything that is in the logs within"
                    + " \(Self.finalLimit.text)")
        }
    }
}

/// How far each log is known to reach, whoever saw it.
final class LogBoard: Sendable {
    private let ends = Mutex<[Int64: Int64]>([:])

    /// Somebody saw an offset of a key.
    func note(_ key: Int64, _ offset: Int64) {
        self.ends.withLock { $0[key] = max($0[key] ?? offset, offset) }
    }

    /// All keys that have anything, in order.
    var keys: [Int64] { self.ends.withLock { $0.keys.sorted() } }

    /// Whether these next offsets lie behind everything that anybody saw.
    func isPassed(by offsets: [Int64: Int64]) -> Bool {
        self.ends.withLock { ends in ends.allSatisfy { (offsets[$0.key] ?? 0) > $0.value } }
    }
}

/// Where one client of the logs is. Its operations come one after the other.
final class LogClient: Sendable {
    private struct State {
        /// The keys that it polls, in order, and where it goes on.
        var assigned: [Int64] = []
        var offsets: [Int64: Int64] = [:]
    }

    private let board: LogBoard
    private let state = Mutex(State())

    init(_ board: LogBoard) { self.board = board }

    var hasSeenEverything: Bool {
        self.board.isPassed(by: self.state.withLock { $0.offsets })
    }

    /// Appends a value to a log; the answer says where.
    func send(_ value: Int64, to key: Int64) -> PlannedOperation {
        let board = self.board
        let name: JSONValue = .string(String(key))
        return PlannedRequest(
            function: "send", argument: [["send", name, .int(value)]],
            body: ["type": "send", "key": name, "msg": .int(value)], replyType: "send_ok",
            result: { reply in
                guard let offset = reply["offset"]?.intValue else { return nil }
                board.note(key, offset)
                return [["send", name, [.int(offset), .int(value)]]]
            }
        ).operation
    }

    /// Polls these keys from now on: where it stopped, or from the beginning.
    func assign(_ keys: [Int64], fromStart: Bool) -> PlannedOperation {
        let names = JSONValue.array(keys.map { .string(String($0)) })
        return PlannedOperation(function: "assign", argument: names) { client, timeout in
            // Maelstrom's client asks as well, and goes by what it knows itself.
            let outcome = await client.request(
                ["type": "list_committed_offsets", "keys": names], timeout: timeout)
            let end = outcome.conclusion(expecting: "list_committed_offsets_ok") {
                $0["offsets"]?.objectValue == nil ? nil : names
            }
            if end.kind == .ok {
                self.state.withLock { state in
                    state.assigned = keys
                    if fromStart { state.offsets = [:] }
                }
            }
            return end
        }
    }

    /// Reads on where it stopped, and tells the node how far it got.
    var poll: PlannedOperation {
        PlannedOperation(function: "poll", argument: [["poll"]]) { client, timeout in
            let offsets = self.state.withLock { state in
                state.assigned.map {
                    (key: String($0), value: JSONValue.int(state.offsets[$0] ?? 0))
                }
            }
            let outcome = await client.request(
                ["type": "poll", "offsets": .object(JSONObject(offsets))], timeout: timeout)
            let end = outcome.conclusion(expecting: "poll_ok") { reply in
                reply["msgs"]?.objectValue.map { [["poll", .object($0)]] }
            }
            guard end.kind == .ok, let seen = end.value?.arrayValue?.first?.arrayValue?.last,
                let reached = self.advance(seen)
            else { return end }
            // What became of the commit says nothing about what was polled.
            _ = await client.request(
                ["type": "commit_offsets", "offsets": .object(JSONObject(reached))],
                timeout: timeout)
            return end
        }
    }

    /// Goes on behind what was polled.
    ///
    /// - Returns: How far each key was read; nil when nothing was.
    private func advance(_ seen: JSONValue) -> [(key: String, value: JSONValue)]? {
        var reached: [(key: String, value: JSONValue)] = []
        for member in seen.objectValue?.members ?? [] {
            guard let key = Int64(member.key),
                let last = member.value.arrayValue?.compactMap({
                    $0.arrayValue?.first?.intValue
                }).max()
            else { continue }
            self.board.note(key, last)
            self.state.withLock { $0.offsets[key] = last + 1 }
            reached.append((member.key, .int(last)))
        }
        return reached.isEmpty ? nil : reached
    }
}
