import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario

/// Carries a schedule out: asks the runner what is due, has it done, and waits for what is next.
actor Timeline {
    private var runner: ScheduleRunner
    private let clock: RunClock
    /// Where the schedule's own time begins: when the cluster was ready.
    private let origin: Instant
    private let perform: @Sendable (ScheduledEvent) async -> Void
    private var loop: Task<Void, Never>?
    /// What was asked for last.
    private var last: Task<Void, Never>?
    private var isFinished = false

    init(
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
    var skipped: [SkippedFiring] { self.runner.skipped }

    /// Starts to carry out what is planned.
    func start() { self.wakeUp() }

    /// A node printed a line.
    func observe(log line: String, from node: NodeName) async {
        if self.isFinished { return }
        await self.carryOut(self.runner.observe(log: line, from: node, at: self.now))
    }

    /// A message matched the trigger of an entry.
    func observe(message entry: String, from node: NodeName) async {
        if self.isFinished { return }
        await self.carryOut(self.runner.observe(message: entry, from: node, at: self.now))
    }

    /// Ends everything that is on; nothing happens afterwards.
    func finish() async {
        if self.isFinished { return }
        self.isFinished = true
        self.loop?.cancel()
        await self.carryOut(self.runner.finish(at: self.now))
    }

    /// Has events done one after the other, behind everything that was asked for before: an end must
    /// never overtake its begin.
    private func carryOut(_ events: [ScheduledEvent]) async {
        if events.isEmpty { return }
        let before = self.last
        let perform = self.perform
        let work = Task {
            await before?.value
            for event in events { await perform(event) }
        }
        self.last = work
        await work.value
        self.wakeUp()
    }

    /// Waits for the next deadline in a task of its own, in place of the one before.
    private func wakeUp() {
        self.loop?.cancel()
        guard !self.isFinished, let deadline = self.runner.nextDeadline else { return }
        let wait = max(.zero, deadline - self.now)
        self.loop = Task {
            try? await Task.sleep(for: wait, tolerance: .zero)
            if Task.isCancelled { return }
            await self.carryOutDue()
        }
    }

    private func carryOutDue() async {
        if self.isFinished { return }
        let events = self.runner.due(at: self.now)
        // A timer may be early by a hair; then nothing is due yet.
        if events.isEmpty { self.wakeUp() }
        await self.carryOut(events)
    }
}
