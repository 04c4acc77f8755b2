import ChaosCore
import HeapModule

@testable import NodeKit
@testable import ReferenceNodes

/// Nodes that speak in byte streams, in virtual time: connections whose bytes are cut, put together, held
/// and lost as a test says, logs that a power cut empties, and one who asks.
struct StreamSimulation {
    /// What becomes of the bytes between two nodes, or of the connections.
    struct Conditions {
        var latency = Duration.milliseconds(1)
        /// Into how many bytes at most what is written is cut.
        var piece: Int?
        /// Everything within such an interval arrives at once.
        var coalescing: Duration?
        /// Nothing arrives before.
        var silentUntil = Duration.zero
        /// Nobody listens before.
        var refusesUntil = Duration.zero
        /// The nth write of the server from now on is lost, and the connection with it.
        var loseReply: Int?
    }

    /// How an operation ended, and when.
    struct End {
        let time: Duration
        let body: JSONObject
    }

    private struct Connection {
        var first: (node: String, stream: StreamID)
        var second: (node: String, stream: StreamID)
        var arrival: [Duration] = [.zero, .zero]
    }

    private enum Event {
        case deliver(Int, toSecond: Bool, [UInt8])
        case deliverBatch(Batch)
        case connect(Int, node: String, stream: StreamID, peer: String)
        case timer(String, String, Int)
        case ask(JSONObject, Int)
        case act(@Sendable (inout StreamSimulation) -> Void)
    }

    private struct Entry: Comparable {
        let time: Duration
        let ordinal: Int
        let event: Event

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.ordinal) < (right.time, right.ordinal)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.ordinal == right.ordinal }
    }

    /// What arrives at once.
    private struct Batch: Hashable {
        let connection: Int
        let toSecond: Bool
        let time: Duration
    }

    private struct Log {
        var disk: [UInt8] = []
        var kernel: [UInt8] = []
        var process: [UInt8] = []
    }

    private(set) var now = Duration.zero
    var conditions = Conditions()
    /// How each question ended.
    private(set) var ends: [Int: End] = [:]
    private(set) var asked: [Int: (time: Duration, body: JSONObject)] = [:]
    /// What nodes told their operator.
    private(set) var reports: [String] = []
    /// When the asked node tried to connect.
    private(set) var attempts: [Duration] = []
    /// How many connections there are between nodes.
    var connectionCount: Int { self.connections.count - 1 }

    private let seed: UInt64
    private var nodes: [String: any StreamNode] = [:]
    private var makers: [String: @Sendable () -> any StreamNode]
    private var logs: [String: Log] = [:]
    private var events = Heap<Entry>()
    private var batches: [Batch: [UInt8]] = [:]
    private var eventCount = 0
    private var timers: [String: Int] = [:]
    private var connections: [Int: Connection] = [:]
    private var lastConnection = 0
    private var lives: [String: (origin: Duration, accepted: Int)] = [:]
    private var asker = (connection: 0, reader: LineReader())

    /// A node `n1` that is asked, and its server `r1`.
    init(
        _ node: ReferenceSystem.Variant, server: ReferenceSystem.Variant? = nil, seed: UInt64 = 1
    ) throws {
        self.seed = seed
        self.makers = ["n1": try Self.maker(node)]
        let server = try server ?? ReferenceSystem.redisServer.variant(named: "no")
        self.makers["r1"] = try Self.maker(server)
        self.start("r1")
        self.start("n1")
        self.connectAsker()
    }

    private static func maker(
        _ variant: ReferenceSystem.Variant
    ) throws -> @Sendable () -> any StreamNode {
        guard case .streamNode(let make) = variant.make else {
            throw InputError("the node speaks in streams", found: variant.name)
        }
        return make
    }

    // What a test does.

    /// Asks the node at a time.
    mutating func ask(_ body: JSONObject, at time: Duration) {
        let id = self.asked.count + 1
        var body = body
        body["msg_id"] = .int(Int64(id))
        self.asked[id] = (time, body)
        self.schedule(.ask(body, id), at: time)
    }

    /// Asks for so many echoes, one every interval.
    mutating func echo(_ count: Int, every interval: Duration, from start: Duration = .zero) {
        for number in 0..<count {
            self.ask(
                ["type": "echo", "echo": .string("echo \(number)")], at: start + interval * number)
        }
    }

    /// Does something to the simulation at a time.
    mutating func at(
        _ time: Duration, _ act: @escaping @Sendable (inout StreamSimulation) -> Void
    ) { self.schedule(.act(act), at: time) }

    /// Ends all connections to a node.
    mutating func cut(_ node: String = "r1") {
        for (number, connection) in self.connections.sorted(by: { $0.key < $1.key })
        where [connection.first.node, connection.second.node].contains(node) {
            self.end(number, "connection reset by peer")
        }
    }

    /// Ends the asker's connection; it makes another one.
    mutating func cutAsker() {
        self.end(self.asker.connection, "connection reset by peer")
        self.connectAsker()
    }

    /// Kills the server, which loses what is in its memory; a power cut takes what is not on disk, too.
    mutating func kill(_ node: String = "r1", isPowerCut: Bool = false) {
        self.cut(node)
        self.nodes[node] = nil
        self.timers = self.timers.filter { !$0.key.hasPrefix("\(node) ") }
        let log = self.logs[node] ?? Log()
        self.logs[node] = Log(disk: log.disk, kernel: isPowerCut ? log.disk : log.kernel)
    }

    /// Starts a node on what its log has, unless it runs.
    mutating func start(_ node: String) {
        if self.nodes[node] != nil { return }
        self.nodes[node] = self.makers[node]?()
        self.lives[node] = (self.now, 0)
        let others = ["n1", "r1"].filter { $0 != node }
        let log = self.logs[node]?.kernel ?? []
        let start = StreamStart(
            id: node, others: others, seed: self.seed, date: .seconds(1_000_000) + self.now,
            log: log)
        self.tell(node, .started(start))
    }

    /// Lets time pass.
    mutating func run(until end: Duration) {
        while let next = self.events.min, next.time <= end {
            self.events.removeMin()
            self.now = max(self.now, next.time)
            self.handle(next.event)
        }
        self.now = end
    }

    // What came of it.

    /// The questions that were answered with what belongs to another one.
    var wrongEchoes: [Int] {
        self.ends.filter {
            $0.value.body["type"]?.stringValue == "echo_ok"
                && $0.value.body["echo"] != self.asked[$0.key]?.body["echo"]
        }.map(\.key).sorted()
    }

    /// The questions that took longer, or have no end.
    func unanswered(within limit: Duration) -> [Int] {
        self.asked.filter { id, question in
            (self.ends[id]?.time).map { $0 - question.time > limit } ?? true
        }.map(\.key).sorted()
    }

    /// Why the supervisor of the node's clients gave up; `nil` where it did not.
    var surrender: String? { self.reports.first { $0.hasPrefix("the supervisor gave up") } }

    /// How many questions ended so: `echo_ok`, or `error 11`.
    func count(_ end: String) -> Int {
        self.ends.values.count { Self.name($0.body) == end }
    }

    static func name(_ body: JSONObject) -> String {
        let type = body["type"]?.stringValue ?? ""
        return type == "error" ? "error \(body["code"]?.intValue ?? -1)" : type
    }

    // How it works.

    private mutating func schedule(_ event: Event, at time: Duration) {
        self.eventCount += 1
        self.events.insert(Entry(time: time, ordinal: self.eventCount, event: event))
    }

    private mutating func connectAsker() {
        self.lastConnection += 1
        self.asker = (self.lastConnection, LineReader())
        let stream = self.accept("n1")
        self.connections[self.lastConnection] = Connection(
            first: ("c1", .outbound(0)), second: ("n1", stream))
        self.tell("n1", .opened(stream))
    }

    private mutating func accept(_ node: String) -> StreamID {
        self.lives[node]?.accepted += 1
        return .inbound(self.lives[node]?.accepted ?? 0)
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .act(let act): act(&self)
        case .ask(let body, _):
            let line = Message(from: "c1", to: "n1", body: body).line + "\n"
            self.receive(self.asker.connection, toSecond: true, Array(line.utf8))
        case .deliver(let number, let toSecond, let bytes):
            self.receive(number, toSecond: toSecond, bytes)
        case .deliverBatch(let batch):
            let bytes = self.batches.removeValue(forKey: batch) ?? []
            self.receive(batch.connection, toSecond: batch.toSecond, bytes)
        case .timer(let node, let name, let ordinal):
            guard self.timers["\(node) \(name)"] == ordinal else { return }
            self.timers["\(node) \(name)"] = nil
            self.tell(node, .timer(name))
        case .connect(let number, let node, let stream, let peer):
            guard self.connections[number] != nil else { return }
            guard self.nodes[peer] != nil, self.now >= self.conditions.refusesUntil else {
                self.connections[number] = nil
                return self.tell(node, .ended(stream, "connection refused"))
            }
            let inbound = self.accept(peer)
            self.connections[number]?.second = (peer, inbound)
            self.tell(peer, .opened(inbound))
            self.tell(node, .opened(stream))
        }
    }

    private mutating func receive(_ number: Int, toSecond: Bool, _ bytes: [UInt8]) {
        guard let connection = self.connections[number] else { return }
        let end = toSecond ? connection.second : connection.first
        if end.node == "c1" { return self.take(bytes) }
        self.tell(end.node, .received(end.stream, bytes))
    }

    private mutating func take(_ bytes: [UInt8]) {
        for case .line(let line) in self.asker.reader.read(bytes) {
            guard let message = try? Message(parsing: line), let id = message.inReplyTo else {
                continue
            }
            self.ends[Int(id)] = End(time: self.now, body: message.body)
        }
    }

    private mutating func tell(_ node: String, _ input: StreamInput) {
        let time = self.now - (self.lives[node]?.origin ?? .zero)
        for effect in self.nodes[node]?.handle(input, at: time) ?? [] {
            self.carryOut(effect, of: node)
        }
    }

    private mutating func carryOut(_ effect: StreamEffect, of node: String) {
        switch effect {
        case .open(let stream, let peer, _):
            self.attempts.append(self.now)
            self.lastConnection += 1
            self.connections[self.lastConnection] = Connection(
                first: (node, .outbound(stream)), second: ("", .outbound(0)))
            let wait = max(self.conditions.latency, self.conditions.silentUntil - self.now)
            self.schedule(
                .connect(self.lastConnection, node: node, stream: .outbound(stream), peer: peer),
                at: self.now + wait)
        case .write(let stream, let bytes): self.write(bytes, by: node, on: stream)
        case .close(let stream):
            guard let number = self.number(of: node, stream) else { return }
            self.end(number, "the other side closed the connection", toldTo: node)
        case .setTimer(let name, let delay):
            self.timers["\(node) \(name)"] = self.eventCount + 1
            self.schedule(.timer(node, name, self.eventCount + 1), at: self.now + delay)
        case .cancelTimer(let name): self.timers["\(node) \(name)"] = nil
        case .append(let bytes): self.logs[node, default: Log()].process += bytes
        case .store(let durability):
            var log = self.logs[node] ?? Log()
            log.kernel += log.process
            log.process = []
            if durability == .disk { log.disk = log.kernel }
            self.logs[node] = log
        case .truncate(let count):
            let kernel = Array((self.logs[node]?.kernel ?? []).prefix(count))
            self.logs[node] = Log(disk: kernel, kernel: kernel)
        case .report(let sentence): self.reports.append(sentence)
        case .crash(let reason):
            self.reports.append(reason)
            self.cut(node)
            self.nodes[node] = nil
        case .stall, .send: break
        }
    }

    private func number(of node: String, _ stream: StreamID) -> Int? {
        self.connections.first {
            ($0.value.first.node == node && $0.value.first.stream == stream)
                || ($0.value.second.node == node && $0.value.second.stream == stream)
        }?.key
    }

    private mutating func write(_ bytes: [UInt8], by node: String, on stream: StreamID) {
        guard let number = self.number(of: node, stream),
            let connection = self.connections[number]
        else { return }
        let toSecond = connection.first.node == node && connection.first.stream == stream
        // Who asks has a network without faults.
        if connection.first.node == "c1" {
            return self.schedule(
                .deliver(number, toSecond: toSecond, bytes), at: self.now)
        }
        if !toSecond, let left = self.conditions.loseReply {
            self.conditions.loseReply = left > 1 ? left - 1 : nil
            if left == 1 { return self.end(number, "connection reset by peer") }
        }
        let conditions = self.conditions
        var time = max(self.now + conditions.latency, conditions.silentUntil)
        if let interval = conditions.coalescing {
            let ticks = time.wholeNanoseconds / interval.wholeNanoseconds + 1
            time = .nanoseconds(ticks * interval.wholeNanoseconds)
        }
        let side = toSecond ? 1 : 0
        time = max(time, connection.arrival[side])
        self.connections[number]?.arrival[side] = time
        if conditions.coalescing != nil {
            let batch = Batch(connection: number, toSecond: toSecond, time: time)
            if self.batches[batch] == nil { self.schedule(.deliverBatch(batch), at: time) }
            self.batches[batch, default: []] += bytes
            return
        }
        let size = conditions.piece ?? max(1, bytes.count)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(bytes.count, start + size)])
            self.schedule(.deliver(number, toSecond: toSecond, piece), at: time)
        }
    }

    private mutating func end(_ number: Int, _ reason: String, toldTo silent: String? = nil) {
        guard let connection = self.connections.removeValue(forKey: number) else { return }
        for end in [connection.first, connection.second]
        where end.node != silent && !["c1", ""].contains(end.node) {
            self.tell(end.node, .ended(end.stream, StreamEnd(.closed, reason)))
        }
    }
}
