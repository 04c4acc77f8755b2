/// What a process knows while it handles mail, and what it can do. Everything takes effect, in order, also
/// where the process ends by throwing afterwards.
public struct ProcessContext {
    /// What a process asked for.
    enum Action: Sendable {
        case cast(ProcessAddress, JSONObject)
        case call(ProcessAddress, JSONObject, CallReference, deadline: Duration)
        case reply(Caller, JSONObject)
        case monitor(ProcessAddress, MonitorReference)
        case demonitor(MonitorReference)
        case link(PID)
        case spawn(PID, any Behaviour, name: String?, isLinked: Bool)
        case exit(PID, ExitReason)
        case suspend(PID)
        case resume(PID)
        case timer(String, deadline: Duration?)
        case trapExits
        case observe
        case census
        case readyLater
        case ready
        case append(JSONValue)
        case answer(Effect)
    }

    /// The process itself.
    public let pid: PID
    /// The name under which it is registered.
    public let name: String?
    /// The time since the node started.
    public let now: Duration
    /// Who the node is.
    public let membership: Membership
    /// What this process, or one of its name before it, wrote down with ``append(_:)``, oldest first.
    public let records: [JSONValue]
    /// The nodes that can be heard at the moment, without this one.
    public let connected: [String]
    /// The node's randomness.
    public var randomness: Randomness
    private(set) var actions: [Action] = []
    /// The numbers of new processes, calls and monitors.
    private(set) var nextNumber: UInt64

    init(
        pid: PID, name: String?, now: Duration, membership: Membership, records: [JSONValue],
        connected: [String], randomness: Randomness, nextNumber: UInt64
    ) {
        self.pid = pid
        self.name = name
        self.now = now
        self.membership = membership
        self.records = records
        self.connected = connected
        self.randomness = randomness
        self.nextNumber = nextNumber
    }

    private mutating func number() -> UInt64 {
        defer { self.nextNumber += 1 }
        return self.nextNumber
    }

    /// Says something and wants no answer: at most once, in order while nothing is lost, and nobody is told
    /// where it got lost.
    public mutating func cast(_ address: ProcessAddress, _ body: JSONObject) {
        self.actions.append(.cast(address, body))
    }

    /// Says something to the process of that name on all other nodes.
    public mutating func castToOthers(_ name: String, _ body: JSONObject) {
        for node in self.membership.others { self.cast(.name(name, on: node), body) }
    }

    /// Asks, and gets ``Mail/answer(_:_:)`` exactly once. An answer that comes later is nobody's.
    public mutating func call(
        _ address: ProcessAddress, _ body: JSONObject, within limit: Duration
    ) -> CallReference {
        let reference = CallReference(number: self.number())
        self.actions.append(.call(address, body, reference, deadline: self.now + limit))
        return reference
    }

    /// Answers a call; the first answer counts.
    public mutating func reply(_ caller: Caller, _ body: JSONObject) {
        self.actions.append(.reply(caller, body))
    }

    /// Answers a client's request.
    public mutating func answer(_ effect: Effect) { self.actions.append(.answer(effect)) }

    /// Watches a process: ``Mail/down(_:_:_:)`` comes exactly once, at once where it does not live. There is
    /// no moment between looking and watching.
    public mutating func monitor(_ address: ProcessAddress) -> MonitorReference {
        let reference = MonitorReference(number: self.number())
        self.actions.append(.monitor(address, reference))
        return reference
    }

    /// Watches no more; a ``Mail/down(_:_:_:)`` that is on its way is dropped.
    public mutating func demonitor(_ reference: MonitorReference) {
        self.actions.append(.demonitor(reference))
    }

    /// Ties this process to another one of this node: when one ends other than normally, so does the other.
    public mutating func link(_ pid: PID) { self.actions.append(.link(pid)) }

    /// Starts a process on this node.
    ///
    /// - Parameters:
    ///   - name: The name under which others find it; a name that is taken ends the new one.
    ///   - isLinked: Whether it is tied to this one from its first moment.
    public mutating func spawn(
        _ behaviour: any Behaviour, name: String? = nil, isLinked: Bool = true
    ) -> PID {
        let pid = PID(
            node: self.pid.node, incarnation: self.pid.incarnation, number: self.number())
        self.actions.append(.spawn(pid, behaviour, name: name, isLinked: isLinked))
        return pid
    }

    /// Asks a process of this node to end. ``ExitReason/killed`` cannot be trapped.
    public mutating func exit(_ pid: PID, _ reason: ExitReason) {
        self.actions.append(.exit(pid, reason))
    }

    /// Lets a process of this node stand still: its mail waits in its mailbox until it is resumed, as under OTP's
    /// `sys:suspend/1`. It can be ended meanwhile.
    public mutating func suspend(_ pid: PID) { self.actions.append(.suspend(pid)) }

    /// Lets a process go on with the mail that has come meanwhile.
    public mutating func resume(_ pid: PID) { self.actions.append(.resume(pid)) }

    /// Brings ``Mail/timer(_:)`` after a while; setting one again replaces it.
    public mutating func setTimer(_ name: String, after delay: Duration) {
        self.actions.append(.timer(name, deadline: self.now + max(.zero, delay)))
    }

    /// Takes a timer back.
    public mutating func cancelTimer(_ name: String) {
        self.actions.append(.timer(name, deadline: nil))
    }

    /// From now on exits of linked processes come as ``Mail/exit(_:_:)``.
    public mutating func trapExits() { self.actions.append(.trapExits) }

    /// From now on everything that becomes of a process of this node comes as ``Mail/life(_:)``, after what has
    /// become of those that live.
    public mutating func observe() { self.actions.append(.observe) }

    /// Brings ``Mail/census(_:)``, without asking anybody: how the table sees its processes.
    public mutating func takeCensus() { self.actions.append(.census) }

    /// While it handles ``Mail/started``: the process has not begun before it calls ``ready()``.
    public mutating func readyLater() { self.actions.append(.readyLater) }

    /// The process has begun, which who started it has waited for.
    public mutating func ready() { self.actions.append(.ready) }

    /// Writes something down for the next process of this name: durable before anything later is sent.
    public mutating func append(_ record: JSONValue) { self.actions.append(.append(record)) }
}
