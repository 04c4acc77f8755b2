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
        self.progress = Progress(total: plan.measurements)
    }

    /// Measures everything.
    func run() throws -> BenchOutcome {
        let before = MachineUsage()
        try self.measureLoad()
        self.measureFreshPrograms()
        self.progress.finish()
        self.outcome.samples.derive(links: self.plan.links)
        // Targets have ended and were waited for, so their time is in that of our children.
        self.outcome.machine.finish(from: before)
        return self.outcome
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
        for target in self.plan.targets { running.append(try self.start(target)) }
        for index in 0..<self.plan.repeats {
            for (offset, measure) in self.plan.measures.enumerated()
            where !measure.isOnFreshPrograms {
                let targets = running.filter { measure.targets.contains($0.target) }
                if targets.isEmpty { continue }
                // Each target comes first once, so that none is always behind the same other.
                let shift = (index + offset) % targets.count
                for target in targets[shift...] + targets[..<shift] {
                    self.measure(measure, target, repeat: index, of: self.plan.repeats)
                }
            }
        }
    }

    private func measure(
        _ measure: Measure, _ target: RunningTarget, repeat index: Int, of count: Int
    ) {
        self.progress.next(
            "\(measure.isOnFreshPrograms ? "started anew, " : "")repeat \(index + 1) of \(count)",
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

    // MARK: - Programs that were just started

    private func measureFreshPrograms() {
        for index in 0..<self.plan.memoryRepeats {
            for measure in self.plan.measures where measure.isOnFreshPrograms {
                for target in self.plan.targets where measure.targets.contains(target) {
                    do {
                        let running = try self.start(target)
                        defer { running.end() }
                        self.measure(
                            measure, running, repeat: index, of: self.plan.memoryRepeats)
                    } catch {
                        self.outcome.problems.append(
                            "\(target.title), \(measure.title): \(error)")
                    }
                }
            }
        }
    }
}
