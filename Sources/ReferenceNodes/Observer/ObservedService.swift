import ChaosCore
import NodeKit

/// Answers with what it is asked.
struct ObservedConnection: Behaviour {
    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        guard case .call(let body, let caller) = mail else { return }
        context.reply(caller, ["echo": body["echo"] ?? nil])
    }
}

/// Counts, now and then, how many processes there are.
struct ObservedTelemetry: Behaviour {
    private static let interval = Duration.seconds(1)
    private var processCount = 0

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started, .timer:
            context.takeCensus()
            context.setTimer("poll", after: Self.interval)
        case .census(let records): self.processCount = records.count
        case .call(_, let caller):
            context.reply(caller, ["processes": .int(Int64(self.processCount))])
        default: break
        }
    }
}

/// Serves clients by way of a connection; of one that does not answer in time it takes the other.
struct ObservedEndpoint: Behaviour {
    private static let patience = Duration.milliseconds(200)

    private var open: [CallReference: (request: Message, isSecond: Bool)] = [:]
    private var turn = 0

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .call(_, let caller): context.reply(caller, [:])
        case .request(let request): self.ask(for: request, isSecond: false, &context)
        case .answer(let call, let outcome):
            guard let (request, isSecond) = self.open.removeValue(forKey: call) else { return }
            if case .reply(let body) = outcome {
                context.answer(
                    .reply(to: request, ["type": "echo_ok", "echo": body["echo"] ?? nil]))
            } else if isSecond {
                context.answer(
                    .error(to: request, .temporarilyUnavailable, "no connection answers"))
            } else {
                self.ask(for: request, isSecond: true, &context)
            }
        default: break
        }
    }

    private mutating func ask(
        for request: Message, isSecond: Bool, _ context: inout ProcessContext
    ) {
        self.turn = (self.turn + 1) % Observed.connections.count
        let call = context.call(
            .name(Observed.connections[self.turn], on: context.pid.node),
            ["type": "query", "echo": request["echo"] ?? nil], within: Self.patience)
        self.open[call] = (request, isSecond)
    }
}
