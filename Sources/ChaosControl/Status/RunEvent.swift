import ChaosCore

/// Something that happened in a run, as subscribers see it.
package enum RunEvent: Hashable, Sendable {
    /// An injection took effect.
    case injected(InjectionSummary)
    /// An injection is gone.
    case ended(InjectionSummary, Reason, at: Instant)
    /// A node's process changed.
    case node(RunStatus.Node, reason: String?, at: Instant)
    /// Something that people should know.
    case warning(String, at: Instant)
    /// How far the workload is.
    case progress(JSONObject, at: Instant)
    /// The run is over; the verdict, if there was something to check.
    case end(verdict: String?, at: Instant)
    /// So many events were dropped because this subscriber did not read.
    case missed(Int64)

    /// Why an injection is gone.
    package enum Reason: String, CaseIterable, Sendable {
        /// Somebody undid it.
        case command
        /// Its time was up.
        case lease
        /// The run ended.
        case end
    }

    /// The event as one line of the protocol: `event` says what happened, `at` when.
    package var json: JSONValue {
        func event(_ name: String, _ at: Instant, _ members: JSONObject) -> JSONValue {
            .object(
                JSONObject(
                    [("event", .string(name)), ("at", .seconds(at))] + members.members))
        }
        switch self {
        case .injected(let injection): return event("injected", injection.since, injection.object)
        case .ended(let injection, let reason, let at):
            var members = injection.object
            members["reason"] = .string(reason.rawValue)
            return event("ended", at, members)
        case .node(let node, let reason, let at):
            var members: JSONObject = ["node": node.json]
            if let reason { members["reason"] = .string(reason) }
            return event("node", at, members)
        case .warning(let text, let at): return event("warning", at, ["text": .string(text)])
        case .progress(let workload, let at):
            return event("progress", at, ["workload": .object(workload)])
        case .end(let verdict, let at):
            return event("end", at, ["verdict": verdict.map { .string($0) } ?? .null])
        case .missed(let count): return ["event": "missed", "count": .int(count)]
        }
    }

    /// Reads what ``json`` wrote; `nil` for events of other kinds.
    package init?(json: JSONValue) {
        let at = json["at"]?.instantValue ?? .start
        switch json["event"]?.stringValue {
        case "injected":
            guard let injection = try? InjectionSummary(json: json) else { return nil }
            self = .injected(injection)
        case "ended":
            guard let injection = try? InjectionSummary(json: json),
                let reason = json["reason"]?.stringValue.flatMap(Reason.init)
            else { return nil }
            self = .ended(injection, reason, at: at)
        case "node":
            guard let fields = try? StatusFields(json["node"] ?? .null, "node"),
                let node = try? RunStatus.Node(fields)
            else { return nil }
            self = .node(node, reason: json["reason"]?.stringValue, at: at)
        case "warning":
            guard let text = json["text"]?.stringValue else { return nil }
            self = .warning(text, at: at)
        case "progress": self = .progress(json["workload"]?.objectValue ?? [:], at: at)
        case "end": self = .end(verdict: json["verdict"]?.stringValue, at: at)
        case "missed": self = .missed(json["count"]?.intValue ?? 0)
        default: return nil
        }
    }

    /// How many events a `missed` event stands for; `nil` for other events.
    static func missedCount(in event: JSONValue) -> Int64? {
        event["event"] == "missed" ? event["count"]?.intValue : nil
    }
}
