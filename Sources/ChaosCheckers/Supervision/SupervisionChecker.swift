import ChaosCore

/// Compares what a supervisor did with what its strategy says (Erlang/OTP, `supervisor`).
///
/// The trace is of operations `started` and `terminated` whose value is `{child, pid, reason}`; their invocations do not matter. Reason `normal` is a
/// normal end, `shutdown` an end by the supervisor, any other a crash.
/// - **wrong-order**: children do not start in order, or are not stopped in reverse.
/// - **not-restarted**: a child that should be up again is not, before the next child ends or the trace does.
/// - **needless-restart**: a child was started that should not have been, or a sibling was stopped that had nothing to do with it.
/// - **same-pid**: a restarted child has its old pid. **orphan**: a child is up after the supervisor gave up.
/// - **no-escalation**: restarts went on past the intensity. **early-escalation**: the supervisor gave up before.
///
/// Linear in the trace, times the number of children.
package struct SupervisionChecker: Checker {
    package let tree: SupervisionTree

    package init(tree: SupervisionTree) { self.tree = tree }

    package var name: String { "supervision" }

    package func check(_ history: History) -> Finding {
        var model = SupervisionModel(tree: self.tree)
        var count = 0
        for operation in history.operations
        where operation.kind != .invoke
            && (operation.function == "started" || operation.function == "terminated")
        {
            guard let child = operation.value["child"]?.stringValue,
                let position = self.tree.children.firstIndex(where: { $0.name == child })
            else { continue }
            count += 1
            let pid = operation.value["pid"] ?? .null
            if operation.function == "started" {
                model.started(position, pid: pid, at: operation.time)
            } else {
                let reason = operation.value["reason"]?.stringValue ?? "crash"
                model.terminated(position, reason: reason, at: operation.time)
            }
        }
        if count > 0 { model.finish() }
        return Finding(
            checker: self.name, found: model.found,
            gap: count == 0 ? "nothing was started" : nil,
            praise:
                "\(counted(model.crashes, "end")) of children handled as \(self.tree.strategy.rawValue)",
            statistics: [
                "event_count": .int(Int64(count)), "end_count": .int(Int64(model.crashes)),
                "restart_count": .int(Int64(model.restarts)),
                "gave_up": .bool(model.hasGivenUp),
            ])
    }
}

/// What a supervisor should do next, and what it did instead.
private struct SupervisionModel {
    let tree: SupervisionTree
    private(set) var found: [(name: String, line: String)] = []
    private(set) var crashes = 0
    private(set) var restarts = 0
    private(set) var hasGivenUp = false

    /// The pids of the children that are up.
    private var pids: [JSONValue?]
    private var lastPids: [JSONValue?]
    /// Children that are to be stopped, then started, next one first.
    private var stops: [Int] = []
    private var starts: [Int]
    /// When restarts happened, the latest last.
    private var history: [Instant] = []
    /// Whether the supervisor may give up, because there were too many restarts.
    private var mustGiveUp = false

    init(tree: SupervisionTree) {
        self.tree = tree
        self.pids = Array(repeating: nil, count: tree.children.count)
        self.lastPids = self.pids
        self.starts = Array(tree.children.indices)
    }

    private func name(_ position: Int) -> String { self.tree.children[position].name }

    private mutating func add(_ name: String, _ line: String, _ time: Instant) {
        self.found.append((name, "\(line) at \(moment(time))"))
    }

    mutating func started(_ position: Int, pid: JSONValue, at time: Instant) {
        if self.hasGivenUp {
            self.add(
                "orphan", "\(self.name(position)) started after the supervisor had given up", time)
        } else if self.mustGiveUp {
            self.add(
                "no-escalation",
                "\(self.name(position)) started again, though \(self.tree.intensity) restarts in"
                    + " \(self.tree.period.text) are allowed", time)
            self.mustGiveUp = false
            self.starts = []
            self.stops = []
        } else if !self.starts.contains(position) {
            self.add("needless-restart", "\(self.name(position)) was started", time)
        } else {
            if !self.stops.isEmpty || self.starts.first != position {
                let next =
                    (self.stops.first ?? self.starts.first).map { self.name($0) } ?? "nothing"
                self.add("wrong-order", "\(self.name(position)) was started before \(next)", time)
            }
            self.starts.removeAll { $0 == position }
        }
        if let last = self.lastPids[position], last == pid, pid != .null {
            self.add("same-pid", "\(self.name(position)) has its old pid \(pid.text)", time)
        }
        self.pids[position] = .some(pid)
        self.lastPids[position] = .some(pid)
    }

    mutating func terminated(_ position: Int, reason: String, at time: Instant) {
        let wasUp = self.pids[position] != nil
        self.pids[position] = .none
        if reason == "shutdown" {
            self.stopped(position, at: time)
            return
        }
        self.crashes += 1
        if self.hasGivenUp || !wasUp { return }
        // What was owed for the child before must have happened by now, except while stopping.
        if !self.mustGiveUp && self.stops.isEmpty { self.owe(time) }
        let restart = self.tree.children[position].restart
        let isNormal = reason == "normal"
        if restart == .temporary || restart == .transient && isNormal { return }
        self.history.append(time)
        self.history.removeAll { time - $0 > self.tree.period }
        let affected = self.tree.affected(by: position)
        self.stops = affected.reversed().filter { self.pids[$0] != nil }
        if self.history.count > self.tree.intensity {
            self.mustGiveUp = true
            self.stops = self.pids.indices.reversed().filter { self.pids[$0] != nil }
            self.starts = []
            if self.stops.isEmpty { self.hasGivenUp = true }
            return
        }
        self.restarts += 1
        self.starts = affected.filter { other in
            other == position
                || self.pids[other] != nil && self.tree.children[other].restart != .temporary
                || self.starts.contains(other)
        }
    }

    private mutating func stopped(_ position: Int, at time: Instant) {
        if self.stops.contains(position) {
            if self.stops.first != position {
                self.add(
                    "wrong-order",
                    "\(self.name(position)) was stopped before \(self.name(self.stops[0]))",
                    time)
            }
            self.stops.removeAll { $0 == position }
            if self.mustGiveUp && self.stops.isEmpty { self.hasGivenUp = true }
            return
        }
        // The supervisor itself stops: all children in reverse order, the last one first.
        if self.pids.indices.allSatisfy({ $0 <= position || self.pids[$0] == nil })
            && !self.hasGivenUp
        {
            if self.starts.isEmpty && !self.history.isEmpty && self.isEscalation(time) {
                self.add(
                    "early-escalation",
                    "\(self.name(position)) was stopped after \(counted(self.history.count, "restart"))",
                    time)
            }
            self.stops = self.pids.indices.reversed().filter { self.pids[$0] != nil }
            self.starts = []
            self.mustGiveUp = true
            if self.stops.isEmpty { self.hasGivenUp = true }
            return
        }
        self.add("needless-restart", "\(self.name(position)) was stopped", time)
    }

    /// Whether the supervisor stops right after a child ended, rather than by order.
    private func isEscalation(_ time: Instant) -> Bool {
        self.history.last.map { time - $0 < .milliseconds(50) } ?? false
    }

    /// Reports what should have happened by now.
    private mutating func owe(_ time: Instant) {
        for position in self.starts {
            self.add("not-restarted", "\(self.name(position)) was not up again", time)
        }
        self.starts = []
    }

    mutating func finish() {
        if !self.mustGiveUp && !self.hasGivenUp { self.owe(self.history.last ?? .start) }
    }
}
