import ChaosCore
import NodeKit

/// Has tasks run for clients and waits for them.
///
/// Every task has a reference of its own and one outcome: its result, the reason of its end, or `timeout`. A task
/// that takes too long and is to be killed is killed first and then spoken of: until the runner says so it may
/// still end well, and then its result counts.
struct TaskDesk: Behaviour {
    private struct Task {
        let request: Message
        let mustBeKilled: Bool
        var monitor: MonitorReference?
        /// Whether its end is no longer heard of for certain, so that the next timer is the last word.
        var isLost = false
    }

    /// How long the runner may take to answer a kill.
    private static let patience = Duration.seconds(1)

    let flaws: Set<Tasks.Flaw>
    private var tasks: [Int64: Task] = [:]
    private var reads: [CallReference: Message] = [:]
    private var count: Int64 = 0

    init(flaws: Set<Tasks.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request) where request.type == "read":
            let node = context.membership.members.first ?? context.pid.node
            let call = context.call(
                .name(Tasks.sum, on: node), ["type": "sum"], within: Self.patience)
            self.reads[call] = request
        case .request(let request): self.start(request, &context)
        case .answer(let call, let outcome):
            guard let request = self.reads.removeValue(forKey: call) else { return }
            guard case .reply(let body) = outcome, let value = body["value"]?.intValue else {
                return context.answer(.error(to: request, .temporarilyUnavailable, "no sum"))
            }
            context.answer(.readOk(to: request, value))
        case .cast(let body) where body["type"]?.stringValue == "result":
            let reference =
                self.flaws.contains(.takesAnyResult)
                ? self.tasks.keys.min() : body["ref"]?.intValue
            if let reference { self.end(reference, "ok", body["value"] ?? nil, &context) }
        case .cast(let body): self.noteEnd(body, &context)
        case .down(let monitor, _, let reason):
            guard let reference = self.tasks.first(where: { $0.value.monitor == monitor })?.key
            else { return }
            // Behind a cut the task may live, and its result may still come, but not for ever.
            if reason == .noConnection {
                self.tasks[reference]?.monitor = nil
                self.tasks[reference]?.isLost = true
                return context.setTimer(String(reference), after: Self.patience)
            }
            self.end(reference, "noconnection", nil, &context)
        case .timer(let name):
            if let reference = Int64(name) { self.runOut(reference, &context) }
        default: break
        }
    }

    private mutating func start(_ request: Message, _ context: inout ProcessContext) {
        self.count += 1
        let reference = self.count
        var body: JSONObject = ["type": "execute"]
        var limit: Int64?
        switch request.type {
        case "echo":
            body["task"] = "echo"
            body["value"] = request["echo"]
            body["work_ms"] = 10
        case "add":
            body["task"] = "add"
            body["value"] = request["delta"]
            body["work_ms"] = 100
            limit = 250
        default:
            for key in ["task", "value", "work_ms"] { body[key] = request[key] }
            limit = request["within_ms"]?.intValue
        }
        body["ref"] = .int(reference)
        body["desk"] = .string(context.membership.id)
        let runner = Self.runner(context)
        let monitor = self.flaws.contains(.watchesNobody) ? nil : context.monitor(runner)
        self.tasks[reference] = Task(
            request: request,
            mustBeKilled: request.type == "add" || request["kill"]?.boolValue == true,
            monitor: monitor)
        context.cast(runner, body)
        if let limit { context.setTimer(String(reference), after: .milliseconds(limit)) }
    }

    private static func runner(_ context: ProcessContext) -> ProcessAddress {
        .name(Tasks.runner, on: context.membership.members.first ?? context.pid.node)
    }

    /// A task did not end in time, or the runner did not say that it is killed.
    private mutating func runOut(_ reference: Int64, _ context: inout ProcessContext) {
        guard let task = self.tasks[reference] else { return }
        if task.isLost { return self.end(reference, "noconnection", nil, &context) }
        if !task.mustBeKilled { return self.end(reference, "timeout", nil, &context) }
        context.cast(
            Self.runner(context),
            [
                "type": "kill", "ref": .int(reference), "desk": .string(context.membership.id),
            ])
        if self.flaws.contains(.saysKilled) {
            return self.end(reference, "killed", nil, &context)
        }
        self.tasks[reference]?.isLost = true
        context.setTimer(String(reference), after: Self.patience)
    }

    /// The runner says how a task ended that has no result.
    private mutating func noteEnd(_ body: JSONObject, _ context: inout ProcessContext) {
        guard let reference = body["ref"]?.intValue, !self.flaws.contains(.watchesNobody) else {
            return
        }
        switch body["reason"]?.stringValue {
        case ExitReason.killed.description: self.end(reference, "killed", nil, &context)
        // It ended before it could be killed, so its result is on its way, for as long as one waits for that.
        case ExitReason.noProcess.description: break
        default: self.end(reference, "crashed", nil, &context)
        }
    }

    /// Answers who waits for a task, once.
    private mutating func end(
        _ reference: Int64, _ outcome: String, _ value: JSONValue, _ context: inout ProcessContext
    ) {
        guard let task = self.tasks.removeValue(forKey: reference) else { return }
        if let monitor = task.monitor { context.demonitor(monitor) }
        context.cancelTimer(String(reference))
        let request = task.request
        if request.type == "run" {
            return context.answer(
                .reply(
                    to: request,
                    ["type": "run_ok", "outcome": .string(outcome), "value": value]))
        }
        switch outcome {
        case "ok" where request.type == "add": context.answer(.addOk(to: request))
        case "ok": context.answer(.reply(to: request, ["type": "echo_ok", "echo": value]))
        case "killed": context.answer(.error(to: request, .abort, "it was killed"))
        case "crashed": context.answer(.error(to: request, .crash, "it crashed"))
        default: context.answer(.error(to: request, .timeout, "nobody knows how it ended"))
        }
    }
}
