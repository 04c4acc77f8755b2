import Foundation
import Synchronization

/// One soak: the long run, its quiet end, and runs that are killed.
final class Soak {
    private let chaos: String
    private let folder: String
    private let seed: UInt64
    private let seconds: Double
    private let connections: Int
    private let kills: Int
    private let server: SoakServer
    private let violations: SoakViolations
    private var report = SoakReport()

    /// How often what chaos holds is sampled, per second.
    private static let samplesPerSecond = 2.0
    private static let bench = CommandLine.executablePath

    init(
        chaos: String, folder: String, seed: UInt64, seconds: Double, connections: Int, kills: Int
    ) throws {
        self.chaos = chaos
        self.folder = folder
        self.seed = seed
        self.seconds = seconds
        self.connections = connections
        self.kills = kills
        let violations = SoakViolations()
        self.violations = violations
        self.server = try SoakServer { violations.note("server: \($0)") }
    }

    /// Does everything, and judges.
    func run() throws -> SoakReport {
        let before = MachineUsage()
        try self.longRun()
        // chaos and its nodes have ended and were waited for, so their time is in that of our children.
        let others = MachineUsage().othersShare(since: before)
        self.report.note(
            "the machine",
            String(format: "others took %.0f %% of its processors' time", others * 100))
        for index in 0..<self.kills {
            try self.killedRun(index)
        }
        let found = self.violations.all
        self.report.judge("violations", "\(found.count)", found.isEmpty, "none")
        for sentence in found { self.report.fail(sentence) }
        return self.report
    }

    // MARK: - The long run

    private func longRun() throws {
        let cluster = try SoakCluster(
            chaos: self.chaos, bench: Self.bench, server: self.server,
            folder: "\(self.folder)/long", seed: self.seed)
        let idleDescriptors = ProcessUsage.descriptors(of: cluster.process.identifier)
        var generator = SplitMix(seed: self.seed)
        let violations = self.violations
        let load = SoakLoad { violations.note($0) }
        let many = try cluster.startClients(load, many: self.connections, seed: generator.next())
        let changes = SoakChanges(cluster) { violations.note($0) }
        changes.changeNetwork(every: 0.05, seed: generator.next())
        changes.disturbNodes(seed: generator.next())
        let wakeUps = SoakWakeUps()
        let memory = self.sample(cluster, load)
        changes.stop()
        self.reportControl(changes.times.withLock { $0 })
        let lateness = wakeUps.end()
        self.report.note(
            "  a thread that slept",
            String(
                format: "goes on p50 %.2f ms, p99 %.2f ms, most %.1f ms late",
                lateness.microseconds(0.5) / 1000, lateness.microseconds(0.99) / 1000,
                lateness.microseconds(1) / 1000))
        try self.quietEnd(cluster, load, many, idleDescriptors, &generator)
        self.reportLoad(load, memory)
        self.end(cluster)
        try self.judgeFiles(cluster)
    }

    /// Samples until the time is over.
    private func sample(_ cluster: SoakCluster, _ load: SoakLoad) -> SoakMemory {
        var memory = SoakMemory()
        let begin = MonotonicClock.now
        let isTerminal = isatty(2) == 1
        var toldAt = begin
        while MonotonicClock.seconds(since: begin) < self.seconds {
            if !cluster.process.isRunning {
                self.violations.note("chaos has ended; it said '\(cluster.process.lastWords)'")
                break
            }
            memory.sample(cluster.process.identifier)
            if MonotonicClock.seconds(since: toldAt) > (isTerminal ? 1 : 30) {
                toldAt = MonotonicClock.now
                let left = self.seconds - MonotonicClock.seconds(since: begin)
                let counts = load.counts.withLock { $0 }
                let mebibytes = Double(memory.memory.last ?? 0) / 1024 / 1024
                let text =
                    "\(Int(left)) s left: \(counts.complete) exchanges, \(counts.floods) flooded, "
                    + String(format: "%.1f MiB", mebibytes)
                    + ", \(self.violations.count) violations"
                Progress.write(isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n")
            }
            Pause.milliseconds(UInt32(1000 / Self.samplesPerSecond))
        }
        if isTerminal { Progress.write("\r\u{1B}[K") }
        return memory
    }

    private func reportControl(_ times: SoakControlTimes) {
        let requests = times.requests
        let p99 = requests.microseconds(0.99) / 1000
        let median = requests.microseconds(0.5) / 1000
        let greatest = requests.microseconds(1) / 1000
        self.report.judge(
            "control requests",
            "\(requests.sorted.count), "
                + String(format: "p50 %.2f ms, p99 %.2f ms, most %.1f ms", median, p99, greatest),
            p99 <= 10, "p99 at most 10 ms")
        for operation in times.times.keys.sorted() {
            let own = Percentiles(times.times[operation] ?? [])
            self.report.note(
                "  \(operation)",
                "\(own.sorted.count), "
                    + String(
                        format: "p50 %.2f ms, p99 %.2f ms", own.microseconds(0.5) / 1000,
                        own.microseconds(0.99) / 1000)
                    + (SoakControlTimes.waiting.contains(operation) ? " (waits for processes)" : "")
            )
        }
        let refused = times.refused.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        self.report.note("  refused", refused.isEmpty ? "none" : refused.joined(separator: ", "))
    }

    private func reportLoad(_ load: SoakLoad, _ memory: SoakMemory) {
        let counts = load.counts.withLock { $0 }
        self.report.note(
            "exchanges",
            "\(counts.complete) whole, \(counts.broken) broken by faults, "
                + String(format: "%.2f GB back", Double(counts.bytes) / 1e9))
        self.report.note("lines", "\(counts.linesSent) sent, \(counts.linesReturned) returned")
        self.report.note(
            "rude clients",
            "\(counts.floods) connects flooded, \(counts.abandoned) half open, "
                + "\(counts.slow) slow, \(counts.renewed) of the many renewed")
        func mebibytes(_ value: Double) -> String {
            String(format: "%.1f MiB", value / 1024 / 1024)
        }
        let quarters = (0..<4).map { mebibytes(SoakMemory.mean(memory.memory, quarter: $0)) }
        self.report.note("memory by quarters", quarters.joined(separator: ", "))
        self.report.judge(
            "memory growth", mebibytes(memory.growth), memory.growth <= memory.bound,
            "second to last quarter at most \(mebibytes(memory.bound)) (a tenth and 4 MiB)")
        self.report.note(
            "descriptors", "\(memory.descriptors.max() ?? 0) at most")
    }

    // MARK: - Its quiet end

    /// Without faults everything that is open goes on, and everything new is whole.
    private func quietEnd(
        _ cluster: SoakCluster, _ load: SoakLoad, _ many: SoakManyConnections,
        _ idleDescriptors: Int, _ generator: inout SplitMix
    ) throws {
        load.stop()
        let control = try ControlSocket(at: cluster.controlPath)
        for operation in ["heal", "release", "clear"] {
            try control.ask(#"{"op":"\#(operation)"}"#)
        }
        let room = Room(64 << 10)
        // TCP itself may need a while to try again after silence.
        let survivors = try many.useAll(room)
        self.report.judge(
            "open through it all", "\(survivors.alive) of \(self.connections)",
            survivors.stuck == 0, "none stuck after the last heal (\(survivors.stuck))")
        many.close()
        try self.waitForNodes(control)
        var whole = 0
        let targets = ["server"] + SoakCluster.nodes.map { "\($0).raw" }
        for name in targets {
            for _ in 0..<10 {
                let exchange = try SoakExchange(
                    to: cluster.endpoint(name), number: generator.next(),
                    length: generator.number(1...1 << 20), patience: 20)
                let end = try exchange.run(room: room)
                if end == .complete {
                    whole += 1
                } else {
                    self.violations.note("\(name), without faults: \(end) at \(exchange.received)")
                }
            }
        }
        for node in SoakCluster.nodes {
            let outcome = try SoakLines.run(
                to: cluster.endpoint("\(node).lines"), number: generator.next(), count: 200,
                length: 100, patience: 5, room: room)
            let expected = SoakLines.Outcome(sent: 200, returned: 200)
            if outcome == expected {
                whole += 1
            } else {
                self.violations.note("\(node), lines without faults: \(outcome)")
            }
        }
        self.report.note("without faults", "\(whole) of 43 exchanges whole")
        // The peers go on, with some connections each.
        let patience = MonotonicClock.after(10)
        var open = ProcessUsage.descriptors(of: cluster.process.identifier)
        while open > idleDescriptors + 100, MonotonicClock.now < patience {
            Pause.milliseconds(100)
            open = ProcessUsage.descriptors(of: cluster.process.identifier)
        }
        self.report.judge(
            "descriptors at the end", "\(open)", open <= idleDescriptors + 100,
            "at most 100 above the \(idleDescriptors) of the start")
    }

    private func waitForNodes(_ control: ControlSocket) throws {
        let patience = MonotonicClock.after(30)
        while true {
            let status = try SoakStatus(control.ask(#"{"op":"status"}"#))
            if status.nodes.allSatisfy({ $0.state == "running" }) { return }
            if MonotonicClock.now > patience {
                let states = status.nodes.map { "\($0.name) \($0.state)" }
                self.violations.note("not all nodes run again: \(states.joined(separator: ", "))")
                return
            }
            Pause.milliseconds(100)
        }
    }

    // MARK: - What it left

    private func end(_ cluster: SoakCluster) {
        let leftovers = SoakLeftovers(of: cluster)
        let begin = MonotonicClock.now
        cluster.end()
        let seconds = MonotonicClock.seconds(since: begin)
        let left = leftovers.remaining(within: 1).found
        self.report.judge(
            "left behind", left.isEmpty ? "nothing" : left.joined(separator: ", "), left.isEmpty,
            "nothing of \(leftovers.count) processes, sockets and files, after "
                + String(format: "%.1f s", seconds))
    }

    private func judgeFiles(_ cluster: SoakCluster) throws {
        let journal = try SoakJournal(file: "\(cluster.runFolder)/journal.jsonl")
        let total = journal.total
        self.report.judge(
            "bytes of \(journal.connections) connections",
            "received \(total.received) + duplicated \(total.duplicated ?? 0) = "
                + "written \(total.written) + lost \(total.lost ?? 0) + "
                + "discarded \(total.discarded ?? 0)",
            journal.unaccounted.isEmpty && total.isConserved && journal.connections > 0,
            "each connection's counters add up")
        for sentence in journal.unaccounted { self.report.fail(sentence) }
        for (text, count) in journal.warnings.sorted(by: { $0.key < $1.key }) {
            let line = text.split(separator: "\n").first ?? ""
            self.report.note("  warning", "\(count) × \(line)")
        }
        for node in SoakCluster.nodes {
            let log = "\(cluster.runFolder)/nodes/\(node).log"
            guard let text = try? String(contentsOfFile: log, encoding: .utf8) else {
                self.violations.note("\(log) cannot be read")
                continue
            }
            for line in text.split(separator: "\n") where line.contains(SoakNodeCommand.violation) {
                self.violations.note("\(node): \(line)")
            }
        }
    }

    // MARK: - Runs that are killed

    /// Kills chaos, or its guardian, under load; nothing may be left.
    private func killedRun(_ index: Int) throws {
        var generator = SplitMix(seed: self.seed &+ UInt64(index) &+ 1)
        let cluster = try SoakCluster(
            chaos: self.chaos, bench: Self.bench, server: self.server,
            folder: "\(self.folder)/killed\(index)", seed: self.seed &+ UInt64(index))
        let violations = self.violations
        let load = SoakLoad { violations.note($0) }
        let many = try cluster.startClients(load, many: 200, seed: generator.next())
        // What is said to a control socket whose owner was killed is no violation.
        let changes = SoakChanges(cluster) { _ in }
        changes.changeNetwork(every: 0.02, seed: generator.next())
        Pause.milliseconds(UInt32(generator.number(300...1500)))
        let leftovers = SoakLeftovers(of: cluster)
        let isGuardian = index % 4 == 2
        var victim = cluster.process.identifier
        if isGuardian, let guardian = leftovers.processes(named: "chaos-guardian").first {
            victim = guardian
        }
        kill(victim, SIGKILL)
        // The zombie of chaos is ours to bury.
        let patience = MonotonicClock.after(10)
        while cluster.process.isRunning, MonotonicClock.now < patience { Pause.milliseconds(5) }
        let (found, seconds) = leftovers.remaining(within: 10)
        load.stop()
        changes.stop()
        many.close()
        self.report.judge(
            "kill -9 of \(isGuardian ? "the guardian" : "chaos")",
            found.isEmpty ? "nothing left" : found.joined(separator: ", "), found.isEmpty,
            "\(leftovers.count) processes, sockets and files gone after "
                + String(format: "%.2f s", seconds))
        cluster.process.end()
    }
}

/// What went wrong, as sentences of all threads.
final class SoakViolations: Sendable {
    private let sentences = Mutex<[String]>([])
    /// As many are kept; more would say no more.
    private static let kept = 1000

    func note(_ sentence: String) {
        let isNew = self.sentences.withLock { sentences in
            if sentences.count >= Self.kept { return false }
            sentences.append(sentence)
            return sentences.count <= 20
        }
        if isNew { Progress.write("\(sentence)\n") }
    }

    var all: [String] { self.sentences.withLock { $0 } }
    var count: Int { self.sentences.withLock { $0.count } }
}
