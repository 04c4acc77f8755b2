import NodeKit

/// A supervisor as one writes it in an afternoon: one for one, from a list of children, by nothing but links.
///
/// Without flaws it does what ``NodeKit/Supervisor`` does with `one_for_one` and transient children. Each flaw is
/// something that an afternoon's supervisor forgets.
struct HandrolledSupervisor: Behaviour {
    /// What is forgotten.
    enum Flaw: Sendable {
        /// That restarts have to be counted.
        case neverGivesUp
        /// That a child may be done.
        case restartsWhoIsDone
        /// That children live on when their supervisor ends in order.
        case leavesChildren
        /// That a child may not start again.
        case diesOfAFailedStart
    }

    /// A child to be.
    struct Child: Sendable {
        let name: String
        let make: @Sendable () -> any Behaviour
    }

    /// Three restarts in five seconds are survived.
    private static let restartsMax = 3
    private static let period = Duration.seconds(5)
    /// How long a child that was asked to end may take; then it is killed.
    private static let shutdown = Duration.seconds(5)
    private static let shutdownTimer = "shutdown"

    private let flaws: Set<Flaw>
    private let children: [Child]
    private var running: [PID?]
    /// Who was started and has not begun yet.
    private var starting: Set<Int> = []
    private var hasBegun = false
    private var restarts: [Duration] = []
    /// With what it ends when all children have stopped.
    private var fate: ExitReason?

    init(_ flaws: Set<Flaw>, _ children: [Child]) {
        self.flaws = flaws
        self.children = children
        self.running = Array(repeating: nil, count: children.count)
    }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.trapExits()
            context.readyLater()
            self.start(0, &context)
        case .ready(let pid):
            guard let index = self.running.firstIndex(of: pid) else { return }
            self.starting.remove(index)
            if self.hasBegun { return }
            if index + 1 < self.children.count { return self.start(index + 1, &context) }
            self.hasBegun = true
            context.ready()
        case .exit(let pid, let reason):
            guard let index = self.running.firstIndex(of: pid) else {
                return try self.stop(reason, &context)
            }
            self.running[index] = nil
            if let fate = self.fate { return try self.stop(fate, &context) }
            try self.childEnded(index, reason, &context)
        case .timer:
            guard self.fate != nil, let last = self.running.last(where: { $0 != nil }),
                let pid = last
            else { return }
            context.exit(pid, .killed)
        default: break
        }
    }

    private mutating func start(_ index: Int, _ context: inout ProcessContext) {
        let child = self.children[index]
        self.running[index] = context.spawn(child.make(), name: child.name)
        self.starting.insert(index)
    }

    private mutating func childEnded(
        _ index: Int, _ reason: ExitReason, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        let isFailedStart = self.starting.remove(index) != nil
        if isFailedStart, self.flaws.contains(.diesOfAFailedStart) {
            throw .crash("bad return value: {stop, \(reason)}")
        }
        if isFailedStart, !self.hasBegun {
            let sentence = "its child '\(self.children[index].name)' did not start: \(reason)"
            return try self.stop(.crash(sentence), &context)
        }
        if !isFailedStart, reason.isOrderly, !self.flaws.contains(.restartsWhoIsDone) { return }
        self.restarts.removeAll { context.now - $0 > Self.period }
        self.restarts.append(context.now)
        if self.restarts.count > Self.restartsMax, !self.flaws.contains(.neverGivesUp) {
            return try self.stop(.shutdown, &context)
        }
        self.start(index, &context)
    }

    /// Asks the last child that is up to end, and ends when none is.
    private mutating func stop(
        _ reason: ExitReason, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        if self.fate == nil, reason.isOrderly, self.flaws.contains(.leavesChildren) {
            throw ProcessExit(reason)
        }
        self.fate = reason
        guard let last = self.running.lastIndex(where: { $0 != nil }), let pid = self.running[last]
        else { throw ProcessExit(reason) }
        context.setTimer(Self.shutdownTimer, after: Self.shutdown)
        context.exit(pid, .shutdown)
    }
}
