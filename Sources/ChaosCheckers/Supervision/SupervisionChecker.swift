import ChaosCore

/// Compares what supervisors did with what they promise (Erlang/OTP, `supervisor`): every event of a trace with the
/// one that must come next by a model of the whole tree.
///
/// The trace is the value of the last `trace` of each node, `{tree, events: [{event, name, pid, reason, at_us}], at_us}`, with
/// events `started`, `ready`, `terminated` and `asked` (by somebody outside of the tree); or it is the operations `started` and `terminated` themselves, whose value is `{child,
/// pid, reason}`, of one supervisor of which nothing else is known; their invocations do not matter. Reason `normal` is a normal end,
/// `shutdown` and `killed` an end by the supervisor, any other a crash.
/// - **wrong-order**: children do not start in order, each when the one before has begun, or are not stopped in reverse.
/// - **not-restarted**, **not-stopped**: a child that should be up is not, one that should be stopped is up.
/// - **needless-restart**: a child was started that should not have been, or a sibling was stopped that had nothing to do with it.
/// - **same-pid**: a restarted child has its old pid. **orphan**: a child is up after its supervisor ended.
/// - **unseen-start**: a child ended of which nobody had said that it was up.
/// - **no-escalation**: restarts went on past the intensity. **early-escalation**: a supervisor gave up before.
/// - **wrong-shutdown**: a child was killed before its time, after it, or asked when it was to be killed.
///
/// Linear in the trace, times the number of children.
package struct SupervisionChecker: Checker {
    /// What to compare with; `nil` takes each node's word.
    package let tree: SupervisionTree?

    package init(tree: SupervisionTree?) { self.tree = tree }

    package var name: String { "supervision" }

    package func check(_ history: History) -> Finding {
        var traces: [String: JSONValue] = [:]
        for operation in history.operations
        where operation.function == "trace" && operation.kind == .ok {
            traces[operation.node ?? ""] = operation.value
        }
        var total = Total()
        for (node, trace) in traces.sorted(by: { $0.key < $1.key }) {
            guard let tree = self.tree ?? trace["tree"].flatMap({ SupervisionTree(json: $0) })
            else { continue }
            let events = (trace["events"]?.arrayValue ?? []).compactMap { Event(json: $0) }
            let count = trace["count"]?.intValue ?? Int64(events.count)
            total.add(
                events, tree, at: Event.instant(trace["at_us"]),
                isWhole: count == Int64(events.count), waitsForReady: true,
                place: node.isEmpty ? "" : "\(node): ")
            total.eventCount += Int(clamping: count) - events.count
        }
        let events = history.operations.compactMap { Event($0) }
        if let tree = self.tree, !events.isEmpty {
            total.add(
                events, tree, at: events.last?.time, isWhole: true,
                waitsForReady: false, place: "")
        }
        return Finding(
            checker: self.name, found: total.found,
            gap: total.eventCount == 0 ? "nothing was started" : nil,
            praise:
                "\(counted(total.endCount, "end")) of children and"
                + " \(counted(total.escalationCount, "escalation")) handled as promised",
            statistics: [
                "event_count": .int(Int64(total.eventCount)),
                "end_count": .int(Int64(total.endCount)),
                "restart_count": .int(Int64(total.restartCount)),
                "escalation_count": .int(Int64(total.escalationCount)),
            ])
    }
}

/// What the traces of all nodes come to.
private struct Total {
    var found: [(name: String, line: String)] = []
    var eventCount = 0
    var endCount = 0
    var restartCount = 0
    var escalationCount = 0

    mutating func add(
        _ events: [Event], _ tree: SupervisionTree, at end: Instant?, isWhole: Bool,
        waitsForReady: Bool, place: String
    ) {
        var model = SupervisionModel(
            tree, isRootSeen: events.contains { $0.name == tree.name },
            waitsForReady: waitsForReady)
        for event in events where model.knows(event.name) {
            self.eventCount += 1
            switch event.kind {
            case .started: model.started(event.name, pid: event.pid, at: event.time)
            case .ready: model.isReady(event.name, at: event.time)
            case .asked: model.asked(event.name, at: event.time)
            case .terminated(let reason):
                model.terminated(event.name, reason: reason, at: event.time)
            }
        }
        model.finish(at: end ?? events.last?.time ?? .start, isWhole: isWhole)
        self.found += model.found.map { ($0.name, place + $0.line) }
        self.endCount += model.endCount
        self.restartCount += model.restartCount
        self.escalationCount += model.escalationCount
    }
}

/// One event of a trace.
private struct Event {
    enum Kind: Hashable {
        case started, ready, asked
        case terminated(String)

        init?(_ word: String?, reason: JSONValue?) {
            switch word {
            case "started": self = .started
            case "ready": self = .ready
            case "asked": self = .asked
            case "terminated": self = .terminated(reason?.stringValue ?? "crash")
            default: return nil
            }
        }
    }

    let kind: Kind
    let name: String
    let pid: JSONValue
    let time: Instant

    static func instant(_ microseconds: JSONValue?) -> Instant? {
        microseconds?.intValue.map { Instant(nanoseconds: $0 &* 1000) }
    }

    /// An event as a node tells it.
    init?(json: JSONValue) {
        guard let kind = Kind(json["event"]?.stringValue, reason: json["reason"]),
            let name = json["name"]?.stringValue, let time = Self.instant(json["at_us"])
        else { return nil }
        self.kind = kind
        self.name = name
        self.pid = json["pid"] ?? .null
        self.time = time
    }

    /// An event that is an operation of its own.
    init?(_ operation: Operation) {
        guard operation.kind != .invoke, ["started", "terminated"].contains(operation.function),
            let kind = Kind(operation.function, reason: operation.value["reason"]),
            let name = operation.value["child"]?.stringValue
        else { return nil }
        self.kind = kind
        self.name = name
        self.pid = operation.value["pid"] ?? .null
        self.time = operation.time
    }
}
