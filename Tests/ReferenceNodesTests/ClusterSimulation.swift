import ChaosCore
import NodeKit
import ReferenceNodes

/// A cluster in virtual time: nodes, a network whose faults a test scripts, and a client.
///
/// Everything follows from the seed: the latencies, and with them the order of messages.
struct ClusterSimulation {
    private enum Event {
        case message(Message)
        case timer(node: String)
    }

    private struct Entry {
        let time: Duration
        let ordinal: Int
        let event: Event
    }

    let names: [String]
    private let variant: ReferenceSystem.Variant
    private let seed: UInt64
    private var hosts: [String: NodeHost] = [:]
    private var queue: [Entry] = []
    private var ordinal = 0
    private var randomness: Randomness
    private(set) var now = Duration.zero
    private var cuts: [(from: String, to: String)] = []
    private var requests: Int64 = 0
    /// Every message between nodes that was sent, in order, with those that got lost.
    private(set) var traffic: [Message] = []
    /// What clients got, by the number of their request.
    private(set) var replies: [Int64: Message] = [:]
    private(set) var reports: [String] = []
    /// The share of messages between nodes that vanishes.
    var loss = Ratio.zero
    /// The share of messages between nodes that arrives twice.
    var duplication = Ratio.zero

    init(_ system: String, _ variant: String, nodes: Int = 5, seed: UInt64 = 1) throws {
        self.names = (1...nodes).map { "n\($0)" }
        self.variant = try ReferenceSystem.named(system).variant(named: variant)
        self.seed = seed
        self.randomness = Randomness(seed: seed, label: "network")
        for name in self.names { self.restart(name) }
    }

    /// Starts a node anew: whatever it knew is gone.
    mutating func restart(_ name: String) {
        self.queue.removeAll {
            if case .timer(let node) = $0.event { return node == name }
            return false
        }
        var host = NodeHost(self.variant.makeNode(), seed: self.seed)
        let outputs = host.start(id: name, members: self.names, at: self.now)
        self.hosts[name] = host
        self.carryOut(outputs, of: name)
    }

    /// Cuts all links between two groups.
    mutating func partition(_ left: [String], _ right: [String]) {
        for a in left {
            for b in right { self.cuts += [(a, b), (b, a)] }
        }
    }

    mutating func heal() { self.cuts = [] }

    /// Sends a request from a client; the links of clients are never at fault.
    @discardableResult
    mutating func request(_ node: String, _ body: JSONObject) -> Int64 {
        self.requests += 1
        var body = body
        body["msg_id"] = .int(self.requests)
        self.schedule(.message(Message(from: "c1", to: node, body: body)), after: .zero)
        return self.requests
    }

    /// Broadcasts a value and waits a millisecond.
    mutating func broadcast(_ value: Int64, on node: String) {
        self.request(node, ["type": "broadcast", "message": .int(value)])
        self.run(for: .milliseconds(1))
    }

    /// What a node answers to `read`, sorted.
    mutating func read(_ node: String) -> [Int64] {
        let id = self.request(node, ["type": "read"])
        self.run(for: .milliseconds(1))
        return (self.replies[id]?["messages"]?.arrayValue ?? []).compactMap(\.intValue).sorted()
    }

    /// What all nodes answer to `read`.
    mutating func readAll() -> [[Int64]] { self.names.map { self.read($0) } }

    /// Lets time pass.
    mutating func run(for duration: Duration) {
        let end = self.now + duration
        while let index = self.earliest, self.queue[index].time <= end {
            let entry = self.queue.remove(at: index)
            self.now = entry.time
            switch entry.event {
            case .message(let message): self.deliver(message)
            case .timer(let node):
                let outputs = self.hosts[node]?.fireTimers(at: self.now) ?? []
                self.carryOut(outputs, of: node)
            }
        }
        self.now = end
    }

    private var earliest: Int? {
        self.queue.indices.min {
            (self.queue[$0].time, self.queue[$0].ordinal)
                < (self.queue[$1].time, self.queue[$1].ordinal)
        }
    }

    private mutating func schedule(_ event: Event, after delay: Duration) {
        self.queue.append(Entry(time: self.now + delay, ordinal: self.ordinal, event: event))
        self.ordinal += 1
    }

    private mutating func deliver(_ message: Message) {
        if message.destination.hasPrefix("c") {
            self.replies[message.inReplyTo ?? -1] = message
            return
        }
        // The cut is looked at on arrival, so that messages on the way are lost too.
        let isCut = self.cuts.contains {
            $0.from == message.source && $0.to == message.destination
        }
        if isCut { return }
        let outputs = self.hosts[message.destination]?.receive(message, at: self.now) ?? []
        self.carryOut(outputs, of: message.destination)
    }

    private mutating func carryOut(_ outputs: [NodeHost.Output], of node: String) {
        for output in outputs {
            switch output {
            case .report(let sentence): self.reports.append(sentence)
            case .send(let message): self.send(message)
            }
        }
        // The node's one timer entry follows its host's next deadline.
        self.queue.removeAll {
            if case .timer(node) = $0.event { return true }
            return false
        }
        if let deadline = self.hosts[node]?.deadline {
            self.schedule(.timer(node: node), after: max(.zero, deadline - self.now))
        }
    }

    private mutating func send(_ message: Message) {
        if message.destination.hasPrefix("c") {
            self.schedule(.message(message), after: .zero)
            return
        }
        self.traffic.append(message)
        if self.randomness.chance(self.loss) { return }
        let copies = self.randomness.chance(self.duplication) ? 2 : 1
        for _ in 0..<copies {
            let latency = Duration.microseconds(self.randomness.next(below: 900))
            self.schedule(.message(message), after: latency)
        }
    }
}

extension Randomness {
    /// Whether an event of this probability happens.
    fileprivate mutating func chance(_ ratio: Ratio) -> Bool {
        ratio.isHit(by: UInt32(truncatingIfNeeded: self.next() >> 32))
    }
}
