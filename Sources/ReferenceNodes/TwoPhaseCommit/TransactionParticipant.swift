import ChaosCore
import NodeKit

/// What a participant of transactions holds.
protocol TransactionAccounts: Sendable {
    /// What an account has; `nil` where there is no such account.
    func balance(of account: String) -> Int64?
    /// Adds to an account, or takes away.
    ///
    /// - Parameter transfer: What it is part of, where the coordinator said so.
    mutating func change(_ account: String, by amount: Int64, as transfer: Transfer?)
}

/// The side of two-phase commit that holds accounts: it promises, and then does as it is told.
///
/// A promise is in the log before it is given, and from then on the accounts are locked: only the coordinator
/// may say how it ends. While it is silent, nobody else gets at them. That is the price.
struct TransactionParticipant<Accounts: TransactionAccounts>: Sendable {
    /// How long somebody in doubt waits before he asks.
    private static var inquiry: Duration { .milliseconds(150) }
    /// How long the flaw ``Flaw/abortsAlone`` waits.
    private static var stubbornness: Duration { .milliseconds(800) }

    /// What a wrong participant does.
    enum Flaw: Sendable {
        /// It gives up a promise by itself.
        case abortsAlone
        /// It carries a decision out each time it hears of it.
        case commitsAgain
        /// It promises an account to several transactions at once.
        case locksNothing
    }

    private struct Operation {
        let account: String
        /// `nil` is a look.
        let change: Int64?
        /// What the change is part of, if the coordinator says so.
        let transfer: Transfer?

        var json: JSONValue {
            [
                .string(self.account), self.change.map { .int($0) } ?? .null,
                self.transfer?.json ?? .null,
            ]
        }
    }

    private struct Promise {
        let coordinator: String
        let operations: [Operation]
        let givenAt: Duration
        var asksAt: Duration
        /// Whether it is still open; only a wrong participant keeps others.
        var isOpen = true
    }

    private let flaw: Flaw?
    /// What it holds.
    var accounts: Accounts
    private var promises: [String: Promise] = [:]
    /// The transactions that were over lately, so that a late copy of a message does not begin them anew.
    private var over = RecentEntries<String, Bool>()

    /// Begins a life with accounts as they were at first.
    init(_ accounts: Accounts, flaw: Flaw? = nil) {
        self.flaw = flaw
        self.accounts = accounts
    }

    /// Whether no promise waits for its decision, so that ``run(at:)`` has nothing to see to.
    var isIdle: Bool { !self.promises.values.contains(where: \.isOpen) }

    /// How much of an account is promised to transactions that are not decided.
    func promised(from account: String) -> Int64 {
        self.promises.values.filter(\.isOpen).flatMap(\.operations)
            .filter { $0.account == account }
            .reduce(0) { $0 + max(0, -($1.change ?? 0)) }
    }

    /// Takes in what the log says of earlier lives, one record after the other; what others wrote is not its business.
    mutating func recall(_ record: JSONValue) {
        if let tx = record["promised"]?.stringValue, let node = record["to"]?.stringValue,
            let operations = Self.operations(record["ops"])
        {
            self.promises[tx] = Promise(
                coordinator: node, operations: operations, givenAt: .zero, asksAt: .zero)
        } else if let tx = record["committed"]?.stringValue {
            self.apply(tx)
        } else if let tx = record["aborted"]?.stringValue {
            self.end(tx)
        } else if let names = record["over"]?.arrayValue {
            for name in names { if let tx = name.stringValue { self.end(tx) } }
        }
    }

    /// What the next life has to know besides the accounts: what is over, and what is promised.
    var snapshot: [JSONValue] {
        let over: JSONValue = ["over": .array(self.over.entries.map { .string($0.key) })]
        let promises = self.promises.sorted { $0.key < $1.key }.map { tx, promise in
            [
                "promised": .string(tx), "to": .string(promise.coordinator),
                "ops": .array(promise.operations.map(\.json)),
            ] as JSONValue
        }
        return [over] + promises
    }

    mutating func prepare(_ message: Message, _ plan: CrashPlan, at now: Duration) -> [Effect] {
        guard let tx = message["tx"]?.stringValue, self.over[tx] == nil,
            let list = message["ops"], let operations = Self.operations(list)
        else { return [] }
        if self.promises[tx] != nil { return [self.vote(tx, for: operations, to: message.source)] }
        if let (account, reason) = self.refusal(of: operations) {
            return [
                .send(
                    to: message.source,
                    [
                        "type": "vote", "tx": .string(tx), "vote": "no",
                        "reason": .string(reason), "account": .string(account),
                    ])
            ]
        }
        self.promises[tx] = Promise(
            coordinator: message.source, operations: operations, givenAt: now,
            asksAt: now + Self.inquiry)
        let record: JSONValue = [
            "promised": .string(tx), "to": .string(message.source), "ops": list,
        ]
        return plan.passing(.prepareReceived) + [.append(record)] + plan.passing(.promiseLogged)
            + [self.vote(tx, for: operations, to: message.source)] + plan.passing(.voteSent)
    }

    private func vote(_ tx: String, for operations: [Operation], to node: String) -> Effect {
        let balances = operations.map {
            (key: $0.account, value: JSONValue.int(self.accounts.balance(of: $0.account) ?? 0))
        }
        return .send(
            to: node,
            [
                "type": "vote", "tx": .string(tx), "vote": "yes",
                "balances": .object(JSONObject(balances)),
            ])
    }

    /// Why a promise cannot be given; `nil` where it can.
    private func refusal(of operations: [Operation]) -> (account: String, reason: String)? {
        for operation in operations {
            let account = operation.account
            guard let balance = self.accounts.balance(of: account) else {
                return (account, "unknown account")
            }
            if self.flaw != .locksNothing, self.isLocked(against: operation) {
                return (account, "locked")
            }
            if let change = operation.change, balance + change < 0 {
                return (account, "too little")
            }
        }
        return nil
    }

    /// Whether an account is promised to somebody; those who only look do not get into each other's way.
    private func isLocked(against operation: Operation) -> Bool {
        self.promises.values.contains { promise in
            promise.isOpen
                && promise.operations.contains { other in
                    other.account == operation.account
                        && (other.change != nil || operation.change != nil)
                }
        }
    }

    mutating func decide(_ message: Message, _ plan: CrashPlan) -> [Effect] {
        guard let tx = message["tx"]?.stringValue else { return [] }
        let isCommit = message["outcome"]?.stringValue == "commit"
        let ack = Effect.send(to: message.source, ["type": "ack", "tx": .string(tx)])
        guard self.promises[tx] != nil else {
            // It is done already, and only the answer got lost.
            return isCommit ? [ack] : []
        }
        if !isCommit {
            self.end(tx)
            return [.append(["aborted": .string(tx)])]
        }
        self.apply(tx)
        return plan.passing(.decisionReceived) + [.append(["committed": .string(tx)])]
            + plan.passing(.commitLogged) + [ack] + plan.passing(.ackSent)
    }

    private mutating func apply(_ tx: String) {
        for operation in self.promises[tx]?.operations ?? [] {
            guard let change = operation.change else { continue }
            self.accounts.change(operation.account, by: change, as: operation.transfer)
        }
        if self.flaw == .commitsAgain {
            self.promises[tx]?.isOpen = false
        } else {
            self.end(tx)
        }
    }

    private mutating func end(_ tx: String) {
        self.promises[tx] = nil
        self.over.note(true, for: tx)
    }

    /// Asks what became of promises that nobody speaks of any more.
    mutating func run(at now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for (tx, promise) in self.promises.sorted(by: { $0.key < $1.key }) where promise.isOpen {
            if self.flaw == .abortsAlone, now >= promise.givenAt + Self.stubbornness {
                self.end(tx)
                effects.append(.append(["aborted": .string(tx)]))
            } else if promise.asksAt <= now {
                self.promises[tx]?.asksAt = now + Self.inquiry
                effects.append(
                    .send(to: promise.coordinator, ["type": "status", "tx": .string(tx)]))
            }
        }
        return effects
    }

    private static func operations(_ list: JSONValue?) -> [Operation]? {
        list?.arrayValue?.compactMap { entry in
            guard let parts = entry.arrayValue, parts.count >= 2, let account = parts[0].stringValue
            else { return nil }
            let transfer = Transfer(parts.count > 2 ? parts[2] : nil)
            return Operation(account: account, change: parts[1].intValue, transfer: transfer)
        }
    }
}
