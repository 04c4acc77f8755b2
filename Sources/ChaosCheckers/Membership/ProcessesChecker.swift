import ChaosCore

/// Checks processes that are watched from other nodes, and a service that runs once: `spawn` of `{node, lives, ends}` ended with a process
/// (`<n1.3.7>`: node, life, number), `monitor` of one with the monitor's name (`n2.1.4`), `exit` of `{pid, reason}`, `service` with the
/// epoch of the node's instance or null, and at the end `downs` of each node with `{life, downs: [{ref, pid, reason}]}`.
///
/// - **lost-down**: a process ended, or its node did, and a monitor was not told.
/// - **twice-down**: a monitor was told twice.
/// - **wrong-reason**: a monitor was told something that cannot be why: `noproc` of a process that nobody had ended when the monitor was set,
///   another reason than anybody's. (`noconnection` is always possible: whether a node could be heard, only it knows.)
/// - **two-instances**, **no-instance**: of the service, in the end.
///
/// Linear in the operations. Unknown where no monitor was told anything, or no service was seen.
package struct ProcessesChecker: Checker {
    /// How long a monitor may take to be told.
    package let within: Duration
    private var isDisturbed = false

    package init(within: Duration = .seconds(2)) { self.within = within }

    package var name: String { "processes" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.isDisturbed = !disturbances.isEmpty || !absent.isEmpty
        return copy
    }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let ends = ProcessEnds(invocations)
        let finals = invocations.filter { $0.begin.isFinal && $0.outcome == .ok }
        let reports = DownReports(finals)
        var found = self.service(finals)
        var watchCount = 0
        for watch in invocations where watch.begin.function == "monitor" && watch.outcome == .ok {
            guard let name = watch.end?.value.stringValue,
                let pid = watch.begin.value.stringValue,
                let report = reports.report(ofMonitor: name)
            else { continue }
            watchCount += 1
            let told = report.reasons[name] ?? []
            let what = "monitor \(name) of \(pid)"
            if told.count > 1 {
                let reasons = told.joined(separator: ", ")
                found.append(("twice-down", "\(what) was told twice: \(reasons)"))
            }
            if told.isEmpty, report.time > (watch.end?.time ?? .start) + self.within,
                let why = ends.certainEnd(of: pid, before: report.time - self.within, reports)
            {
                found.append(("lost-down", "\(what) was not told: \(why)"))
            }
            for reason in told where !self.isPossible(reason, pid, watch, ends) {
                found.append(("wrong-reason", "\(what) was told '\(reason)'"))
            }
        }
        let toldCount = reports.toldCount
        let gap =
            toldCount == 0
            ? "no monitor was told anything"
            : finals.contains { $0.begin.function == "service" }
                ? nil : "nobody told of the service in the end"
        return Finding(
            checker: self.name, found: found, gap: gap,
            praise: "\(counted(watchCount, "monitor")), of which \(toldCount) were told, each once"
                + " and rightly",
            statistics: [
                "monitor_count": .int(Int64(watchCount)), "told_count": .int(Int64(toldCount)),
            ])
    }

    private func isPossible(
        _ reason: String, _ pid: String, _ watch: Invocation, _ ends: ProcessEnds
    ) -> Bool {
        switch reason {
        case "noconnection": true
        // Whatever ended it had begun before the monitor was set.
        case "noproc":
            self.isDisturbed
                || ends.earliestEnd(of: pid).map { $0 < (watch.end?.time ?? .start) } == true
        default: ends.reasons(of: pid).contains(reason)
        }
    }

    private func service(_ finals: [Invocation]) -> [(name: String, line: String)] {
        var running: [String: Int64] = [:]
        var asked: Set<String> = []
        for read in finals where read.begin.function == "service" {
            guard let node = read.begin.node else { continue }
            asked.insert(node)
            running[node] = read.end?.value.intValue
        }
        if asked.isEmpty || running.count == 1 { return [] }
        if running.isEmpty { return [("no-instance", "the service runs nowhere in the end")] }
        let places = running.sorted { $0.key < $1.key }.map { "\($0.key) (epoch \($0.value))" }
        return [("two-instances", "the service runs on \(places.joined(separator: " and "))")]
    }
}

/// What the nodes said in the end that monitors were told.
private struct DownReports {
    struct Report {
        /// The node's life in which it said so.
        let life: Int64
        /// When it was asked.
        let time: Instant
        var reasons: [String: [String]] = [:]
    }

    private var reports: [String: Report] = [:]

    init(_ finals: [Invocation]) {
        for read in finals where read.begin.function == "downs" {
            guard let node = read.begin.node, let value = read.end?.value,
                let life = value["life"]?.intValue
            else { continue }
            var report = Report(life: life, time: read.begin.time)
            for down in value["downs"]?.arrayValue ?? [] {
                guard let name = down["ref"]?.stringValue, let reason = down["reason"]?.stringValue
                else { continue }
                report.reasons[name, default: []].append(reason)
            }
            self.reports[node] = report
        }
    }

    var toldCount: Int { self.reports.values.reduce(0) { $0 + $1.reasons.count } }

    /// What the node of a monitor said, if it is still in the life in which the monitor was set.
    func report(ofMonitor name: String) -> Report? {
        guard let (node, life) = Self.nodeAndLife(name), let report = self.reports[node],
            report.life == life
        else { return nil }
        return report
    }

    /// Whether a process's node has begun another life.
    func isOver(nodeOf pid: String) -> Bool {
        guard let (node, life) = Self.nodeAndLife(String(pid.dropFirst().dropLast())),
            let report = self.reports[node]
        else { return false }
        return report.life != life
    }

    /// The first parts of `n2.1.4`.
    private static func nodeAndLife(_ name: String) -> (String, Int64)? {
        let parts = name.split(separator: ".")
        guard parts.count > 2, let life = Int64(parts[parts.count - 2]) else { return nil }
        return (parts.dropLast(2).joined(separator: "."), life)
    }
}

/// Why and when processes ended, as far as clients know.
private struct ProcessEnds {
    private var spawns: [String: Invocation] = [:]
    private var exits: [String: [Invocation]] = [:]

    init(_ invocations: [Invocation]) {
        for invocation in invocations {
            switch invocation.begin.function {
            case "spawn":
                if let pid = invocation.end?.value.stringValue, invocation.outcome == .ok {
                    self.spawns[pid] = invocation
                }
            case "exit" where invocation.outcome != .fail:
                guard let pid = invocation.begin.value["pid"]?.stringValue else { continue }
                self.exits[pid, default: []].append(invocation)
            default: break
            }
        }
    }

    private func lifetime(of pid: String) -> (begin: Instant, end: Instant, Duration)? {
        guard let spawn = self.spawns[pid], let end = spawn.end,
            let lives = spawn.begin.value["lives"]?.intValue
        else { return nil }
        return (spawn.begin.time, end.time, .milliseconds(lives))
    }

    /// When it may have ended at the earliest.
    func earliestEnd(of pid: String) -> Instant? {
        let own = self.lifetime(of: pid).map { $0.begin + $0.2 }
        return ((self.exits[pid] ?? []).map(\.begin.time) + [own].compactMap { $0 }).min()
    }

    /// With what it may have ended.
    func reasons(of pid: String) -> Set<String> {
        var reasons = (self.exits[pid] ?? []).compactMap { $0.begin.value["reason"]?.stringValue }
        if self.lifetime(of: pid) != nil, let spawn = self.spawns[pid] {
            reasons.append(spawn.begin.value["ends"]?.stringValue ?? "normal")
        }
        return Set(reasons)
    }

    /// Why it had certainly ended by then.
    func certainEnd(of pid: String, before time: Instant, _ reports: DownReports) -> String? {
        if let exit = self.exits[pid]?.first(where: { $0.outcome == .ok && $0.begin.time < time }),
            let end = exit.end, end.time < time
        {
            let reason = exit.begin.value["reason"]?.stringValue ?? ""
            return "it ended with '\(reason)' at \(moment(end.time))"
        }
        // Its own clock may be as slow as it likes by a factor of two.
        if let (_, end, lives) = self.lifetime(of: pid), end + lives * 2 < time {
            return "it ended by itself at \(moment(end + lives))"
        }
        return reports.isOver(nodeOf: pid) ? "its node has ended since" : nil
    }
}
