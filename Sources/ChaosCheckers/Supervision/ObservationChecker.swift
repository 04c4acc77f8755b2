import ChaosCore

/// Compares what an observer showed with what there was: each `observe`, `{tree: [{name, pid, restarts, children}], nodes: {NAME:
/// up or unknown}, at_us}`, with the last `trace` of the same node (``SupervisionChecker``).
///
/// - **dead-shown**: a process is shown that ended longer ago than ``within``. **missing**: one is not that began longer ago.
/// - **wrong-restarts**: the number of restarts is none that was right within that time.
/// - **not-a-tree**: a process is shown twice, or there is more than one root.
/// - **shown-healthy**: links were cut for longer than ``silence``, and nobody showed any node as unknown.
///
/// Linear in the observations, times the number of processes that ever were.
package struct ObservationChecker: Checker {
    /// How old what is shown may be.
    package let within: Duration
    /// After how long an unreachable node has to be shown as unknown.
    package static let silence = Duration.milliseconds(1500)

    private var disturbances: [Disturbance] = []

    package init(within: Duration) { self.within = within }

    package var name: String { "observer" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.disturbances = disturbances
        return copy
    }

    package func check(_ history: History) -> Finding {
        var lives: [String: ProcessLives] = [:]
        for operation in history.operations
        where operation.function == "trace" && operation.kind == .ok {
            lives[operation.node ?? ""] = ProcessLives(trace: operation.value)
        }
        let seen = history.operations.filter { $0.function == "observe" && $0.kind == .ok }
        var found: [(name: String, line: String)] = []
        var compared = 0
        for operation in seen {
            guard let lives = lives[operation.node ?? ""], lives.isOfOneLife(operation.value)
            else { continue }
            compared += 1
            let place = "\(operation.node ?? "") at \(moment(operation.time))"
            found += lives.deviations(of: operation.value, within: self.within).map {
                ($0.name, "\($0.line), seen on \(place)")
            }
        }
        found += self.blindness(seen)
        return Finding(
            checker: self.name, found: found,
            gap: compared == 0 ? "nothing that was seen can be compared with a trace" : nil,
            praise: "\(counted(compared, "look")) showed what there was",
            statistics: ["compared_count": .int(Int64(compared))])
    }

    private func blindness(_ seen: [Operation]) -> [(name: String, line: String)] {
        self.disturbances.filter(\.isCut).compactMap { cut in
            let from = cut.begin + Self.silence
            let looks = seen.filter { from <= $0.time && $0.time <= cut.end }
            let isKnown = looks.contains { look in
                look.value["nodes"]?.objectValue?.members.contains { $0.value == "unknown" } == true
            }
            if looks.isEmpty || isKnown { return nil }
            return (
                "shown-healthy",
                "links were cut from \(moment(cut.begin)) to \(moment(cut.end)), and"
                    + " \(counted(looks.count, "look")) showed every node as up"
            )
        }
    }
}

/// When the processes of a node began and ended.
private struct ProcessLives {
    private struct Life {
        let name: String
        let begin: Int64
        var end: Int64?
    }

    private var lives: [String: Life] = [:]
    private var order: [String] = []

    init(trace: JSONValue) {
        for event in trace["events"]?.arrayValue ?? [] {
            guard let pid = event["pid"]?.stringValue, let time = event["at_us"]?.intValue else {
                continue
            }
            switch event["event"]?.stringValue {
            case "started":
                let name = event["name"]?.stringValue ?? ""
                self.lives[pid] = Life(name: name, begin: time)
                self.order.append(pid)
            case "terminated": self.lives[pid]?.end = time
            default: break
            }
        }
    }

    /// Whether what was seen is of the life of the node that the trace is of: pids have its number.
    func isOfOneLife(_ seen: JSONValue) -> Bool {
        guard let known = self.order.first, let shown = Self.nodes(seen["tree"]).first else {
            return true
        }
        func life(_ pid: String) -> Substring { pid.split(separator: ".").dropLast().last ?? "" }
        return life(known) == life(shown["pid"]?.stringValue ?? "")
    }

    private static func nodes(_ tree: JSONValue?) -> [JSONValue] {
        (tree?.arrayValue ?? []).flatMap { [$0] + Self.nodes($0["children"]) }
    }

    func deviations(
        of seen: JSONValue, within: Duration
    ) -> [(name: String, line: String)] {
        guard let now = seen["at_us"]?.intValue else { return [] }
        let earlier = now - within.wholeNanoseconds / 1000
        var found: [(name: String, line: String)] = []
        if (seen["tree"]?.arrayValue?.count ?? 0) > 1 {
            found.append(("not-a-tree", "there is more than one root"))
        }
        var shown: Set<String> = []
        for node in Self.nodes(seen["tree"]) {
            let pid = node["pid"]?.stringValue ?? ""
            let text = "\(node["name"]?.stringValue ?? "") \(pid)"
            if !shown.insert(pid).inserted {
                found.append(("not-a-tree", "\(text) is shown twice"))
            }
            if let end = self.lives[pid]?.end, end < earlier {
                let age = Duration.microseconds(now - end).roundedText
                found.append(("dead-shown", "\(text) is shown \(age) after its end"))
            } else if self.lives[pid] == nil {
                found.append(("dead-shown", "\(text) is shown and never was"))
            }
            let name = node["name"]?.stringValue ?? ""
            let restarts = node["restarts"]?.intValue ?? 0
            let possible = self.restarts(of: name, at: earlier)...self.restarts(of: name, at: now)
            if !possible.contains(restarts) {
                found.append(
                    (
                        "wrong-restarts",
                        "\(text) was restarted \(possible.upperBound) times, shown is \(restarts)"
                    ))
            }
        }
        for pid in self.order where !shown.contains(pid) {
            guard let life = self.lives[pid], life.begin < earlier, life.end ?? now >= now else {
                continue
            }
            found.append(("missing", "\(life.name) \(pid) is not shown"))
        }
        return found
    }

    private func restarts(of name: String, at time: Int64) -> Int64 {
        let starts = self.lives.values.count { $0.name == name && $0.begin <= time }
        return Int64(max(0, starts - 1))
    }
}
