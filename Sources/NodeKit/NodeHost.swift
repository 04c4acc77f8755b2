/// Runs a node without a network or clock of its own: the part that every runner shares.
///
/// A driver reports what happened, with the time since the node started, and carries out what comes
/// back. ``deadline`` says when ``fireTimers(at:)`` is due. Messages that a node sends to itself
/// never leave the host.
///
/// The host answers `init` with `init_ok`: the first one starts the node if nobody has yet, later
/// ones change nothing.
public struct NodeHost: Sendable {
    /// What the driver is to do.
    public enum Output: Hashable, Sendable {
        /// Bring this message to its destination.
        case send(Message)
        /// Tell the operator about something odd, in one sentence.
        case report(String)
        /// Add this record to the node's log; it must be durable before anything later is sent.
        case append(JSONValue)
        /// Put these records in the place of the node's log.
        case replaceLog([JSONValue])
        /// Make the log durable, bring away what was sent, and end; nothing more comes.
        case crash(String)
    }

    private struct Timer {
        let name: String
        let deadline: Duration
        let ordinal: Int
    }

    private var node: any Node
    private let seed: UInt64
    private var timers: [Timer] = []
    private var timersSet = 0
    private var now = Duration.zero
    /// Who the node is; `nil` until it was started.
    public private(set) var membership: Membership?

    /// How long a second of the node's takes: its timers, and what it is told about the time.
    private let timeScale: Double

    /// Makes a host for a node that has seen nothing yet.
    ///
    /// - Parameter timeScale: How many seconds of the driver's one second of the node's lasts, above 0: a
    ///   cluster whose nodes all have the same one lives in slow motion, or fast.
    public init(_ node: any Node, seed: UInt64, timeScale: Double = 1) {
        precondition(timeScale > 0, "time does not stand still, got a scale of \(timeScale)")
        self.node = node
        self.seed = seed
        self.timeScale = timeScale
    }

    /// A moment of the driver's, as the node counts.
    private func nodeTime(_ now: Duration) -> Duration {
        self.timeScale == 1 ? now : now / self.timeScale
    }

    /// A reader for what others send to the node.
    var reader: LineReader { LineReader(for: self.node) }

    /// When the next timer is due; `nil` without timers.
    public var deadline: Duration? {
        let deadline = self.timers.map(\.deadline).min()
        return self.timeScale == 1 ? deadline : deadline.map { $0 * self.timeScale }
    }

    /// What the node brings from earlier lives; looked at when the node starts.
    public var life = NodeLife()

    /// Starts the node; a second call does nothing.
    public mutating func start(id: String, members: [String], at now: Duration) -> [Output] {
        guard self.membership == nil else { return [] }
        let membership = Membership(id: id, members: members, seed: self.seed, life: self.life)
        self.membership = membership
        return self.run(.started(membership), at: now)
    }

    /// Hands a message to the node.
    public mutating func receive(_ message: Message, at now: Duration) -> [Output] {
        if message.type == "init", message.id != nil {
            return self.initialize(message, at: now)
        }
        guard let membership = self.membership else {
            let rule = "the node has not been initialised"
            return self.outputs(of: .error(to: message, .temporarilyUnavailable, rule), from: "")
        }
        guard message.destination == membership.id else {
            let target = "'\(message.destination)'"
            return [.report("got a message for \(target), but this is '\(membership.id)'")]
        }
        return self.run(.message(message), at: now)
    }

    /// Fires the timers that are due; those that the node sets meanwhile wait for the next call.
    public mutating func fireTimers(at now: Duration) -> [Output] {
        var outputs: [Output] = []
        let set = self.timersSet
        while let timer = self.earliest(below: set), timer.deadline <= self.nodeTime(now) {
            self.timers.removeAll { $0.name == timer.name }
            outputs += self.run(.timer(timer.name), at: now)
        }
        return outputs
    }

    private func earliest(below ordinal: Int) -> Timer? {
        self.timers.filter { $0.ordinal < ordinal }
            .min { ($0.deadline, $0.ordinal) < ($1.deadline, $1.ordinal) }
    }

    /// What a driver answers in the node's place.
    func answer(_ effect: Effect) -> [Output] {
        self.outputs(ofReply: effect, from: self.membership?.id ?? "")
    }

    private mutating func initialize(_ message: Message, at now: Duration) -> [Output] {
        guard let id = message["node_id"]?.stringValue,
            let members = message["node_ids"]?.arrayValue
        else {
            let rule = "'init' has 'node_id' and 'node_ids'"
            return self.outputs(of: .error(to: message, .malformedRequest, rule), from: "")
        }
        let answer = self.outputs(of: .reply(to: message, ["type": "init_ok"]), from: id)
        return answer + self.start(id: id, members: members.compactMap(\.stringValue), at: now)
    }

    /// Lets the node handle an input, and then whatever it sends to itself.
    private mutating func run(_ input: Input, at now: Duration) -> [Output] {
        guard let id = self.membership?.id else { return [] }
        self.now = max(self.now, self.nodeTime(now))
        var outputs: [Output] = []
        var inputs = [input]
        while !inputs.isEmpty {
            for effect in self.node.handle(inputs.removeFirst(), at: self.now) {
                for output in self.outputs(of: effect, from: id) {
                    if case .crash = output { return outputs + [output] }
                    if case .send(let message) = output, message.destination == id {
                        inputs.append(.message(message))
                    } else {
                        outputs.append(output)
                    }
                }
            }
        }
        return outputs
    }

    private func outputs(ofReply effect: Effect, from id: String) -> [Output] {
        guard case .reply(let request, var body) = effect, let requestID = request.id else {
            return []
        }
        body["in_reply_to"] = .int(requestID)
        let source = id.isEmpty ? request.destination : id
        return [.send(Message(from: source, to: request.source, body: body))]
    }

    private mutating func outputs(of effect: Effect, from id: String) -> [Output] {
        switch effect {
        case .send(let destination, let body):
            return [.send(Message(from: id, to: destination, body: body))]
        case .reply: return self.outputs(ofReply: effect, from: id)
        case .setTimer(let name, let delay):
            self.timers.removeAll { $0.name == name }
            let deadline = self.now + max(.zero, delay)
            self.timers.append(Timer(name: name, deadline: deadline, ordinal: self.timersSet))
            self.timersSet += 1
            return []
        case .append(let record): return [.append(record)]
        case .replaceLog(let records): return [.replaceLog(records)]
        case .crash(let reason): return [.crash(reason)]
        }
    }
}
