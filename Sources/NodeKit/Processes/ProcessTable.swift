/// The processes of one node: their mailboxes, names, links, monitors, calls and timers.
///
/// A pure value without threads: each piece of mail is handled to its end before the next one, processes in
/// the order in which mail came to them. Between nodes mail travels in messages with a member ``member``
/// beside what the process says (so a ping is of the type `ping`), which may be lost, doubled and overtaken
/// like all others:
///
///     cast{to}   call{to, from, ref}   answer{to, ref, exit?}
///     monitor{to, from, ref}   demonitor{from, ref}   down{to, ref, exit}
public struct ProcessTable: Sendable {
    /// The member that messages between tables have.
    public static var member: String { "mail" }
    /// The name of the one timer that all processes share.
    public static var timer: String { "processes" }

    struct Entry: Sendable {
        var behaviour: any Behaviour
        let name: String?
        var mailbox: [Mail] = []
        var links: [PID] = []
        var trapsExits = false
        /// Who started it, if a process did.
        let parent: PID?
        /// Whether it says itself when it has begun.
        var isReadyLater = false
        var isReady = false
        /// Whether its mail waits until it is resumed.
        var isSuspended = false
        /// Whose calls lie in the mailbox or are being worked on.
        var serving: [Caller] = []
        /// Processes of other nodes that watch this one.
        var watchers: [Caller] = []
    }

    struct Monitor: Sendable {
        let owner: PID
        let address: ProcessAddress
        /// The process, where it is one of this node.
        let target: PID?
    }

    struct Call: Sendable {
        let owner: PID
        let node: String
        let deadline: Duration
    }

    struct Timer: Sendable {
        let owner: PID
        let name: String
        let deadline: Duration
    }

    private(set) var entries: [PID: Entry] = [:]
    private(set) var names: [String: PID] = [:]
    var monitors: [MonitorReference: Monitor] = [:]
    var calls: [CallReference: Call] = [:]
    private var timers: [Timer] = []
    private var ready: [PID] = []
    private var records: [String: [JSONValue]] = [:]
    private var log = LogCompaction()
    var membership = Membership(id: "", members: [], seed: 0)
    private var randomness = Randomness(seed: 0, label: "")
    private var nextNumber: UInt64 = 1
    private(set) var connected: [String] = []
    private(set) var now = Duration.zero
    private var effects: [Effect] = []
    private var timerIsSetFor: Duration?
    /// What became of the processes so far.
    public internal(set) var journal = LifeJournal()
    /// Who is told of it.
    var observers: [PID] = []
    /// How many processes had each name so far.
    var generations: [String: Int] = [:]
    /// How much mail is handled before the node hears its network again: processes that start and crash
    /// without end must not take the whole node along.
    private static let mailMax = 10_000

    /// Makes a table without processes.
    public init() {}

    /// Begins to live, with what the processes of earlier lives wrote down.
    public mutating func start(_ membership: Membership) {
        self.membership = membership
        self.randomness = membership.randomness
        for record in membership.life.records {
            guard let name = record["process"]?.stringValue, let entry = record["record"] else {
                continue
            }
            self.records[name, default: []].append(entry)
        }
        self.log.start(membership.life)
    }

    /// Starts a process that nobody of this node is linked to.
    @discardableResult
    public mutating func spawn(_ behaviour: any Behaviour, name: String?) -> PID {
        let pid = PID(
            node: self.membership.id, incarnation: self.membership.life.incarnation,
            number: self.nextNumber)
        self.nextNumber += 1
        self.insert(pid, behaviour, name: name, parent: nil)
        self.endIfNameless(pid, name)
        return pid
    }

    /// The process of that name, if one lives.
    public func process(named name: String) -> PID? { self.names[name] }

    /// Lets it be later: what happens to processes before they are run next happens then.
    public mutating func advance(to now: Duration) { self.now = max(self.now, now) }

    /// Hands a client's request to the process of that name; `false` when there is none.
    public mutating func request(_ message: Message, to name: String) -> Bool {
        guard let pid = self.names[name] else { return false }
        self.post(.request(message), to: pid)
        return true
    }

    /// Takes note that a node can be heard, or not any more.
    public mutating func note(_ news: PeerNews) {
        switch news {
        case .up(let node):
            self.connected = (self.connected + [node]).sorted()
            for pid in self.living { self.post(.nodeUp(node), to: pid) }
        case .down(let node):
            self.connected.removeAll { $0 == node }
            for (reference, call) in self.calls.inOrder where call.node == node {
                self.conclude(reference, .exited(.noConnection))
            }
            for (reference, monitor) in self.monitors.inOrder where monitor.address.node == node {
                self.fire(reference, .noConnection)
            }
            for pid in self.living {
                self.entries[pid]?.watchers.removeAll { $0.pid.node == node }
                self.post(.nodeDown(node), to: pid)
            }
        }
    }

    /// Lets processes handle their mail until none is left, and fires the timers that are due.
    ///
    /// - Returns: What the node is to do.
    public mutating func run(at now: Duration) -> [Effect] {
        self.now = max(self.now, now)
        self.fireTimers()
        var mailCount = 0
        while !self.ready.isEmpty, mailCount < Self.mailMax {
            self.deliver(to: self.ready.removeFirst())
            mailCount += 1
        }
        if self.log.isDue(after: self.effects) { self.compact() }
        defer { self.effects = [] }
        return self.effects + self.nextTimer()
    }

    /// Puts snapshots in the place of records, of those processes that have begun and can make one.
    private mutating func compact() {
        for (name, pid) in self.names {
            guard let entry = self.entries[pid], entry.isReady,
                let snapshot = entry.behaviour.snapshot
            else { continue }
            self.records[name] = snapshot
        }
        let all = self.records.sorted { $0.key < $1.key }.flatMap { name, records in
            records.map { Self.logged($0, of: name) }
        }
        self.effects.append(self.log.rewrite(as: all))
    }

    /// What a process writes down, as it stands in the node's log.
    private static func logged(_ record: JSONValue, of name: String) -> JSONValue {
        ["process": .string(name), "record": record]
    }

    /// All processes in the order in which they began.
    var living: [PID] { self.entries.keys.sorted { $0.number < $1.number } }

    // MARK: - Life and death

    private mutating func insert(
        _ pid: PID, _ behaviour: any Behaviour, name: String?, parent: PID?
    ) {
        self.note(.started, pid, name: name, parent: parent)
        if let name, self.names[name] != nil {
            self.entries[pid] = Entry(behaviour: behaviour, name: nil, parent: parent)
            return
        }
        if let name { self.names[name] = pid }
        self.entries[pid] = Entry(behaviour: behaviour, name: name, parent: parent)
        self.post(.started, to: pid)
    }

    /// A process has begun: who started it, and waits for it, is told.
    private mutating func noteReady(_ pid: PID) {
        guard let entry = self.entries[pid], !entry.isReady else { return }
        self.entries[pid]?.isReady = true
        self.note(.ready, pid, name: entry.name, parent: entry.parent)
        if let parent = entry.parent, entry.links.contains(parent) {
            self.post(.ready(pid), to: parent)
        }
    }

    /// Ends a process whose name another one has, before its first mail: who is linked to it is told.
    private mutating func endIfNameless(_ pid: PID, _ name: String?) {
        guard let name, self.names[name] != pid else { return }
        self.end(pid, .crash("the name '\(name)' is taken"))
    }

    /// Ends a process and tells everybody who is to know.
    mutating func end(_ pid: PID, _ reason: ExitReason) {
        guard let entry = self.entries.removeValue(forKey: pid) else { return }
        if let name = entry.name { self.names[name] = nil }
        self.observers.removeAll { $0 == pid }
        self.note(.terminated(reason), pid, name: entry.name, parent: entry.parent)
        self.timers.removeAll { $0.owner == pid }
        self.calls = self.calls.filter { $0.value.owner != pid }
        for (reference, monitor) in self.monitors.inOrder where monitor.owner == pid {
            self.drop(reference)
        }
        for caller in entry.serving { self.answer(caller, .exited(reason)) }
        for (reference, monitor) in self.monitors.inOrder where monitor.target == pid {
            self.fire(reference, reason)
        }
        for watcher in entry.watchers { self.tellDown(watcher, reason) }
        for linked in entry.links { self.signal(linked, from: pid, reason) }
    }

    /// What a linked process's end, or somebody's wish, does to a process.
    private mutating func signal(_ pid: PID, from sender: PID, _ reason: ExitReason) {
        guard self.entries[pid] != nil else { return }
        self.entries[pid]?.links.removeAll { $0 == sender }
        if self.entries[pid]?.trapsExits == true {
            self.post(.exit(sender, reason), to: pid)
        } else if reason != .normal {
            self.end(pid, reason)
        }
    }

    // MARK: - Mail

    mutating func post(_ mail: Mail, to pid: PID) {
        guard self.entries[pid] != nil else { return }
        self.entries[pid]?.mailbox.append(mail)
        self.ready.append(pid)
    }

    mutating func suspend(_ pid: PID) { self.entries[pid]?.isSuspended = true }

    mutating func resume(_ pid: PID) {
        guard let entry = self.entries[pid], entry.isSuspended else { return }
        self.entries[pid]?.isSuspended = false
        self.ready += entry.mailbox.map { _ in pid }
    }

    private mutating func deliver(to pid: PID) {
        guard self.entries[pid]?.mailbox.isEmpty == false, self.entries[pid]?.isSuspended == false,
            // Taken out, so that its state is changed in place and not copied.
            var entry = self.entries.removeValue(forKey: pid)
        else { return }
        let mail = entry.mailbox.removeFirst()
        var context = ProcessContext(
            pid: pid, name: entry.name, now: self.now, membership: self.membership,
            records: entry.name.flatMap { self.records[$0] } ?? [], connected: self.connected,
            randomness: self.randomness, nextNumber: self.nextNumber)
        var exit: ProcessExit?
        do throws(ProcessExit) {
            try entry.behaviour.handle(mail, &context)
        } catch { exit = error }
        self.entries[pid] = entry
        self.randomness = context.randomness
        self.nextNumber = context.nextNumber
        for action in context.actions { self.carryOut(action, for: pid, named: entry.name) }
        if let exit { return self.end(pid, exit.reason) }
        if case .started = mail, self.entries[pid]?.isReadyLater == false { self.noteReady(pid) }
    }

    private mutating func carryOut(
        _ action: ProcessContext.Action, for pid: PID, named name: String?
    ) {
        switch action {
        case .cast(let address, let body): self.cast(address, body)
        case .call(let address, let body, let reference, let deadline):
            self.calls[reference] = Call(owner: pid, node: address.node, deadline: deadline)
            self.call(address, body, Caller(pid: pid, reference: reference))
        case .reply(let caller, let body):
            guard let place = self.entries[pid]?.serving.firstIndex(of: caller) else { return }
            self.entries[pid]?.serving.remove(at: place)
            self.answer(caller, .reply(body))
        case .monitor(let address, let reference): self.monitor(address, reference, for: pid)
        case .demonitor(let reference):
            self.drop(reference)
            self.entries[pid]?.mailbox.removeAll { mail in
                if case .down(reference, _, _) = mail { return true }
                return false
            }
        case .link(let other):
            guard self.entries[other] != nil else {
                return self.signal(pid, from: other, .noProcess)
            }
            self.entries[pid]?.links.append(other)
            self.entries[other]?.links.append(pid)
        case .spawn(let child, let behaviour, let childName, let isLinked):
            self.insert(child, behaviour, name: childName, parent: pid)
            if isLinked {
                self.entries[pid]?.links.append(child)
                self.entries[child]?.links.append(pid)
            }
            self.endIfNameless(child, childName)
        case .exit(let other, let reason):
            if reason == .killed {
                self.end(other, .killed)
            } else if self.entries[other]?.trapsExits == true {
                self.post(.exit(pid, reason), to: other)
            } else {
                self.end(other, reason)
            }
        case .suspend(let other): self.suspend(other)
        case .resume(let other): self.resume(other)
        case .timer(let timer, let deadline):
            self.timers.removeAll { $0.owner == pid && $0.name == timer }
            if let deadline {
                self.timers.append(Timer(owner: pid, name: timer, deadline: deadline))
            }
        case .trapExits: self.entries[pid]?.trapsExits = true
        case .observe: self.addObserver(pid)
        case .census: self.post(.census(self.census), to: pid)
        case .readyLater: self.entries[pid]?.isReadyLater = true
        case .ready: self.noteReady(pid)
        case .append(let record):
            // A process without a name has nobody who could read it again.
            guard let name else { return }
            self.records[name, default: []].append(record)
            self.effects.append(.append(Self.logged(record, of: name)))
        case .answer(let effect): self.effects.append(effect)
        }
    }

    /// Who an address of this node means, if somebody.
    func resolve(_ address: ProcessAddress) -> PID? {
        switch address {
        case .pid(let pid): self.entries[pid] == nil ? nil : pid
        case .name(let name, _): self.names[name]
        }
    }

    /// Puts a call into the mailbox of a process of this node.
    mutating func admit(_ body: JSONObject, from caller: Caller, to pid: PID) {
        self.entries[pid]?.serving.append(caller)
        self.post(.call(body, from: caller), to: pid)
    }

    mutating func watch(_ pid: PID, by watcher: Caller) {
        if self.entries[pid]?.watchers.contains(watcher) == true { return }
        self.entries[pid]?.watchers.append(watcher)
    }

    mutating func unwatch(by watcher: Caller) {
        for pid in self.living { self.entries[pid]?.watchers.removeAll { $0 == watcher } }
    }

    /// Sends what a process says, with what the other table has to know beside it.
    mutating func send(_ envelope: JSONObject, _ body: JSONObject = [:], to node: String) {
        var body = body
        if body["type"] == nil { body["type"] = .string(Self.member) }
        body[Self.member] = .object(envelope)
        self.effects.append(.send(to: node, body))
    }

    // MARK: - Time

    private mutating func fireTimers() {
        let due = self.timers.filter { $0.deadline <= self.now }
            .sorted { ($0.deadline, $0.owner.number) < ($1.deadline, $1.owner.number) }
        self.timers.removeAll { $0.deadline <= self.now }
        for timer in due { self.post(.timer(timer.name), to: timer.owner) }
        for (reference, call) in self.calls.inOrder where call.deadline <= self.now {
            self.conclude(reference, .timeout)
        }
        if let timerIsSetFor, timerIsSetFor <= self.now { self.timerIsSetFor = nil }
    }

    private mutating func nextTimer() -> [Effect] {
        if !self.ready.isEmpty {
            self.timerIsSetFor = self.now
            return [.setTimer(Self.timer, after: .zero)]
        }
        let deadlines = self.timers.map(\.deadline) + self.calls.values.map(\.deadline)
        guard let due = deadlines.min() else { return [] }
        if let timerIsSetFor, timerIsSetFor <= due { return [] }
        self.timerIsSetFor = due
        return [.setTimer(Self.timer, after: due - self.now)]
    }
}
