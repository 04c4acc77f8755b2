/// Starts processes, and starts them again when they end.
///
/// The rules are those of Erlang/OTP's `supervisor` (stdlib, module supervisor): children start in order and stop in
/// reverse; a child that ends is started again with a fresh state, alone or with others as the strategy says;
/// more than ``Intensity/restarts`` restarts within ``Intensity/period`` end the supervisor itself, all its
/// children first, with ``ExitReason/shutdown``, and its own supervisor decides what comes next.
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

    /// What comes when all who are to stop have stopped.
    private enum Then: Sendable {
        case startFrom(Int)
        case end(ExitReason)
    }

    private let strategy: Strategy
    private let intensity: Intensity
    private let children: [Child]
    private var running: [PID?]
    private var restarts: [Duration] = []
    /// Who is still to stop, the last one first, and what comes then.
    private var stopping: (indices: [Int], then: Then)?
    private var parent: PID?

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
            self.start(from: 0, isAgain: false, &context)
        case .exit(let pid, let reason):
            guard let index = self.running.firstIndex(of: pid) else {
                // Its own supervisor asks, or is gone.
                return try self.stop(Array(self.children.indices), then: .end(reason), &context)
            }
            self.running[index] = nil
            try self.childEnded(index, reason, &context)
        case .timer(let name):
            // Who was asked and has not ended.
            guard let index = self.children.firstIndex(where: { "stop \($0.name)" == name }),
                let pid = self.running[index]
            else { return }
            context.exit(pid, .killed)
        case .call(let body, let caller) where body["type"]?.stringValue == "which_children":
            context.reply(caller, ["children": self.listing])
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

    private mutating func start(
        from first: Int, isAgain: Bool, _ context: inout ProcessContext
    ) {
        for index in self.children.indices[first...] where self.running[index] == nil {
            let child = self.children[index]
            // Not even where others take them along.
            if isAgain, child.restart == .temporary { continue }
            self.running[index] = context.spawn(child.make(), name: child.name)
        }
    }

    private mutating func childEnded(
        _ index: Int, _ reason: ExitReason, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        context.cancelTimer("stop \(self.children[index].name)")
        if let stopping = self.stopping {
            self.stopping = (stopping.indices.filter { $0 != index }, stopping.then)
            return try self.stopNext(&context)
        }
        switch self.children[index].restart {
        case .permanent: break
        case .transient where !reason.isOrderly: break
        case .transient, .temporary: return
        }
        self.restarts.removeAll { context.now - $0 > self.intensity.period }
        self.restarts.append(context.now)
        if self.restarts.count > self.intensity.restarts {
            return try self.stop(
                Array(self.children.indices), then: .end(.shutdown), &context)
        }
        switch self.strategy {
        case .oneForOne:
            let child = self.children[index]
            self.running[index] = context.spawn(child.make(), name: child.name)
        case .oneForAll:
            try self.stop(Array(self.children.indices), then: .startFrom(0), &context)
        case .restForOne:
            try self.stop(
                Array(self.children.indices[index...]), then: .startFrom(index), &context)
        }
    }

    private mutating func stop(
        _ indices: [Int], then: Then, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        self.stopping = (indices.reversed().filter { self.running[$0] != nil }, then)
        try self.stopNext(&context)
    }

    private mutating func stopNext(_ context: inout ProcessContext) throws(ProcessExit) {
        guard let stopping = self.stopping else { return }
        guard let index = stopping.indices.first, let pid = self.running[index] else {
            self.stopping = nil
            switch stopping.then {
            case .startFrom(let first):
                return self.start(from: first, isAgain: true, &context)
            case .end(let reason): throw ProcessExit(reason)
            }
        }
        let child = self.children[index]
        switch child.shutdown {
        case .brutalKill: context.exit(pid, .killed)
        case .within(let limit):
            context.setTimer("stop \(child.name)", after: limit)
            context.exit(pid, .shutdown)
        case .infinity: context.exit(pid, .shutdown)
        }
    }
}
