import ChaosCore
import NodeKit

/// Knows which processes measure. It remembers nothing when it starts again: whoever registered with the one
/// before has to do so again.
///
///     register{pid} -> {}     pick -> {pid}, the next one in turn, or {} where there is none
struct SensorRegistry: Behaviour {
    private var sensors: [(pid: PID, monitor: MonitorReference)] = []
    private var turn = 0

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .call(let body, let caller) where body["type"]?.stringValue == "register":
            if let pid = PID(json: body["pid"]) {
                self.sensors.append((pid, context.monitor(.pid(pid))))
            }
            context.reply(caller, [:])
        case .call(_, let caller):
            if self.sensors.isEmpty { return context.reply(caller, [:]) }
            self.turn = (self.turn + 1) % self.sensors.count
            context.reply(caller, ["pid": self.sensors[self.turn].pid.json])
        case .down(let monitor, _, _): self.sensors.removeAll { $0.monitor == monitor }
        default: break
        }
    }
}
