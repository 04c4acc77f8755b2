import ChaosCore

/// One supervisor from its start to its end: what it has to do next by the rules of OTP, and what it did instead.
///
/// It is told what became of its children, in order, and compares each event with the first of the steps that
/// are due. While there are steps, who ends by himself waits for his turn, as an exit waits in a supervisor's mailbox.
struct SupervisorLife {
    /// What is to be done with one child.
    enum Step: Hashable {
        case start(Int)
        case stop(Int)
    }

    /// Why a supervisor has to end.
    enum Fate: Hashable {
        case tooManyRestarts
        case failedStart
        case wasAsked
    }

    let tree: SupervisionTree
    /// Whether children say when they have begun.
    let waitsForReady: Bool
    private(set) var found: [(name: String, line: String)] = []
    /// How many children ended by themselves, and after how many of them some were restarted.
    private(set) var endCount = 0
    private(set) var restartCount = 0
    private(set) var fate: Fate?

    /// The pids of the children that are up, and of those before.
    private(set) var pids: [JSONValue?]
    private var lastPids: [JSONValue?]
    private(set) var steps: [Step]
    /// Since when the first step is due, or there is none.
    private(set) var due: Instant
    private var queue: [(child: Int, reason: String)] = []
    private var restarts: [Instant] = []
    private var hasBegun = false
    /// Since when it is asked to end.
    private var askedAt: Instant?

    /// How much later than its time something may happen.
    private static let slack = Duration.seconds(1)

    init(_ tree: SupervisionTree, waitsForReady: Bool, at time: Instant) {
        self.tree = tree
        self.waitsForReady = waitsForReady
        self.pids = Array(repeating: nil, count: tree.children.count)
        self.lastPids = self.pids
        self.steps = tree.children.indices.map { .start($0) }
        self.due = time
    }

    private func name(_ child: Int) -> String { self.tree.children[child].name }

    private var nextName: String {
        switch self.steps.first {
        case .start(let child), .stop(let child): self.name(child)
        case nil: "nothing"
        }
    }

    private mutating func add(_ anomaly: String, _ line: String, _ time: Instant) {
        self.found.append((anomaly, "\(line) at \(moment(time))"))
    }

    // MARK: - Events

    mutating func started(_ child: Int, pid: JSONValue, at time: Instant) {
        let last = self.lastPids[child]
        let isDue = self.steps.first == .start(child) && self.pids[child] == nil
        self.pids[child] = .some(pid)
        self.lastPids[child] = .some(pid)
        if let last, last == pid, pid != .null {
            self.add("same-pid", "\(self.name(child)) has its old pid \(pid.text)", time)
        }
        if isDue {
            if !self.waitsForReady { self.stepIsDone(at: time) }
        } else if self.fate != nil, self.steps.isEmpty {
            self.add(
                "orphan", "\(self.name(child)) started after \(self.tree.name) had given up", time)
        } else if self.fate == .tooManyRestarts {
            self.add(
                "no-escalation",
                "\(self.name(child)) started again, though \(self.tree.intensity) restarts in"
                    + " \(self.tree.period.text) are allowed", time)
            self.fate = nil
            self.steps = []
        } else if let place = self.steps.firstIndex(of: .start(child)) {
            self.add(
                "wrong-order", "\(self.name(child)) was started before \(self.nextName)", time)
            self.steps.remove(at: place)
        } else {
            self.add("needless-restart", "\(self.name(child)) was started", time)
        }
    }

    mutating func isReady(_ child: Int, at time: Instant) {
        if self.steps.first == .start(child), self.pids[child] != nil { self.stepIsDone(at: time) }
    }

    /// It is asked to end, which it does when it has nothing else to do. In the very instant it may not
    /// have heard of it yet.
    mutating func asked(at asked: Instant, now: Instant) {
        self.askedAt = min(asked, self.askedAt ?? asked)
        if self.steps.isEmpty, self.fate == nil, asked < now {
            self.end(.wasAsked, at: max(asked, self.due))
        }
    }

    /// Whether this is the child with which it would begin to end: it has nothing else to do, or only what came
    /// up in this very instant, perhaps too late.
    func mayBegin(with child: Int, at time: Instant) -> Bool {
        self.fate == nil && self.steps.first != .stop(child)
            && (self.steps.isEmpty || self.due == time)
            && self.stops(0...(self.tree.children.count - 1)).first == .stop(child)
    }

    /// It begins to end because it was asked to.
    mutating func begin(at time: Instant) { self.end(.wasAsked, at: time) }

    /// A child ended.
    ///
    /// - Parameter isStop: Whether somebody stopped it, as far as its reason tells.
    mutating func terminated(_ child: Int, reason: String, isStop: Bool, at time: Instant) {
        guard self.pids[child] != nil else {
            return self.add("unseen-start", "\(self.name(child)) ended without a start", time)
        }
        let isStarting = self.steps.first == .start(child)
        self.pids[child] = .none
        if !isStop { self.endCount += 1 }
        if self.steps.first == .stop(child) {
            self.checkShutdown(of: child, reason: reason, at: time)
            self.stepIsDone(at: time)
        } else if self.steps.contains(.stop(child)) {
            if isStop {
                self.add(
                    "wrong-order", "\(self.name(child)) was stopped before \(self.nextName)", time)
            }
            self.steps.removeAll { $0 == .stop(child) }
        } else if isStop {
            self.add("needless-restart", "\(self.name(child)) was stopped", time)
        } else if isStarting, !self.hasBegun {
            self.end(.failedStart, at: time)
        } else if isStarting {
            self.steps = []
            self.restart(child, after: reason, isFailedStart: true, at: time)
        } else if self.steps.isEmpty, self.fate == nil {
            self.restart(child, after: reason, at: time)
        } else {
            self.queue.append((child, reason))
        }
    }

    /// Reports what should have happened by the end of the trace.
    mutating func finish(at time: Instant, isRoot: Bool) {
        switch self.steps.first {
        case .start(let child) where self.pids[child] == nil:
            self.add("not-restarted", "\(self.name(child)) was not up again", time)
        case .start: break
        case .stop(let child):
            let limit: Duration? =
                switch self.tree.children[child].shutdown {
                case .brutalKill: .zero
                case .within(let limit): limit
                case .infinity: nil
                }
            guard let limit, time - self.due > limit + Self.slack else { return }
            let anomaly = self.fate == .tooManyRestarts ? "no-escalation" : "not-stopped"
            self.add(anomaly, "\(self.name(child)) is up, and should be stopped", time)
        case nil:
            if self.fate != nil, !isRoot {
                self.add("no-escalation", "\(self.tree.name) has given up and did not end", time)
            }
        }
    }

    // MARK: - Rules

    private mutating func stepIsDone(at time: Instant) {
        self.steps.removeFirst()
        self.due = time
        self.settle(at: time)
    }

    /// All steps are done, or not.
    private mutating func settle(at time: Instant) {
        guard self.steps.isEmpty, self.fate == nil else { return }
        self.hasBegun = true
        if let askedAt, askedAt < time { return self.end(.wasAsked, at: time) }
        if self.queue.isEmpty { return }
        let (child, reason) = self.queue.removeFirst()
        self.restart(child, after: reason, at: time)
    }

    private mutating func restart(
        _ child: Int, after reason: String, isFailedStart: Bool = false, at time: Instant
    ) {
        let isOrderly = (reason == "normal" || reason == "shutdown") && !isFailedStart
        switch self.tree.children[child].restart {
        case .permanent: break
        case .transient where !isOrderly: break
        case .transient, .temporary: return self.settle(at: time)
        }
        self.restarts.removeAll { time - $0 > self.tree.period }
        self.restarts.append(time)
        if self.restarts.count > self.tree.intensity {
            return self.end(.tooManyRestarts, at: time)
        }
        let affected = self.tree.affected(by: child)
        self.queue.removeAll { affected.contains($0.child) }
        let starts = affected.filter { self.tree.children[$0].restart != .temporary }
        self.steps = self.stops(affected) + starts.map { .start($0) }
        self.due = time
        self.restartCount += 1
    }

    private func stops(_ children: ClosedRange<Int>) -> [Step] {
        children.reversed().filter { self.pids[$0] != nil }.map { .stop($0) }
    }

    private mutating func end(_ fate: Fate, at time: Instant) {
        self.fate = fate
        self.queue = []
        self.steps = self.stops(0...(self.tree.children.count - 1))
        self.due = time
    }

    private mutating func checkShutdown(of child: Int, reason: String, at time: Instant) {
        let waited = time - self.due
        let wasKilled = reason == "killed"
        switch self.tree.children[child].shutdown {
        case .brutalKill where reason == "shutdown":
            let line = "\(self.name(child)) was asked to end, and was to be killed at once"
            self.add("wrong-shutdown", line, time)
        case .within(let limit) where wasKilled && waited < limit:
            let line = "\(self.name(child)) was killed after \(waited.text) of \(limit.text)"
            self.add("wrong-shutdown", line, time)
        case .within(let limit) where waited > limit + Self.slack:
            let line = "\(self.name(child)) lived \(waited.text) of \(limit.text)"
            self.add("wrong-shutdown", line, time)
        case .infinity where wasKilled:
            self.add("wrong-shutdown", "\(self.name(child)) was killed", time)
        default: break
        }
    }
}
