import ChaosCore
import NodeKit

/// Moves money between accounts, wherever they are: the coordinator of two-phase commit (``TransactionCoordinator``), with the
/// processes of accounts as participants.
///
///     transfer{transfer} -> {outcome, transfer}    done; refused: too little money; no-account; key-reused; or busy: not done
///
/// A transfer that comes again under its name is answered as it was, also with a refusal. What is busy was not done, and may be tried
/// under the same name.
struct TransferDesk: Behaviour {
    private static let timer = "transactions"
    private static let interval = Duration.milliseconds(50)
    /// How long an account is waited for: longer than until it is asked again, and as long as anybody cares.
    private static let patience = Duration.seconds(1)

    private var places: AccountPlaces?
    private var coordinator: TransactionCoordinator?
    /// The transfers that were refused lately, by their names.
    private var refused = RecentEntries<String, Transfer>()
    /// Who waits for a transfer: the coordinator knows requests by number.
    private var waiting: [Int64: (transfer: Transfer, caller: Caller)] = [:]
    /// Who waits until both accounts have what is decided.
    private var settling: [(transfer: Transfer, caller: Caller)] = []
    private var count: Int64 = 0
    /// What accounts were asked.
    private var calls: [CallReference: (account: String, type: String, tx: JSONValue)] = [:]

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: self.start(&context)
        case .call(let body, let caller):
            guard let transfer = Transfer(body["transfer"]) else {
                return context.reply(
                    caller, ["outcome": "busy", "reason": "no transfer was named"])
            }
            self.take(transfer, from: caller, &context)
        case .answer(let call, let outcome): self.take(outcome, of: call, &context)
        case .cast(let body):
            // A participant in doubt.
            let account = body["account"]?.stringValue ?? ""
            let message = Message(from: account, to: Bank.transfers, body: body)
            self.perform(self.coordinator?.answer(status: message), &context)
        case .timer:
            self.perform(self.coordinator?.run(CrashPlan(), at: context.now), &context)
        default: break
        }
        self.settle(&context)
        if self.coordinator?.isIdle == false { context.setTimer(Self.timer, after: Self.interval) }
    }

    private mutating func start(_ context: inout ProcessContext) {
        self.places = AccountPlaces(context.membership)
        self.coordinator = TransactionCoordinator(
            // No transaction of an earlier life of this process has the name of one of this life.
            namePrefix: context.pid.description, records: context.records,
            randomness: context.randomness,
            // Each account takes part for itself.
            holder: { $0 })
        for record in context.records {
            if let transfer = Transfer(record["refused"]) {
                self.refused.note(transfer, for: transfer.id)
            }
        }
    }

    /// The transfers that would be known again, and who has not heard of a decision.
    var snapshot: [JSONValue]? {
        guard let coordinator else { return nil }
        return coordinator.snapshot + self.refused.entries.map { ["refused": $0.value.json] }
    }

    private mutating func take(
        _ transfer: Transfer, from caller: Caller, _ context: inout ProcessContext
    ) {
        if let known = self.refused[transfer.id] {
            let outcome = known == transfer ? "refused" : "key-reused"
            return context.reply(caller, ["outcome": .string(outcome), "replayed": true])
        }
        if self.coordinator?.hasCarriedOut(transfer) == true {
            var answer = Self.done(transfer)
            answer["replayed"] = true
            return context.reply(caller, answer)
        }
        self.count += 1
        self.waiting[self.count] = (transfer, caller)
        let request = Message(
            from: Bank.teller, to: Bank.transfers, body: ["msg_id": .int(self.count)])
        self.perform(
            self.coordinator?.transfer(transfer, for: request, CrashPlan(), at: context.now),
            &context)
    }

    /// The answer to a transfer that is done.
    static func done(_ transfer: Transfer) -> JSONObject {
        var body: JSONObject = [
            "from": .string(transfer.from), "to": .string(transfer.to),
            "amount": .int(transfer.amount),
        ]
        if !transfer.description.isEmpty { body["description"] = .string(transfer.description) }
        return ["outcome": "done", "transfer": .object(body)]
    }

    // MARK: Between coordinator and accounts

    /// Takes in what an account says to what the coordinator has said.
    private mutating func take(
        _ outcome: CallOutcome, of call: CallReference, _ context: inout ProcessContext
    ) {
        guard let (account, type, tx) = self.calls.removeValue(forKey: call) else { return }
        let body: JSONObject
        switch outcome {
        case .reply(let answer): body = answer
        case .exited(.noProcess) where type == "prepare":
            body = [
                "type": "vote", "tx": tx, "vote": "no", "reason": "unknown account",
                "account": .string(account),
            ]
        // The coordinator asks again.
        case .exited, .timeout: return
        }
        let message = Message(from: account, to: Bank.transfers, body: body)
        switch message.type {
        case "vote":
            self.perform(
                self.coordinator?.take(vote: message, CrashPlan(), at: context.now), &context)
        case "ack": self.perform(self.coordinator?.take(ack: message, CrashPlan()), &context)
        default: break
        }
    }

    private mutating func perform(_ effects: [Effect]?, _ context: inout ProcessContext) {
        for effect in effects ?? [] {
            switch effect {
            case .append(let record): context.append(record)
            case .send(let account, var body):
                guard let places = self.places else { continue }
                body["coordinator"] = .string(context.pid.node)
                let call = context.call(
                    places.address(of: account), body, within: Self.patience)
                self.calls[call] = (account, body["type"]?.stringValue ?? "", body["tx"] ?? nil)
            case .reply(let request, let body): self.conclude(request, body, &context)
            default: break
            }
        }
    }

    /// Tells who waits that a transfer is done, when its accounts show it: who is told sees it.
    private mutating func settle(_ context: inout ProcessContext) {
        let done = self.settling.filter { self.coordinator?.hasCarriedOut($0.transfer) == true }
        if done.isEmpty { return }
        self.settling.removeAll { self.coordinator?.hasCarriedOut($0.transfer) == true }
        for (transfer, caller) in done { context.reply(caller, Self.done(transfer)) }
    }

    /// Tells who waits what became of a transfer.
    private mutating func conclude(
        _ request: Message, _ body: JSONObject, _ context: inout ProcessContext
    ) {
        guard let id = request.id, let (transfer, caller) = self.waiting.removeValue(forKey: id)
        else { return }
        if body["type"]?.stringValue == "transfer_ok" {
            self.settling.append((transfer, caller))
            return
        }
        switch ErrorCode(rawValue: body["code"]?.intValue ?? 0) {
        case .preconditionFailed:
            if self.refused[transfer.id] == nil {
                self.refused.note(transfer, for: transfer.id)
                context.append(["refused": transfer.json])
            }
            context.reply(caller, ["outcome": "refused"])
        case .keyDoesNotExist:
            context.reply(caller, ["outcome": "no-account", "reason": body["text"] ?? nil])
        case .malformedRequest: context.reply(caller, ["outcome": "key-reused"])
        default: context.reply(caller, ["outcome": "busy", "reason": body["text"] ?? nil])
        }
    }
}
