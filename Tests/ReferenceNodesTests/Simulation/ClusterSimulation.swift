import ChaosCheckers
import ChaosCore
import HeapModule
import NodeKit
import ReferenceNodes

/// A cluster in virtual time: nodes with disks, the stores they may use, clients that write a history,
/// and a network whose faults a test scripts.
///
/// Everything follows from the seed: the latencies, and with them the order of messages.
struct ClusterSimulation {
    private enum Event {
        case message(Message)
        case timer(node: String, version: Int)
        case client(process: Int)
        case timeout(process: Int, request: Int64)
        case disturbance(Disturber.Action)
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

    /// What becomes of a message.
    enum Fate {
        case arrives
        case isLost
        case arrivesTwice
        case arrivesAfter(Duration)
    }

    /// An operation of a client that waits for its answer.
    private struct OpenOperation {
        let request: Int64
        let operation: SimulatedOperation
        let isFinal: Bool
    }

    let names: [String]
    private let variant: ReferenceSystem.Variant
    private let seed: UInt64
    private var hosts: [String: NodeHost] = [:]
    private var timerVersions: [String: Int] = [:]
    /// When each node was started; its own time counts from there.
    private var births: [String: Duration] = [:]
    private(set) var disks: [String: SimulatedDisk] = [:]
    private var queue = Heap<Entry>()
    private var ordinal = 0
    private var randomness: Randomness
    private(set) var now = Duration.zero
    private var cuts: [(from: String, to: String)] = []
    private var requests: Int64 = 0
    /// Every message between nodes and stores that was sent, in order, with those that got lost.
    private(set) var traffic: [Message] = []
    /// What the client of single requests got, by the number of its request.
    private(set) var replies: [Int64: Message] = [:]
    private(set) var reports: [String] = []

    /// The share of messages between nodes that vanishes.
    var loss = Ratio.zero
    /// The share of messages between nodes that arrives twice.
    var duplication = Ratio.zero
    /// How long messages between nodes take.
    var latency = Duration.zero...Duration.microseconds(900)
    /// Whether these three also hold for the links of clients and stores, which otherwise are perfect.
    var faultsReachEverybody = false
    /// What a test has in mind for a message, which goes before all else.
    var fate: (@Sendable (Message) -> Fate?)?
    /// Whether nodes have disks; without them a restart forgets everything.
    var hasDisks = true
    /// The chance that a node dies between two of its effects, in the middle of a write.
    var crashChance = Ratio.zero
    /// What the machine's clock shows at the start, as time since 1970.
    var date = Duration.seconds(1_700_000_000)

    // Clients.
    private(set) var history = History()
    private var workload: (any SimulatedWorkload)?
    private var open: [Int: OpenOperation] = [:]
    private var clientCount = 0
    private var pause = Duration.zero
    private var loadEnd = Duration.zero
    private var clientTimeout = Duration.seconds(1)
    /// Nodes that are down, so that nobody starts them twice.
    private(set) var down: Set<String> = []

    init(
        _ system: String, _ variant: String, nodes: Int = 5, seed: UInt64 = 1,
        hasDisks: Bool = true
    ) throws {
        self.names = (1...nodes).map { "n\($0)" }
        self.variant = try ReferenceSystem.named(system).variant(named: variant)
        self.seed = seed
        self.hasDisks = hasDisks
        self.randomness = Randomness(seed: seed, label: "network")
        var services: [(name: String, node: any Node)] = SimulatedStore.all.map {
            ($0.name, $0.makeNode())
        }
        services.append(("redis", SimulatedRedis()))
        for service in services {
            var host = NodeHost(service.node, seed: seed)
            _ = host.start(id: service.name, members: [service.name], at: .zero)
            self.hosts[service.name] = host
        }
        for name in self.names { self.restart(name) }
    }

    // MARK: Nodes

    /// Starts a node, after killing it where it lives: it knows what its disk has.
    mutating func restart(_ name: String) {
        self.kill(name)
        self.down.remove(name)
        var host = NodeHost(self.variant.makeNode(), seed: self.seed)
        if self.hasDisks {
            var disk = self.disks[name] ?? SimulatedDisk()
            host.life = disk.boot(date: self.date + self.now)
            self.disks[name] = disk
        } else {
            let incarnation = self.randomness.next() >> 16
            host.life = NodeLife(incarnation: incarnation, date: self.date + self.now)
        }
        self.births[name] = self.now
        let outputs = host.start(id: name, members: self.names, at: .zero)
        self.hosts[name] = host
        self.carryOut(outputs, of: name)
    }

    /// Kills a node: what it was about to do does not happen.
    mutating func kill(_ name: String) {
        self.hosts[name] = nil
        self.timerVersions[name, default: 0] += 1
        self.down.insert(name)
    }

    /// Cuts all links between two groups.
    mutating func partition(_ left: [String], _ right: [String]) {
        for a in left {
            for b in right { self.cuts += [(a, b), (b, a)] }
        }
    }

    mutating func heal() { self.cuts = [] }

    // MARK: Single requests

    /// Sends a request from a client of its own.
    @discardableResult
    mutating func request(_ node: String, _ body: JSONObject, from client: String = "c1") -> Int64 {
        self.requests += 1
        var body = body
        body["msg_id"] = .int(self.requests)
        self.send(Message(from: client, to: node, body: body))
        return self.requests
    }

    /// Brings a message to a node, as often as this is called.
    mutating func deliverAgain(_ message: Message) {
        self.schedule(.message(message), after: .zero)
    }

    /// Sends a request and waits for its reply.
    mutating func ask(
        _ node: String, _ body: JSONObject, within limit: Duration = .seconds(2)
    ) -> Message? {
        let id = self.request(node, body)
        let end = self.now + limit
        while self.replies[id] == nil, self.now < end { self.run(for: .milliseconds(1)) }
        return self.replies[id]
    }

    /// Broadcasts a value and waits a millisecond.
    mutating func broadcast(_ value: Int64, on node: String) {
        self.request(node, ["type": "broadcast", "message": .int(value)])
        self.run(for: .milliseconds(1))
    }

    /// What a node answers to a broadcast's `read`, sorted.
    mutating func read(_ node: String) -> [Int64] {
        let reply = self.ask(node, ["type": "read"])
        return (reply?["messages"]?.arrayValue ?? []).compactMap(\.intValue).sorted()
    }

    /// What all nodes answer to `read`.
    mutating func readAll() -> [[Int64]] { self.names.map { self.read($0) } }

    // MARK: Load

    /// Lets clients work for a while; each has one operation open at a time.
    ///
    /// - Parameters:
    ///   - clients: How many there are; client i talks to node i modulo the number of nodes.
    ///   - pause: The mean time that a client waits between two operations.
    ///   - timeout: After how long an operation counts as unknown, and its client as another one.
    mutating func load(
        _ workload: any SimulatedWorkload, clients: Int, pause: Duration, for duration: Duration,
        timeout: Duration = .seconds(1)
    ) {
        self.workload = workload
        self.clientCount = clients
        self.pause = pause
        self.clientTimeout = timeout
        self.loadEnd = self.now + duration
        for process in 0..<clients { self.schedule(.client(process: process), after: .zero) }
        self.run(for: duration)
        // What is open either ends or times out.
        self.run(for: timeout + .milliseconds(1))
    }

    /// Lets one client of every node do its last operations, which are marked as final.
    mutating func finish(rounds: Int = 1) {
        for _ in 0..<rounds {
            for index in self.names.indices {
                let process = Self.firstFinalProcess + index
                guard let operation = self.workload?.last(process: process) else { continue }
                self.begin(operation, process: process, isFinal: true)
            }
            self.run(for: self.clientTimeout + .milliseconds(1))
        }
    }

    /// Schedules disturbances from now on; all are over after the duration.
    mutating func disturb(_ disturber: Disturber, for duration: Duration) {
        for step in disturber.schedule(for: duration, nodes: self.names, seed: self.seed) {
            self.schedule(.disturbance(step.action), after: step.time)
        }
    }

    private static let firstFinalProcess = 1_000_000

    private func node(of process: Int) -> String {
        if process >= Self.firstFinalProcess {
            return self.names[process - Self.firstFinalProcess]
        }
        return self.names[process % max(1, self.clientCount) % self.names.count]
    }

    private mutating func begin(_ operation: SimulatedOperation, process: Int, isFinal: Bool) {
        let node = self.node(of: process)
        self.record(operation, .invoke, operation.value, process, node: node, isFinal: isFinal)
        let id = self.request(node, operation.body, from: "c\(process)")
        self.open[process] = OpenOperation(request: id, operation: operation, isFinal: isFinal)
        self.schedule(.timeout(process: process, request: id), after: self.clientTimeout)
    }

    private mutating func complete(_ process: Int, with message: Message) {
        guard let open = self.open[process], open.request == message.inReplyTo else { return }
        self.open[process] = nil
        let node = self.node(of: process)
        var next = process
        if message.type == "error" {
            let code = ErrorCode(rawValue: message["code"]?.intValue ?? 13)
            self.record(
                open.operation, code.isDefinite ? .fail : .info, open.operation.value, process,
                node: node, isFinal: open.isFinal)
            if !code.isDefinite { next += self.clientCount }
        } else {
            let value = self.workload?.result(of: open.operation, process: process, message)
            self.record(
                open.operation, .ok, value ?? .null, process, node: node, isFinal: open.isFinal)
        }
        if !open.isFinal { self.schedule(.client(process: next), after: self.nextPause()) }
    }

    private mutating func timeOut(_ process: Int, _ request: Int64) {
        guard let open = self.open[process], open.request == request else { return }
        self.open[process] = nil
        self.record(
            open.operation, .info, open.operation.value, process, node: self.node(of: process),
            isFinal: open.isFinal)
        if !open.isFinal {
            self.schedule(.client(process: process + self.clientCount), after: .zero)
        }
    }

    private mutating func nextPause() -> Duration {
        self.pause == .zero ? .zero : self.randomness.jittered(self.pause)
    }

    private mutating func record(
        _ operation: SimulatedOperation, _ kind: Operation.Kind, _ value: JSONValue,
        _ process: Int, node: String, isFinal: Bool
    ) {
        self.history.append(
            Operation(
                index: self.history.operations.count, process: process, kind: kind,
                function: operation.function, value: value,
                time: Instant(nanoseconds: self.now.wholeNanoseconds), node: node,
                isFinal: isFinal))
    }

    /// What a checker says of the history.
    func finding(_ checker: String, _ parameters: JSONObject = [:]) throws -> Finding {
        try makeChecker(name: checker, parameters: parameters).check(self.history)
    }

    // MARK: Time

    /// Lets time pass.
    mutating func run(for duration: Duration) {
        let end = self.now + duration
        while let entry = self.queue.min, entry.time <= end {
            self.queue.removeMin()
            self.now = entry.time
            self.handle(entry.event)
        }
        self.now = end
    }

    /// Lets time pass until such a message is sent.
    mutating func run(
        within limit: Duration = .seconds(10), until isAwaited: (Message) -> Bool
    ) {
        let end = self.now + limit
        let known = self.traffic.count
        while self.now < end, !self.traffic[known...].contains(where: isAwaited) {
            self.run(for: .milliseconds(1))
        }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .message(let message): self.deliver(message)
        case .timer(let node, let version):
            guard self.timerVersions[node] == version else { return }
            let age = self.age(of: node)
            let outputs = self.hosts[node]?.fireTimers(at: age) ?? []
            self.carryOut(outputs, of: node)
        case .client(let process):
            guard self.now < self.loadEnd else { return }
            if let operation = self.workload?.next(process: process, &self.randomness) {
                self.begin(operation, process: process, isFinal: false)
            }
        case .timeout(let process, let request): self.timeOut(process, request)
        case .disturbance(let action): self.carryOut(action)
        }
    }

    private mutating func carryOut(_ action: Disturber.Action) {
        switch action {
        case .cut(let left, let right): self.partition(left, right)
        case .heal: self.heal()
        case .kill(let node): self.kill(node)
        case .start(let node): if self.down.contains(node) { self.restart(node) }
        case .stopCrashing: self.crashChance = .zero
        }
    }

    private mutating func schedule(_ event: Event, after delay: Duration) {
        self.queue.insert(Entry(time: self.now + delay, ordinal: self.ordinal, event: event))
        self.ordinal += 1
    }

    private func age(of node: String) -> Duration { self.now - (self.births[node] ?? .zero) }

    private func isClient(_ name: String) -> Bool {
        name.hasPrefix("c") || name == Administration.name
    }

    private mutating func deliver(_ message: Message) {
        if self.isClient(message.destination) {
            self.replies[message.inReplyTo ?? -1] = message
            if let process = Int(message.destination.dropFirst()) {
                self.complete(process, with: message)
            }
            return
        }
        // The cut is looked at on arrival, so that messages on the way are lost too.
        let isCut = self.cuts.contains {
            $0.from == message.source && $0.to == message.destination
        }
        if isCut { return }
        let node = message.destination
        let age = self.age(of: node)
        let outputs = self.hosts[node]?.receive(message, at: age) ?? []
        self.carryOut(outputs, of: node)
    }

    private mutating func carryOut(_ outputs: [NodeHost.Output], of node: String) {
        for output in outputs {
            if self.crashChance != .zero, self.names.contains(node),
                self.randomness.chance(self.crashChance)
            {
                self.disks[node]?.crash(&self.randomness)
                self.kill(node)
                self.schedule(.disturbance(.start(node)), after: .milliseconds(300))
                return
            }
            switch output {
            case .report(let sentence): self.reports.append(sentence)
            case .send(let message):
                self.disks[node]?.sync()
                self.send(message)
            case .append(let record): self.disks[node]?.append(record)
            case .replaceLog(let records): self.disks[node]?.replaceLog(with: records)
            case .crash(let reason):
                self.disks[node]?.sync()
                self.reports.append("\(node) crashed: \(reason)")
                self.kill(node)
                self.schedule(.disturbance(.start(node)), after: .milliseconds(300))
                return
            }
        }
        self.disks[node]?.sync()
        // Timers that were set before are set again, at their time.
        self.timerVersions[node, default: 0] += 1
        if let deadline = self.hosts[node]?.deadline {
            let version = self.timerVersions[node, default: 0]
            self.schedule(
                .timer(node: node, version: version),
                after: max(.zero, deadline - self.age(of: node)))
        }
    }

    private mutating func send(_ message: Message) {
        let ends = [message.source, message.destination]
        let isBetweenNodes = ends.allSatisfy { self.names.contains($0) }
        if !ends.contains(where: { self.isClient($0) }) { self.traffic.append(message) }
        switch self.fate?(message) {
        case nil: break
        case .arrives: return self.schedule(.message(message), after: .zero)
        case .isLost: return
        case .arrivesTwice:
            self.schedule(.message(message), after: .zero)
            return self.schedule(.message(message), after: .milliseconds(1))
        case .arrivesAfter(let delay): return self.schedule(.message(message), after: delay)
        }
        guard isBetweenNodes || self.faultsReachEverybody else {
            let isOfClient = ends.contains { self.isClient($0) }
            let delay = isOfClient ? Duration.zero : self.nextLatency()
            return self.schedule(.message(message), after: delay)
        }
        if self.randomness.chance(self.loss) { return }
        let copies = self.randomness.chance(self.duplication) ? 2 : 1
        for _ in 0..<copies { self.schedule(.message(message), after: self.nextLatency()) }
    }

    private mutating func nextLatency() -> Duration {
        let spread = self.latency.upperBound - self.latency.lowerBound
        let microseconds = Int(spread.wholeNanoseconds / 1000)
        return self.latency.lowerBound
            + .microseconds(self.randomness.next(below: max(1, microseconds)))
    }
}

extension Randomness {
    /// Whether an event of this probability happens.
    mutating func chance(_ ratio: Ratio) -> Bool {
        ratio.isHit(by: UInt32(truncatingIfNeeded: self.next() >> 32))
    }
}
