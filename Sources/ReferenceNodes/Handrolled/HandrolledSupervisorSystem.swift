import ChaosCore
import NodeKit

// S32: three counters under a supervisor that somebody wrote by hand, which is itself under one of NodeKit's.
//
//     root
//     ├─ counters            by hand
//     │  ├─ small            5
//     │  ├─ medium           10
//     │  └─ large            50
//     └─ desk                serves clients
//
//     update{counter} -> update_ok{value}    one more
//     value{counter}  -> value_ok{value}
//     echo{echo}      -> echo_ok{echo}       by way of the large one
//     trace           -> trace_ok{tree, events, …}
//
// The administrator can also say break{counter}: it does not start the next time.

extension ReferenceSystem {
    static let handrolledSupervisor = ReferenceSystem(
        name: "handrolled-supervisor", summary: "a supervisor that somebody wrote by hand",
        variants: [
            Variant("counts", "restarts who crashed, three times in 5 s, and stops in order") {
                HandrolledCounters.node([])
            },
            Variant("no-intensity", "restarts without end, and nobody above hears of it") {
                HandrolledCounters.node([.neverGivesUp])
            },
            Variant("restarts-normal", "starts again who has nothing left to do") {
                HandrolledCounters.node([.restartsWhoIsDone])
            },
            Variant("leaves-orphans", "ends in order, and its children do not hear of it") {
                HandrolledCounters.node([.leavesChildren])
            },
            Variant("dies-of-start", "takes a start that fails for its own end") {
                HandrolledCounters.node([.diesOfAFailedStart])
            },
        ])
}

enum HandrolledCounters {
    private static let counters: [(name: String, value: Int64)] = [
        ("small", 5), ("medium", 10), ("large", 50),
    ]

    /// A tree of OTP's with the same promise.
    private static var promise: Supervisor {
        Supervisor(
            .oneForOne,
            [
                Supervisor.Child("counters", shutdown: .infinity) {
                    Supervisor(
                        .oneForOne,
                        Self.counters.map { name, value in
                            Supervisor.Child(name, restart: .transient) {
                                Counter(value: value)
                            }
                        })
                },
                Supervisor.Child("desk") { CounterDesk() },
            ])
    }

    static func node(_ flaws: Set<HandrolledSupervisor.Flaw>) -> ProcessNode {
        ProcessNode(
            requests: ["update": "desk", "value": "desk", "echo": "desk"],
            administration: ["break": "desk"],
            promise: Self.promise.specification(named: "root")
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child("counters", shutdown: .infinity) {
                        HandrolledSupervisor(
                            flaws,
                            Self.counters.map { name, value in
                                HandrolledSupervisor.Child(name: name) { Counter(value: value) }
                            })
                    },
                    Supervisor.Child("desk") { CounterDesk() },
                ])
        }
    }
}

/// A number that begins with a value, each time.
private struct Counter: Behaviour {
    var value: Int64

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            guard context.records.last == "broken" else { return }
            context.append("mended")
            throw .crash("it is broken")
        case .call(let body, let caller):
            switch body["type"]?.stringValue {
            case "update": self.value += 1
            case "break": context.append("broken")
            default: break
            }
            context.reply(caller, ["value": .int(self.value)])
        default: break
        }
    }
}

/// Passes requests on to counters.
private struct CounterDesk: Behaviour {
    private var open: [CallReference: Message] = [:]

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request):
            let counter = request["counter"]?.stringValue ?? "large"
            let call = context.call(
                .name(counter, on: context.pid.node), ["type": .string(request.type)],
                within: .milliseconds(500))
            self.open[call] = request
        case .answer(let call, let outcome):
            guard let request = self.open.removeValue(forKey: call) else { return }
            guard case .reply(var body) = outcome else {
                return context.answer(
                    .error(to: request, .temporarilyUnavailable, "there is no such counter"))
            }
            body["type"] = .string("\(request.type)_ok")
            body["echo"] = request["echo"]
            context.answer(.reply(to: request, body))
        default: break
        }
    }
}
