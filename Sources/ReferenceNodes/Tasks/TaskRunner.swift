import ChaosCore
import NodeKit

/// Starts tasks, each in a process of its own, and tells who waits how each of them ended: with its result, or with
/// the reason of its end. Exactly one of the two.
struct TaskRunner: Behaviour {
    private struct Running {
        let pid: PID
        let desk: String
        let reference: Int64
    }

    private var running: [Running] = []

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: context.trapExits()
        case .cast(let body):
            guard let desk = body["desk"]?.stringValue, let reference = body["ref"]?.intValue else {
                return
            }
            if body["type"]?.stringValue == "execute" {
                let pid = context.spawn(TaskProcess(task: body))
                self.running.append(Running(pid: pid, desk: desk, reference: reference))
            } else if let task = self.running.first(where: {
                $0.desk == desk && $0.reference == reference
            }) {
                context.exit(task.pid, .killed)
            } else {
                // It has ended, and its result is on its way, if nothing happened to it.
                Self.tell(desk, reference, .noProcess, &context)
            }
        case .exit(let pid, let reason):
            guard let place = self.running.firstIndex(where: { $0.pid == pid }) else {
                throw ProcessExit(reason)
            }
            let task = self.running.remove(at: place)
            // Who ends normally has sent its result.
            if reason != .normal { Self.tell(task.desk, task.reference, reason, &context) }
        default: break
        }
    }

    private static func tell(
        _ desk: String, _ reference: Int64, _ reason: ExitReason, _ context: inout ProcessContext
    ) {
        context.cast(
            .name(Tasks.desk, on: desk),
            ["type": "ended", "ref": .int(reference), "reason": .string(reason.description)])
    }
}

/// One task: works for a while, then does what it is for and says so, at one moment.
private struct TaskProcess: Behaviour {
    let task: JSONObject

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.setTimer("work", after: .milliseconds(self.task["work_ms"]?.intValue ?? 0))
        case .timer:
            let value = self.task["value"] ?? nil
            switch self.task["task"]?.stringValue {
            case "crash": throw .crash("crashed")
            case "add": context.cast(.name(Tasks.sum, on: context.pid.node), ["value": value])
            default: break
            }
            if let desk = self.task["desk"]?.stringValue {
                context.cast(
                    .name(Tasks.desk, on: desk),
                    ["type": "result", "ref": self.task["ref"] ?? nil, "value": value])
            }
            throw ProcessExit(.normal)
        default: break
        }
    }
}
