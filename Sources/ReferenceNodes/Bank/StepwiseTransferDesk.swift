import ChaosCore
import NodeKit

/// Moves money as it first comes to mind, and as three students' banks of the course did: `withdraw`, and then `deposit`.
///
/// It answers as ``TransferDesk`` does, and knows a transfer that comes again. What it lacks is what lies between the two steps.
struct StepwiseTransferDesk: Behaviour {
    private static let patience = Duration.seconds(1)

    private enum Step {
        case withdrawal, deposit
    }

    private let flaw: Bank.Flaw
    private var places: AccountPlaces?
    private var calls: [CallReference: (transfer: Transfer, step: Step)] = [:]
    /// Who waits for a transfer, by its name.
    private var waiting: [String: [Caller]] = [:]
    private var answers: [String: JSONObject] = [:]

    init(_ flaw: Bank.Flaw) { self.flaw = flaw }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: self.places = AccountPlaces(context.membership)
        case .call(let body, let caller):
            guard let transfer = Transfer(body["transfer"]) else {
                return context.reply(
                    caller, ["outcome": "busy", "reason": "no transfer was named"])
            }
            if let answer = self.answers[transfer.id] { return context.reply(caller, answer) }
            self.waiting[transfer.id, default: []].append(caller)
            // Somebody has asked already.
            if self.waiting[transfer.id]?.count ?? 0 > 1 { return }
            self.say(transfer, .withdrawal, &context)
        case .answer(let call, let outcome):
            guard let (transfer, step) = self.calls.removeValue(forKey: call) else { return }
            switch step {
            case .withdrawal: self.take(withdrawal: outcome, of: transfer, &context)
            case .deposit: self.take(deposit: outcome, of: transfer, &context)
            }
        default: break
        }
    }

    private mutating func say(
        _ transfer: Transfer, _ step: Step, _ context: inout ProcessContext
    ) {
        guard let places = self.places else { return }
        let isWithdrawal = step == .withdrawal
        let order = AccountOrder(
            isWithdrawal ? .withdrawal : .deposit, amount: transfer.amount,
            description: transfer.description,
            // A deposit is told once and has no name, so nobody knows it again.
            key: isWithdrawal ? transfer.id : nil)
        let address = places.address(of: isWithdrawal ? transfer.from : transfer.to)
        let body: JSONObject = ["type": "order", "order": order.json, "transfer": true]
        if isWithdrawal || self.flaw == .takesOKForError {
            let call = context.call(address, body, within: Self.patience)
            self.calls[call] = (transfer, step)
        } else {
            context.cast(address, body)
        }
    }

    private mutating func take(
        withdrawal outcome: CallOutcome, of transfer: Transfer, _ context: inout ProcessContext
    ) {
        switch outcome {
        // Nobody answers: try again, as whoever gave the order a name may.
        case .timeout, .exited(.noConnection): self.say(transfer, .withdrawal, &context)
        case .exited: self.conclude(transfer, ["outcome": "no-account"], &context)
        case .reply(let body) where body["outcome"]?.stringValue != "done":
            self.conclude(transfer, body, &context)
        case .reply where self.flaw == .failsHalfWay:
            let reason = "no case matches what the withdrawal answered"
            self.conclude(transfer, ["outcome": "broken", "reason": .string(reason)], &context)
        case .reply:
            self.say(transfer, .deposit, &context)
            if self.flaw != .takesOKForError { self.succeed(transfer, &context) }
        }
    }

    private mutating func take(
        deposit outcome: CallOutcome, of transfer: Transfer, _ context: inout ProcessContext
    ) {
        if case .reply(let body) = outcome, body["outcome"]?.stringValue == "done" {
            return self.succeed(transfer, &context)
        }
        self.conclude(
            transfer, ["outcome": "failed", "reason": "the transfer failed"], &context)
    }

    private mutating func succeed(_ transfer: Transfer, _ context: inout ProcessContext) {
        self.conclude(transfer, TransferDesk.done(transfer), &context)
    }

    private mutating func conclude(
        _ transfer: Transfer, _ answer: JSONObject, _ context: inout ProcessContext
    ) {
        self.answers[transfer.id] = answer
        for caller in self.waiting.removeValue(forKey: transfer.id) ?? [] {
            context.reply(caller, answer)
        }
    }
}
