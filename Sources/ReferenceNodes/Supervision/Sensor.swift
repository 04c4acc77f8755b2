import ChaosCore
import NodeKit

/// Answers with what it is asked, if it is calibrated. It has begun when the registry knows it.
struct Sensor: Behaviour {
    let flaws: Set<SupervisedSensors.Flaw>
    /// A whole number, unless something went wrong.
    private var calibration: JSONValue = 0

    init(flaws: Set<SupervisedSensors.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.readyLater()
            try self.recall(context.records)
            _ = context.call(
                .name(SupervisedSensors.registry, on: context.pid.node),
                ["type": "register", "pid": context.pid.json], within: .seconds(1))
        case .answer(_, .reply): context.ready()
        case .answer: throw .crash("there is no registry")
        case .call(let body, let caller):
            guard self.calibration.intValue != nil else { throw .crash("it is not calibrated") }
            context.reply(caller, ["echo": body["echo"] ?? nil])
        case .cast(let body):
            try self.take(body, &context)
            if self.flaws.contains(.keepsState) { context.append(self.calibration) }
        default: break
        }
    }

    private mutating func take(
        _ body: JSONObject, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        if body["type"]?.stringValue == "corrupt" {
            self.calibration = "garbage"
            return
        }
        let value = body["value"] ?? nil
        if self.flaws.contains(.storesUnchecked) { context.append(value) }
        guard value.intValue != nil else {
            if self.flaws.contains(.storesUnchecked) { throw .crash("\(value.text) is no number") }
            return
        }
        if !self.flaws.contains(.storesUnchecked) { context.append(value) }
        self.calibration = value
    }

    /// Goes on where the one before it stood. What cannot be read is left out: a sensor that is calibrated as it
    /// was before is better than none.
    private mutating func recall(_ records: [JSONValue]) throws(ProcessExit) {
        if self.flaws.contains(.keepsState) {
            self.calibration = records.last ?? 0
        } else if self.flaws.contains(.storesUnchecked) {
            if let last = records.last, last.intValue == nil {
                throw .crash("\(last.text) is no number")
            }
            self.calibration = records.last ?? 0
        } else {
            self.calibration = records.last { $0.intValue != nil } ?? 0
        }
    }
}
