import ChaosCore
import NodeKit

/// Serves clients: asks the registry who measures, and then that one. Every request is answered, with an error
/// where nobody measures.
struct SensorDesk: Behaviour {
    private static let patience = Duration.milliseconds(500)

    private enum Stage {
        case looksUp
        case measures
    }

    private var open: [CallReference: (request: Message, stage: Stage)] = [:]

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request) where request.type == "echo":
            let call = context.call(
                .name(SupervisedSensors.registry, on: context.pid.node), ["type": "pick"],
                within: Self.patience)
            self.open[call] = (request, .looksUp)
        case .request(let request): self.tell(request, &context)
        case .answer(let call, let outcome):
            guard let (request, stage) = self.open.removeValue(forKey: call) else { return }
            switch (stage, outcome) {
            case (.looksUp, .reply(let body)):
                guard let sensor = PID(json: body["pid"]) else {
                    return context.answer(
                        .error(to: request, .temporarilyUnavailable, "nobody measures"))
                }
                let call = context.call(
                    .pid(sensor), ["type": "measure", "echo": request["echo"] ?? nil],
                    within: Self.patience)
                self.open[call] = (request, .measures)
            case (.measures, .reply(let body)):
                context.answer(
                    .reply(to: request, ["type": "echo_ok", "echo": body["echo"] ?? nil]))
            case (_, .exited(let reason)):
                context.answer(.error(to: request, .temporarilyUnavailable, reason.description))
            case (_, .timeout):
                context.answer(.error(to: request, .timeout, "no answer in time"))
            }
        default: break
        }
    }

    /// Passes on what the administrator says to a sensor.
    private func tell(_ request: Message, _ context: inout ProcessContext) {
        let name = request["sensor"]?.stringValue ?? ""
        var body: JSONObject = ["type": .string(request.type)]
        body["value"] = request["value"]
        context.cast(.name(name, on: context.pid.node), body)
        context.answer(.reply(to: request, ["type": .string("\(request.type)_ok")]))
    }
}
