/// Starts processes, and starts them again when they end.
///
/// The rules are those of Erlang/OTP's `supervisor` (stdlib, module supervisor): children start in order, each when the
/// one before it has begun, and stop in reverse; a child that ends is started again with a fresh state, alone or with
/// others as the strategy says; more than ``Intensity/restarts`` restarts within ``Intensity/period`` end the
/// supervisor itself, all its children first, with ``ExitReason/shutdown``, and its own supervisor decides what
/// comes next. A child that ends before it has begun is a failed start: the first time it ends the supervisor,
/// which has not begun then either; later it counts as another restart.
///
/// While it starts or stops children it does nothing else: who ends meanwhile waits for its turn.
public struct Supervisor: Behaviour {
    /// Who is started again when one child ends.
    public enum Strategy: String, CaseIterable, Sendable {
        /// That child.
        case oneForOne = "one_for_one"
        /// All children.
        case oneForAll = "one_for_all"
        /// That child and those that began after it.
        case restForOne = "rest_for_one"
    }

    /// When a child that ended is started again.
    public enum Restart: String, CaseIterable, Sendable {
        /// Always.
        case permanent
        /// Unless it ended in order (``ExitReason/isOrderly``).
        case transient
        /// Never.
        case temporary
    }

    /// How a child is stopped.
    public enum Shutdown: Hashable, Sendable {
        /// Asked, and killed where it has not ended after this long.
        case within(Duration)
        /// Killed at once.
        case brutalKill
        /// Asked, and waited for.
        case infinity
    }

    /// How many restarts are too many.
    public struct Intensity: Hashable, Sendable {
        /// So many restarts are survived.
        public let restarts: Int
        /// The time in which they are counted.
        public let period: Duration

        /// Makes an intensity; three restarts in five seconds are survived by default, the fourth is not.
        public init(restarts: Int = 3, period: Duration = .seconds(5)) {
            self.restarts = restarts
            self.period = period
        }
    }

    /// A child to be.
    public struct Child: Sendable {
        /// Its name, under which it is registered on the node.
        public let name: String
        /// When it is started again.
        public let restart: Restart
        /// How it is stopped.
        public let shutdown: Shutdown
        /// Makes it.
        public let make: @Sendable () -> any Behaviour

        /// Describes a child.
        public init(
            _ name: String, restart: Restart = .permanent,
            shutdown: Shutdown = .within(.seconds(5)), make: @escaping @Sendable () -> any Behaviour
        ) {
            self.name = name
            self.restart = restart
            self.shutdown = shutdown
            self.make = make
        }
    }

    /// What is to be done with one child.
    private enum Step: Hashable, Sendable {
        case start(Int)
        case stop(Int)
    }

    private let strategy: Strategy
    private let intensity: Intensity
    private let children: [Child]
    private var running: [PID?]
    private var restarts: [Duration] = []
    /// What is to be done, one after the other; the first is being done.
    private var steps: [Step] = []
    /// Who ended meanwhile, the first one first.
    private var ended: [(index: Int, reason: ExitReason)] = []
    private var hasBegun = false
    /// With what somebody asked it to end.
    private var wish: ExitReason?
    /// With what it ends when all children have stopped.
    private var fate: ExitReason?

    /// Makes a supervisor of children that start in this order.
    public init(
        _ strategy: Strategy, intensity: Intensity = Intensity(), _ children: [Child]
    ) {
        self.strategy = strategy
        self.intensity = intensity
        self.children = children
        self.running = Array(repeating: nil, count: children.count)
    }

    /// Starts, stops and restarts children as they begin and end.
    public mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.trapExits()
            context.readyLater()
            self.steps = self.children.indices.map { .start($0) }
            try self.goOn(&context)
        case .ready(let pid):
            guard case .start(let index) = self.steps.first, self.running[index] == pid else {
                return
            }
            self.steps.removeFirst()
            try self.goOn(&context)
        case .exit(let pid, let reason):
            if let index = self.running.firstIndex(of: pid) {
                self.running[index] = nil
                return try self.childEnded(index, reason, &context)
            }
            // Its own supervisor asks, or is gone.
            self.wish = reason
            if self.steps.isEmpty { try self.goOn(&context) }
        case .timer(let name):
            guard case .stop(let index) = self.steps.first, let pid = self.running[index],
                name == self.timer(of: index)
            else { return }
            context.exit(pid, .killed)
        case .call(let body, let caller) where body["type"]?.stringValue == "which_children":
            context.reply(caller, ["children": self.listing])
        case .call(let body, let caller) where body["type"]?.stringValue == "probe":
            context.reply(caller, [:])
        default: break
        }
    }

    private var listing: JSONValue {
        .array(
            self.children.indices.map { index in
                [
                    "name": .string(self.children[index].name),
                    "pid": self.running[index].map { .string($0.description) } ?? .null,
                ]
            })
    }

    /// The timer of whoever was asked to end.
    private func timer(of index: Int) -> String { "stop \(self.children[index].name)" }

    // MARK: - One step after the other

    /// Does the next step, or what comes when there is none.
    private mutating func goOn(_ context: inout ProcessContext) throws(ProcessExit) {
        switch self.steps.first {
        case .start(let index):
            let child = self.children[index]
            self.running[index] = context.spawn(child.make(), name: child.name)
        case .stop(let index):
            guard let pid = self.running[index] else { return }
            switch self.children[index].shutdown {
            case .brutalKill: context.exit(pid, .killed)
            case .within(let limit):
                context.setTimer(self.timer(of: index), after: limit)
                context.exit(pid, .shutdown)
            case .infinity: context.exit(pid, .shutdown)
            }
        case nil: try self.lookUp(&context)
        }
    }

    /// All steps are done.
    private mutating func lookUp(_ context: inout ProcessContext) throws(ProcessExit) {
        if let fate = self.fate { throw ProcessExit(fate) }
        if !self.hasBegun {
            self.hasBegun = true
            context.ready()
        }
        if let wish = self.wish { return try self.end(wish, &context) }
        if self.ended.isEmpty { return }
        let (index, reason) = self.ended.removeFirst()
        try self.restart(index, after: reason, &context)
    }

    private mutating func childEnded(
        _ index: Int, _ reason: ExitReason, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        context.cancelTimer(self.timer(of: index))
        switch self.steps.first {
        case .stop(index):
            self.steps.removeFirst()
            try self.goOn(&context)
        case .start(index) where !self.hasBegun:
            let sentence = "its child '\(self.children[index].name)' did not start: \(reason)"
            try self.end(.crash(sentence), &context)
        case .start(index):
            self.steps = []
            try self.restart(index, after: reason, isFailedStart: true, &context)
        case nil: try self.restart(index, after: reason, &context)
        default:
            if self.steps.contains(.stop(index)) {
                // It was not asked yet, and need not be any more.
                self.steps.removeAll { $0 == .stop(index) }
            } else {
                self.ended.append((index, reason))
            }
        }
    }

    private mutating func restart(
        _ index: Int, after reason: ExitReason, isFailedStart: Bool = false,
        _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch self.children[index].restart {
        case .permanent: break
        case .transient where isFailedStart || !reason.isOrderly: break
        case .transient, .temporary: return try self.goOn(&context)
        }
        self.restarts.removeAll { context.now - $0 > self.intensity.period }
        self.restarts.append(context.now)
        if self.restarts.count > self.intensity.restarts {
            return try self.end(.shutdown, &context)
        }
        let affected =
            switch self.strategy {
            case .oneForOne: index...index
            case .oneForAll: 0...(self.children.count - 1)
            case .restForOne: index...(self.children.count - 1)
            }
        self.ended.removeAll { affected.contains($0.index) }
        // Temporary children do not come back, not even where others take them along.
        let starts = affected.filter { self.children[$0].restart != .temporary }
        self.steps = self.stops(affected) + starts.map { .start($0) }
        try self.goOn(&context)
    }

    private func stops(_ indices: ClosedRange<Int>) -> [Step] {
        indices.reversed().filter { self.running[$0] != nil }.map { .stop($0) }
    }

    /// Stops all children and then itself.
    private mutating func end(
        _ reason: ExitReason, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        self.fate = reason
        self.ended = []
        self.steps = self.children.isEmpty ? [] : self.stops(0...(self.children.count - 1))
        try self.goOn(&context)
    }
}

extension Supervisor {
    /// What it promises, as others read it: `{name, strategy, intensity, period_ms, children: [{name, restart,
    /// shutdown, …}]}`, where `shutdown` is `brutal_kill`, `infinity` or a number of milliseconds. Children that
    /// are supervisors have all of it.
    public func specification(named name: String) -> JSONObject {
        [
            "name": .string(name), "strategy": .string(self.strategy.rawValue),
            "intensity": .int(Int64(self.intensity.restarts)),
            "period_ms": .int(self.intensity.period.microseconds / 1000),
            "children": .array(self.children.map { .object($0.specification) }),
        ]
    }
}

extension Supervisor.Child {
    fileprivate var specification: JSONObject {
        var entry: JSONObject =
            (self.make() as? Supervisor)?.specification(named: self.name)
            ?? ["name": .string(self.name)]
        entry["restart"] = .string(self.restart.rawValue)
        switch self.shutdown {
        case .brutalKill: entry["shutdown"] = "brutal_kill"
        case .infinity: entry["shutdown"] = "infinity"
        case .within(let limit): entry["shutdown"] = .int(limit.microseconds / 1000)
        }
        return entry
    }
}
