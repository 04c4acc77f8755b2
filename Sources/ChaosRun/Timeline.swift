import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario

/// Carries a schedule out: asks the runner what is due, has it done, and waits for what is next.
///
/// What concerns the network and what concerns processes go on side by side, each in its order: an
/// end never overtakes its begin, and a node that is slow to stop delays no heal.
package actor Timeline {
    private enum Lane: Hashable, CaseIterable { case network, processes }

    private var runner: ScheduleRunner
    private let clock: RunClock
    /// Where the schedule's own time begins: when the cluster was ready.
    private let origin: Instant
    private let perform: @Sendable (ScheduledEvent) async -> Void
    private var loop: Task<Void, Never>?
    /// What was asked for last in each lane.
    private var last: [Lane: Task<Void, Never>] = [:]
    private var isFinished = false

    /// Prepares a schedule; ``start()`` starts it.
    ///
    /// `perform` does one event and returns when it has taken effect.
    package init(
        _ runner: ScheduleRunner, clock: RunClock, origin: Instant,
        perform: @escaping @Sendable (ScheduledEvent) async -> Void
    ) {
        self.runner = runner
        self.clock = clock
        self.origin = origin
        self.perform = perform
    }

    /// The schedule's own time.
    private var now: Instant {
        Instant(nanoseconds: self.clock.now.nanoseconds - self.origin.nanoseconds)
    }

    /// The firings of nemeses that found no room in their budgets.
    package var skipped: [SkippedFiring] { self.runner.skipped }

    /// Starts to carry out what is planned.
    package func start() { self.wakeUp() }

    /// A node printed a line. What it triggers begins at once; nobody waits for it here.
    package func observe(log line: String, from node: NodeName) {
        if self.isFinished { return }
        self.carryOut(self.runner.observe(log: line, from: node, at: self.now))
    }

    /// A message matched the trigger of an entry, which begins at once.
    package func observe(message entry: String, from node: NodeName) {
        if self.isFinished { return }
        self.carryOut(self.runner.observe(message: entry, from: node, at: self.now))
    }

    /// Ends everything that is on; nothing happens afterwards.
    package func finish() async {
        if !self.isFinished {
            self.isFinished = true
            self.loop?.cancel()
            self.carryOut(self.runner.finish(at: self.now))
        }
        for lane in Lane.allCases { await self.last[lane]?.value }
    }

    /// Has events done behind everything that was asked for before in their lanes.
    private func carryOut(_ events: [ScheduledEvent]) {
        for lane in Lane.allCases {
            let own = events.filter { Self.lane(of: $0.action) == lane }
            if own.isEmpty { continue }
            let before = self.last[lane]
            let perform = self.perform
            self.last[lane] = Task {
                await before?.value
                for event in own { await perform(event) }
            }
        }
        self.wakeUp()
    }

    /// An end's action is of the same kind as its begin's, so both are in one lane.
    private static func lane(of action: ConcreteAction) -> Lane {
        switch action {
        case .process, .tell: .processes
        case .partition, .faults, .heal: .network
        }
    }

    /// Waits for the next deadline in a task of its own, in place of the one before.
    private func wakeUp() {
        self.loop?.cancel()
        guard !self.isFinished, let deadline = self.runner.nextDeadline else { return }
        let wait = max(.zero, deadline - self.now)
        self.loop = Task {
            guard (try? await Task.sleep(for: wait, tolerance: .zero)) != nil else { return }
            self.carryOutDue()
        }
    }

    /// A timer may be early by a hair; then nothing is due yet, and the next one is waited for.
    private func carryOutDue() {
        if !self.isFinished { self.carryOut(self.runner.due(at: self.now)) }
    }
}
