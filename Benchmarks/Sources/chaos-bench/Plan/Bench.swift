import Foundation

/// What a run of the bench found.
struct BenchOutcome {
    let startedAt: Date
    var machine: Machine
    let versions: [String]
    let plan: Plan
    var samples = Samples()
    /// Measurements that failed, one sentence each.
    var problems: [String] = []
}

/// One interleaved run: every repeat measures every target, one after the other.
final class Bench {
    private let plan: Plan
    private let place: TargetPlace
    private let server: BenchServer
    private var outcome: BenchOutcome
    private var progress: Progress

    init(_ plan: Plan, _ place: TargetPlace, versions: [String]) throws {
        self.plan = plan
        self.place = place
        self.server = try BenchServer(ports: Target.allCases.count)
        self.outcome = BenchOutcome(
            startedAt: Date(), machine: Machine(), versions: versions, plan: plan)
        let each =
            Measure.compared.count * Target.compared.count + Measure.ofDelay.count
        let memory = plan.memoryRepeats * (Target.compared.count - 1)
        self.progress = Progress(total: plan.repeats * each + memory)
    }

    /// Measures everything.
    func run() throws -> BenchOutcome {
        let before = MachineUsage()
        let ownBefore = Self.ownSeconds
        try self.measureLoad()
        try self.measureMemory()
        self.progress.finish()
        self.outcome.samples.derive()
        // Targets have ended and were waited for, so their time is in that of our children.
        self.outcome.machine.finish(from: before, ownSeconds: Self.ownSeconds - ownBefore)
        return self.outcome
    }

    private static var ownSeconds: Double {
        func seconds(_ who: __rusage_who_t) -> Double {
            var usage = rusage()
            getrusage(who, &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
        return seconds(RUSAGE_SELF.rawValue) + seconds(RUSAGE_CHILDREN.rawValue)
    }

    private func start(_ target: Target) throws -> RunningTarget {
        let index = Target.allCases.firstIndex(of: target) ?? 0
        let running = try target.start(before: self.server.endpoints[index], self.place)
        try running.waitUntilReady(within: 10)
        return running
    }

    // MARK: - Load

    private func measureLoad() throws {
        var running: [RunningTarget] = []
        defer { for target in running { target.end() } }
        for target in Target.allCases { running.append(try self.start(target)) }
        let compared = running.filter { Target.compared.contains($0.target) }
        let delayed = running.filter { !Target.compared.contains($0.target) }
        for index in 0..<self.plan.repeats {
            for (offset, measure) in Measure.compared.enumerated() {
                // Each target comes first once, so that none is always behind the same other.
                let shift = (index + offset) % compared.count
                let order = compared[shift...] + compared[..<shift]
                for target in order { self.measure(measure, target, repeat: index) }
            }
            for measure in Measure.ofDelay {
                for target in delayed { self.measure(measure, target, repeat: index) }
            }
        }
    }

    private func measure(_ measure: Measure, _ target: RunningTarget, repeat index: Int) {
        self.progress.next(
            "repeat \(index + 1) of \(self.plan.repeats)",
            "\(measure.title), \(target.target.title)")
        do {
            for (figure, value) in try measure.run(on: target, self.plan) {
                self.outcome.samples.note(value, figure, target.target, repeat: index)
            }
        } catch {
            self.outcome.problems.append(
                "\(target.target.title), \(measure.title), repeat \(index + 1): \(error)")
        }
    }

    // MARK: - Memory

    private func measureMemory() throws {
        for index in 0..<self.plan.memoryRepeats {
            for target in Target.compared where target != .direct {
                self.progress.next(
                    "memory, repeat \(index + 1) of \(self.plan.memoryRepeats)", target.title)
                do {
                    try self.measureMemory(of: target, repeat: index)
                } catch {
                    self.outcome.problems.append("\(target.title), memory: \(error)")
                }
            }
        }
    }

    /// Memory is measured on a program that was just started: what was freed is reused, and would
    /// hide what a connection costs.
    private func measureMemory(of target: Target, repeat index: Int) throws {
        let running = try self.start(target)
        defer { running.end() }
        let count = self.plan.idleConnections
        func perConnection(since empty: Int) -> Double {
            Pause.milliseconds(300)
            return Double((running.usage?.memory ?? 0) - empty) / 1024 / Double(count)
        }
        Pause.milliseconds(100)
        let empty = running.usage?.memory ?? 0
        let idle = try IdleConnections(count, to: running.endpoint)
        // Swift would close the sockets after their last use, before memory is read.
        try withExtendedLifetime(idle) {
            self.outcome.samples.note(
                perConnection(since: empty), .idleMemory, target, repeat: index)
            try idle.exchangeBursts()
            self.outcome.samples.note(
                perConnection(since: empty), .idleMemoryAfterBurst, target, repeat: index)
        }
    }
}
