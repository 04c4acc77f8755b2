import ChaosCore
import NodeKit

// S20: tasks that run in processes of their own on the first node, and are waited for elsewhere.
//
//     run{task, value, work_ms, within_ms, kill} -> run_ok{outcome, value}
//     echo{echo} -> echo_ok{echo}    a task that says the same, 10 ms later; waited for
//     add{delta} -> add_ok           a task that adds, 100 ms later; killed where it takes more than 250 ms
//     read       -> read_ok{value}   what was added
//
// `task` is echo, add or crash; the outcome is ok, crashed, killed or timeout.
//
// Between nodes: execute{ref, …} and kill{ref} to the runner, result{ref, value} and ended{ref, reason} to the desk.

extension ReferenceSystem {
    static let tasks = ReferenceSystem(
        name: "tasks", summary: "tasks that are started, waited for, and killed",
        variants: [
            Variant("monitored", "every task ends in one way, which who waits for it is told") {
                Tasks.node([])
            },
            Variant("no-monitor", "waits for a result, and for nothing else") {
                Tasks.node([.watchesNobody])
            },
            Variant("says-killed", "says that a task is killed as soon as it wants it to be") {
                Tasks.node([.saysKilled])
            },
            Variant("any-result", "the result that comes is taken for the one that is waited for") {
                Tasks.node([.takesAnyResult])
            },
        ])
}

enum Tasks {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        case watchesNobody
        case saysKilled
        case takesAnyResult
    }

    static let desk = "desk"
    static let runner = "runner"
    static let sum = "sum"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(
            requests: [
                "run": Self.desk, "echo": Self.desk, "add": Self.desk, "read": Self.desk,
            ]
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.sum) { TaskSum() },
                    Supervisor.Child(Self.runner) { TaskRunner() },
                    Supervisor.Child(Self.desk) { TaskDesk(flaws: flaws) },
                ])
        }
    }
}

/// What the tasks have added: the effect that they leave behind.
private struct TaskSum: Behaviour {
    private var value: Int64 = 0

    var snapshot: [JSONValue]? { [.int(self.value)] }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: self.value = context.records.last?.intValue ?? 0
        case .cast(let body):
            self.value += body["value"]?.intValue ?? 0
            context.append(.int(self.value))
        case .call(_, let caller): context.reply(caller, ["value": .int(self.value)])
        default: break
        }
    }
}
