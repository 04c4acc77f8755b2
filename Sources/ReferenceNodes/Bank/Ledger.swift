import ChaosCore
import NodeKit

/// What somebody wants of one account.
struct AccountOrder: Hashable, Sendable {
    enum Kind: String, Sendable {
        case open, deposit, withdrawal
    }

    let kind: Kind
    /// In cents: from 0 for an opening, above 0 for all else.
    let amount: Int64
    let description: String
    /// What comes again under one key is done once. Without one nobody knows that it comes again.
    let key: String?

    init(_ kind: Kind, amount: Int64, description: String, key: String?) {
        self.kind = kind
        self.amount = amount
        self.description = description
        self.key = key
    }

    init?(_ json: JSONValue?) {
        guard let json, let kind = json["kind"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let amount = json["amount"]?.intValue
        else { return nil }
        self.init(
            kind, amount: amount, description: json["description"]?.stringValue ?? "",
            key: json["key"]?.stringValue)
    }

    var json: JSONValue {
        var order: JSONObject = [
            "kind": .string(self.kind.rawValue), "amount": .int(self.amount),
            "description": .string(self.description),
        ]
        if let key { order["key"] = .string(key) }
        return .object(order)
    }
}

/// What happened to one account. The entries are the account: its balance is what they come to, and who has them has all of it
/// (event sourcing).
///
/// What was decided goes into the log, and the next life decides nothing anew: it takes in what was decided. So do the answers, by
/// their keys: an order that comes again gets the answer that it got.
struct Ledger: TransactionAccounts {
    private let account: String
    /// What the account was opened with; `nil` while it is not open.
    private(set) var initial: Int64?
    private(set) var entries: [LedgerEntry] = []
    private var answers: [String: (order: AccountOrder, answer: JSONObject)] = [:]
    private var opened: Int64 = 0
    /// The date of what happens next, in milliseconds since 1970.
    var date: Int64 = 0

    init(of account: String) { self.account = account }

    var balance: Int64 { self.entries.last?.balance ?? self.initial ?? 0 }

    /// Decides what becomes of an order.
    ///
    /// - Parameter promised: How much of the balance is not to be had any more.
    /// - Returns: The answer, and what belongs into the log: nothing where nothing was decided.
    mutating func take(
        _ order: AccountOrder, promised: Int64
    ) -> (answer: JSONObject, record: JSONObject?) {
        if let known = order.key.flatMap({ self.answers[$0] }) {
            if known.order != order { return (["outcome": "key-reused"], nil) }
            var answer = known.answer
            answer["replayed"] = true
            return (answer, nil)
        }
        if order.kind != .open, self.initial == nil { return (["outcome": "no-account"], nil) }
        let isDone =
            switch order.kind {
            case .open: self.initial == nil
            case .deposit: true
            case .withdrawal: self.balance - promised >= order.amount
            }
        return (self.carryOut(order, isDone: isDone), [isDone ? "done" : "refused": order.json])
    }

    /// Takes in a record of the log; those of others are not its business.
    mutating func recall(_ record: JSONValue) {
        if let order = AccountOrder(record["done"]) {
            _ = self.carryOut(order, isDone: true)
        } else if let order = AccountOrder(record["refused"]) {
            _ = self.carryOut(order, isDone: false)
        } else if let ledger = record["ledger"] {
            self.restore(ledger)
        }
    }

    /// All of it, as one record: what happened stays, and how it came about is over.
    var record: JSONValue {
        let answers = self.answers.sorted { $0.key < $1.key }.map { _, known -> JSONValue in
            [known.order.json, .object(known.answer)]
        }
        return [
            "ledger": [
                "initial": self.initial.map { .int($0) } ?? .null, "opened": .int(self.opened),
                "entries": .array(self.entries.map { .object($0.json) }),
                "answers": .array(answers),
            ]
        ]
    }

    private mutating func restore(_ ledger: JSONValue) {
        self.initial = ledger["initial"]?.intValue
        self.opened = ledger["opened"]?.intValue ?? 0
        self.entries = (ledger["entries"]?.arrayValue ?? []).compactMap(LedgerEntry.init)
        for known in ledger["answers"]?.arrayValue ?? [] {
            guard let parts = known.arrayValue, parts.count == 2,
                let order = AccountOrder(parts[0]), let key = order.key,
                let answer = parts[1].objectValue
            else { continue }
            self.answers[key] = (order, answer)
        }
    }

    private mutating func carryOut(_ order: AccountOrder, isDone: Bool) -> JSONObject {
        var answer: JSONObject
        switch order.kind {
        case _ where !isDone: answer = ["outcome": "refused", "balance": .int(self.balance)]
        case .open:
            self.initial = order.amount
            self.opened = self.date
            answer = ["outcome": "done", "account": .object(self.summary)]
        case .deposit, .withdrawal:
            let kind = order.kind == .deposit ? LedgerEntry.Kind.deposit : .withdrawal
            let entry = self.add(kind, order.amount, nil, order.description)
            answer = ["outcome": "done", "entry": .object(entry.json)]
        }
        if let key = order.key { self.answers[key] = (order, answer) }
        return answer
    }

    private mutating func add(
        _ kind: LedgerEntry.Kind, _ amount: Int64, _ counterparty: String?, _ description: String
    ) -> LedgerEntry {
        let entry = LedgerEntry(
            number: Int64(self.entries.count) + 1, date: self.date, kind: kind, amount: amount,
            balance: self.balance + (kind.isIncoming ? amount : -amount),
            counterparty: counterparty, description: description)
        self.entries.append(entry)
        return entry
    }

    /// The account as it is.
    var summary: JSONObject {
        [
            "id": .string(self.account), "balance": .int(self.balance),
            "initial": .int(self.initial ?? 0), "opened": .string(Timestamp(self.opened).text),
            "transactions": .int(Int64(self.entries.count)),
        ]
    }

    // MARK: As a participant of transfers

    func balance(of account: String) -> Int64? {
        account == self.account && self.initial != nil ? self.balance : nil
    }

    mutating func change(_ account: String, by amount: Int64, as transfer: Transfer?) {
        let isIncoming = amount > 0
        _ = self.add(
            isIncoming ? .transferIn : .transferOut, abs(amount),
            isIncoming ? transfer?.from : transfer?.to, transfer?.description ?? "")
    }
}

/// One movement of money, as it will stay.
struct LedgerEntry: Hashable, Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case deposit, withdrawal
        case transferIn = "transfer_in"
        case transferOut = "transfer_out"

        var isIncoming: Bool { self == .deposit || self == .transferIn }
    }

    /// Its place in the account, from 1, without gaps.
    let number: Int64
    /// In milliseconds since 1970.
    let date: Int64
    let kind: Kind
    /// In cents, above 0.
    let amount: Int64
    /// What the account has afterwards.
    let balance: Int64
    /// The other account of a transfer.
    let counterparty: String?
    let description: String

    init(
        number: Int64, date: Int64, kind: Kind, amount: Int64, balance: Int64,
        counterparty: String?, description: String
    ) {
        self.number = number
        self.date = date
        self.kind = kind
        self.amount = amount
        self.balance = balance
        self.counterparty = counterparty
        self.description = description
    }

    /// Reads what ``json`` made.
    init?(_ json: JSONValue) {
        guard let number = json["number"]?.intValue,
            let date = json["date"]?.stringValue.flatMap(Timestamp.init(parsing:)),
            let kind = json["type"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let amount = json["amount"]?.intValue, let balance = json["balance"]?.intValue
        else { return nil }
        self.init(
            number: number, date: date.milliseconds, kind: kind, amount: amount, balance: balance,
            counterparty: json["counterparty"]?.stringValue,
            description: json["description"]?.stringValue ?? "")
    }

    var json: JSONObject {
        var entry: JSONObject = [
            "number": .int(self.number), "date": .string(Timestamp(self.date).text),
            "type": .string(self.kind.rawValue), "amount": .int(self.amount),
            "balance": .int(self.balance),
        ]
        if let counterparty { entry["counterparty"] = .string(counterparty) }
        if !self.description.isEmpty { entry["description"] = .string(self.description) }
        return entry
    }
}
