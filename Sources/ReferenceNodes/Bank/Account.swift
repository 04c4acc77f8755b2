import ChaosCore
import NodeKit

/// The process of one account: takes orders one after the other, and takes part in transfers.
///
///     order{kind, amount, description, key}  -> {outcome, …}, see ``Ledger``
///     show                                   -> {outcome, account}
///     list{…}                                -> {outcome, entries, next}, see ``StatementQuery``
///     prepare{tx, ops}, decide{tx, outcome}  -> vote, ack, see ``TransactionParticipant``
///
/// Nothing is said before it is on disk. What is promised to a transfer cannot be withdrawn; deposits need not wait for it.
struct Account: Behaviour {
    private static let timer = "promises"
    private static let interval = Duration.milliseconds(100)

    private let id: String
    private let flaw: Bank.Flaw?
    private var participant: TransactionParticipant<Ledger>

    init(_ id: String, _ flaw: Bank.Flaw?) {
        self.id = id
        self.flaw = flaw
        self.participant = TransactionParticipant(Ledger(of: id))
    }

    private var ledger: Ledger { self.participant.accounts }

    /// What happened, and what is promised.
    var snapshot: [JSONValue]? {
        // Who forgets must not be helped.
        if self.flaw == .forgets { return nil }
        return [self.ledger.record] + self.participant.snapshot
    }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        self.participant.accounts.date = Bank.date(context)
        switch mail {
        case .started: self.recall(context.records)
        case .call(let body, let caller): context.reply(caller, self.answer(body, &context))
        // Nobody waits for what a flawed teller says.
        case .cast(let body): _ = self.answer(body, &context)
        case .timer:
            for effect in self.participant.run(at: context.now) {
                self.perform(effect, &context)
            }
        default: break
        }
        if !self.participant.isIdle { context.setTimer(Self.timer, after: Self.interval) }
    }

    private mutating func recall(_ records: [JSONValue]) {
        for record in records {
            self.participant.accounts.date = record["at"]?.intValue ?? 0
            self.participant.accounts.recall(record)
            self.participant.recall(record)
        }
    }

    private mutating func answer(_ body: JSONObject, _ context: inout ProcessContext) -> JSONObject
    {
        switch body["type"]?.stringValue {
        case "order":
            guard let order = AccountOrder(body["order"]) else { return [:] }
            let (answer, record) = self.participant.accounts.take(
                order, promised: self.participant.promised(from: self.id))
            if let record { self.note(record, &context) }
            // What a deposit in OTP's manner answers, where it is told and not asked for.
            let isBare = self.flaw == .takesOKForError && order.kind == .deposit
            return isBare && body["transfer"] != nil ? ["outcome": "ok"] : answer
        case "show" where self.ledger.initial != nil:
            return ["outcome": "done", "account": .object(self.ledger.summary)]
        case "list" where self.ledger.initial != nil:
            return StatementQuery(body).page(of: self.ledger.entries)
        case "prepare", "decide": return self.takePart(body, &context)
        default: return ["outcome": "no-account"]
        }
    }

    /// Lets the participant have a message of the coordinator's; what it says to him is the answer.
    private mutating func takePart(
        _ body: JSONObject, _ context: inout ProcessContext
    ) -> JSONObject {
        let coordinator = body["coordinator"]?.stringValue ?? ""
        let message = Message(from: coordinator, to: self.id, body: body)
        let effects =
            message.type == "prepare"
            ? self.participant.prepare(message, CrashPlan(), at: context.now)
            : self.participant.decide(message, CrashPlan())
        var answer: JSONObject = [:]
        for effect in effects {
            if case .send(_, let body) = effect {
                answer = body
            } else {
                self.perform(effect, &context)
            }
        }
        return answer
    }

    private func perform(_ effect: Effect, _ context: inout ProcessContext) {
        switch effect {
        case .append(let record): self.note(record.objectValue ?? [:], &context)
        case .send(let coordinator, var body):
            body["account"] = .string(self.id)
            context.cast(.name(Bank.transfers, on: coordinator), body)
        default: break
        }
    }

    /// Writes down what happened, and when.
    private func note(_ record: JSONObject, _ context: inout ProcessContext) {
        var record = record
        let isOpening = AccountOrder(record["done"])?.kind == .open
        if self.flaw == .forgets, !isOpening { return }
        record["at"] = .int(self.ledger.date)
        context.append(.object(record))
    }
}

/// Starts the accounts that belong on this node as they are opened, and starts them again when they end: one_for_one, for children
/// of whom nobody knew (OTP's `DynamicSupervisor`).
///
///     keep{account} -> {}
///     list          -> {accounts}
struct AccountKeeper: Behaviour {
    private let flaw: Bank.Flaw?
    private var accounts: [PID: String] = [:]

    init(_ flaw: Bank.Flaw?) { self.flaw = flaw }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            context.trapExits()
            for record in context.records {
                if let account = record.stringValue { self.start(account, &context) }
            }
        case .call(let body, let caller):
            if body["type"]?.stringValue == "list" {
                let names = self.accounts.values.sorted().map { JSONValue.string($0) }
                return context.reply(caller, ["accounts": .array(names)])
            }
            if let account = body["account"]?.stringValue, !self.accounts.values.contains(account) {
                context.append(.string(account))
                self.start(account, &context)
            }
            context.reply(caller, [:])
        case .exit(let pid, let reason):
            // Somebody else who is linked is its supervisor, who asks it to end.
            guard let account = self.accounts.removeValue(forKey: pid) else {
                throw ProcessExit(reason)
            }
            self.start(account, &context)
        default: break
        }
    }

    private mutating func start(_ account: String, _ context: inout ProcessContext) {
        let pid = context.spawn(
            Account(account, self.flaw), name: Bank.process(of: account), isLinked: true)
        self.accounts[pid] = account
    }
}
