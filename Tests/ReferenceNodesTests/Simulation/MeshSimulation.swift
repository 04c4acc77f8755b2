import ChaosCore
import HeapModule

@testable import NodeKit
@testable import ReferenceNodes

/// Nodes that speak in byte streams and connect to each other, in virtual time, and one who asks each of them.
///
/// Between two nodes bytes take as long as a test says; what is said across a silent cut arrives when it heals, as TCP has it.
struct MeshSimulation {
    private struct Connection {
        let ends: [(node: String, stream: StreamID)]
        var arrival: [Duration] = [.zero, .zero]
    }

    private enum Event {
        case deliver(Int, to: Int, [UInt8])
        case end(Int, to: Int)
        case connect(String, StreamID, to: String, givesUpAt: Duration)
        case timer(String, name: String, life: Int)
        case ask(String, JSONObject)
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

    private struct Life {
        var node: any StreamNode
        let origin: Duration
        var accepted = 0
        var timers: [String: Int] = [:]
    }

    private(set) var now = Duration.zero
    /// How long bytes take from one node to another.
    var latency: @Sendable (_ from: String, _ to: String) -> Duration = { _, _ in .milliseconds(1) }
    /// From whom to whom nothing gets through.
    var silent: Set<[String]> = []
    /// What each node said last to a question of this type: `n1 list`.
    private(set) var answers: [String: JSONObject] = [:]

    private let makers: [String: @Sendable () -> any StreamNode]
    private let cookies: [String: String]
    private var lives: [String: Life] = [:]
    private var connections: [Int: Connection] = [:]
    private var connectionCount = 0
    private var events = Heap<Entry>()
    private var eventCount = 0

    /// Starts nodes of these variants of `connections`; cookies are empty where nothing is said.
    init(_ variants: [String: String], cookies: [String: String] = [:]) throws {
        self.makers = try variants.mapValues { name in
            let variant = try ReferenceSystem.connections.variant(named: name)
            guard case .streamNode(let make) = variant.make else {
                throw InputError("the node speaks in streams", found: name)
            }
            return make
        }
        self.cookies = cookies
        for node in variants.keys.sorted() { self.start(node) }
    }

    /// Asks a node something now, and later finds the answer under `NODE TYPE`.
    mutating func ask(_ node: String, _ body: JSONObject) {
        var body = body
        body["msg_id"] = 1
        self.schedule(.ask(node, body), after: .zero)
    }

    mutating func connect(_ node: String, to other: String) {
        self.ask(node, ["type": "connect", "node": .string(other)])
    }

    /// Whom a node shows as linked, now.
    mutating func list(_ node: String) -> [String] {
        self.ask(node, ["type": "list"])
        self.run(for: .zero)
        return self.answers["\(node) list"]?["nodes"]?.arrayValue?
            .compactMap { $0["node"]?.stringValue } ?? []
    }

    /// What a node noticed: `up n2`, `down n2 silent`.
    mutating func news(_ node: String) -> [String] {
        self.ask(node, ["type": "news"])
        self.run(for: .zero)
        return (self.answers["\(node) news"]?["news"]?.arrayValue ?? []).map { entry in
            [entry["event"], entry["node"], entry["reason"]].compactMap { $0?.stringValue }
                .joined(separator: " ")
        }
    }

    mutating func start(_ node: String) {
        guard self.lives[node] == nil, let make = self.makers[node] else { return }
        self.lives[node] = Life(node: make(), origin: self.now)
        let others = self.makers.keys.filter { $0 != node }.sorted()
        self.tell(
            node,
            .started(
                StreamStart(
                    id: node, others: others, seed: 1, date: .seconds(1000) + self.now,
                    cookie: self.cookies[node] ?? "")))
    }

    /// Kills a node; its connections end.
    mutating func kill(_ node: String) {
        self.lives[node] = nil
        for number in self.connections.keys.sorted() {
            guard let side = self.connections[number]?.ends.firstIndex(where: { $0.node == node })
            else { continue }
            self.close(number, by: side)
        }
    }

    mutating func run(for duration: Duration) {
        let end = self.now + duration
        while let next = self.events.min, next.time <= end {
            self.events.removeMin()
            self.now = max(self.now, next.time)
            self.handle(next.event)
        }
        self.now = end
    }

    private mutating func schedule(_ event: Event, after wait: Duration) {
        self.eventCount += 1
        self.events.insert(Entry(time: self.now + wait, ordinal: self.eventCount, event: event))
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .ask(let node, let body):
            let line = Message(from: "c1", to: node, body: body).line + "\n"
            self.tell(node, .received(.inbound(0), Array(line.utf8)))
        case .timer(let node, let name, let life):
            guard self.lives[node]?.timers[name] == life else { return }
            self.lives[node]?.timers[name] = nil
            self.tell(node, .timer(name))
        case .connect(let node, let stream, let peer, let givesUpAt):
            if self.isSilent(node, peer) {
                if self.now >= givesUpAt { return self.tell(node, .ended(stream, "no answer")) }
                return self.schedule(event, after: .milliseconds(100))
            }
            guard self.lives[peer] != nil else {
                return self.tell(node, .ended(stream, "connection refused"))
            }
            self.lives[peer]?.accepted += 1
            let inbound = StreamID.inbound(self.lives[peer]?.accepted ?? 0)
            self.connectionCount += 1
            self.connections[self.connectionCount] = Connection(
                ends: [(node, stream), (peer, inbound)])
            self.tell(peer, .opened(inbound))
            self.tell(node, .opened(stream))
        case .deliver(let number, let side, let bytes):
            guard let end = self.connections[number]?.ends[side] else { return }
            if self.isCut(number) {
                // Sent again until it gets through.
                return self.schedule(event, after: .milliseconds(100))
            }
            self.tell(end.node, .received(end.stream, bytes))
        case .end(let number, let side):
            guard let end = self.connections[number]?.ends[side] else { return }
            if self.isCut(number) { return self.schedule(event, after: .milliseconds(100)) }
            self.connections[number] = nil
            self.tell(end.node, .ended(end.stream, "the other side closed the connection"))
        }
    }

    private func isSilent(_ one: String, _ other: String) -> Bool {
        self.silent.contains([one, other]) || self.silent.contains([other, one])
    }

    private func isCut(_ number: Int) -> Bool {
        guard let ends = self.connections[number]?.ends else { return false }
        return self.isSilent(ends[0].node, ends[1].node)
    }

    private mutating func tell(_ node: String, _ input: StreamInput) {
        guard let origin = self.lives[node]?.origin else { return }
        for effect in self.lives[node]?.node.handle(input, at: self.now - origin) ?? [] {
            self.carryOut(effect, of: node)
        }
    }

    private mutating func carryOut(_ effect: StreamEffect, of node: String) {
        switch effect {
        case .open(let number, let peer, let patience):
            self.schedule(
                .connect(
                    node, .outbound(number), to: peer, givesUpAt: self.now + patience),
                after: .milliseconds(1))
        case .write(.inbound(0), let bytes):
            guard let message = try? Message(parsing: bytes.dropLast()) else { return }
            var type = message.type
            if type.hasSuffix("_ok") { type.removeLast(3) }
            self.answers["\(node) \(type)"] = message.body
        case .write(let stream, let bytes):
            guard let (number, side) = self.find(node, stream) else { return }
            self.send(.deliver(number, to: 1 - side, bytes), on: number, to: 1 - side)
        case .close(let stream):
            if let (number, side) = self.find(node, stream) { self.close(number, by: side) }
        case .setTimer(let name, let delay):
            self.lives[node]?.timers[name] = self.eventCount
            self.schedule(.timer(node, name: name, life: self.eventCount), after: delay)
        default: break
        }
    }

    private func find(_ node: String, _ stream: StreamID) -> (number: Int, side: Int)? {
        for (number, connection) in self.connections {
            if let side = connection.ends.firstIndex(where: { $0 == (node, stream) }) {
                return (number, side)
            }
        }
        return nil
    }

    private mutating func close(_ number: Int, by side: Int) {
        self.send(.end(number, to: 1 - side), on: number, to: 1 - side)
    }

    /// In order, and as long after now as the way is.
    private mutating func send(_ event: Event, on number: Int, to side: Int) {
        guard let connection = self.connections[number] else { return }
        let wait = self.latency(connection.ends[1 - side].node, connection.ends[side].node)
        let arrival = max(self.now + wait, connection.arrival[side])
        self.connections[number]?.arrival[side] = arrival
        self.schedule(event, after: arrival - self.now)
    }
}
