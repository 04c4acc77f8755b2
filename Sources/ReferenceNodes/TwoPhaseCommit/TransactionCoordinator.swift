import ChaosCore
import NodeKit

/// The side of two-phase commit that asks, decides, and sees to it that everybody hears of it.
///
/// Only a commit is written down, and it is the decision: who finds nothing in this log presumes an abort
/// (Mohan, Lindsay, Obermarck: Transaction Management in the R* Distributed Database Management System, 1986).
struct TransactionCoordinator {
    /// How long an order is tried before the client is told that nothing came of it.
    private static let patience = Duration.seconds(1)
    /// How long others are let go first where an account is locked. Nobody waits with a lock in his hands, so
    /// nobody waits for ever.
    private static let courtesy = Duration.milliseconds(60)
    /// After how long whoever has not voted is asked again.
    private static let questionInterval = Duration.milliseconds(150)
    /// After how long a commit that was not acknowledged is told again.
    private static let repetition = Duration.milliseconds(300)

    /// What a client wants.
    fileprivate enum Order {
        case transfer(Transfer)
        /// All these balances at one moment.
        case snapshot(of: [String])
    }

    /// What one participant has to do: `[[account, change, transfer], …]`, where no change is a look.
    private typealias Share = (node: String, operations: JSONValue)

    /// An order that is not decided.
    private struct Errand {
        let order: Order
        /// Who asked for it; a client that asks again waits with itself.
        var requests: [Message]
        let deadline: Duration
    }

    /// A transaction whose votes are not all there.
    private struct Voting {
        var errand: Errand
        let shares: [Share]
        var missing: Set<String>
        var balances: [String: JSONValue] = [:]
        var repeatsAt: Duration

        var participants: [String] { self.shares.map(\.node) }
    }

    /// A transaction that is decided, and that not everybody has carried out.
    private struct Committing {
        let transfer: Transfer
        var missing: [String]
        var repeatsAt: Duration
    }

    private let holder: @Sendable (String) -> String?
    private let isForgetful: Bool
    private let namePrefix: String
    private var count = 0
    private var randomness: Randomness
    private var voting: [String: Voting] = [:]
    /// The orders that met a lock, and when they are tried again.
    private var postponed: [(errand: Errand, until: Duration)] = []
    private var committing: [String: Committing] = [:]
    /// The transfers that were committed lately, by their clients' names for them.
    private var committed = RecentEntries<String, Transfer>()

    /// Begins a life, knowing what the log says of the earlier ones.
    ///
    /// - Parameters:
    ///   - namePrefix: What the names of its transactions begin with; no other coordinator has the same, and none of an
    ///     earlier life.
    ///   - isForgetful: Whether decisions are kept in memory.
    ///   - holder: The participant that holds an account.
    init(
        namePrefix: String, records: [JSONValue], randomness: Randomness,
        isForgetful: Bool = false, holder: @escaping @Sendable (String) -> String?
    ) {
        self.holder = holder
        self.isForgetful = isForgetful
        self.randomness = randomness
        self.namePrefix = namePrefix
        for record in records { self.recall(record) }
    }

    /// Whether nothing is under way that ``run(_:at:)`` would have to see to.
    var isIdle: Bool {
        self.voting.isEmpty && self.postponed.isEmpty && self.committing.isEmpty
    }

    /// Whether this very transfer was committed, and all participants have carried it out.
    func hasCarriedOut(_ transfer: Transfer) -> Bool {
        self.committed[transfer.id] == transfer
            && !self.committing.values.contains { $0.transfer.id == transfer.id }
    }

    private mutating func recall(_ record: JSONValue) {
        if let tx = record["decided"]?.stringValue, let transfer = Transfer(record["transfer"]) {
            let participants = (record["participants"]?.arrayValue ?? []).compactMap(\.stringValue)
            self.committing[tx] = Committing(
                transfer: transfer, missing: participants, repeatsAt: .zero)
            self.committed.note(transfer, for: transfer.id)
        } else if let transfer = Transfer(record["carried-out"]) {
            self.committed.note(transfer, for: transfer.id)
        } else if let tx = record["ended"]?.stringValue {
            self.committing[tx] = nil
        }
    }

    /// What the next life has to know: which transfers are done, and who has not heard of a decision.
    var snapshot: [JSONValue] {
        var settled: [JSONValue] = []
        let open = Set(self.committing.values.map(\.transfer.id))
        for (id, transfer) in self.committed.entries where !open.contains(id) {
            settled.append(["carried-out": transfer.json])
        }
        let decided = self.committing.sorted { $0.key < $1.key }
            .map { tx, committing -> JSONValue in
                [
                    "decided": .string(tx), "transfer": committing.transfer.json,
                    "participants": .array(committing.missing.map { .string($0) }),
                ]
            }
        return settled + decided
    }

    // MARK: Phase one

    mutating func transfer(
        _ transfer: Transfer, for request: Message, _ plan: CrashPlan, at now: Duration
    ) -> [Effect] {
        if let known = self.known(transfer.id), known != transfer {
            let reason = "another transfer has the name '\(transfer.id)'"
            return [.error(to: request, .malformedRequest, reason)]
        }
        if self.committed[transfer.id] != nil { return [Self.success(request)] }
        if let tx = self.voting.first(where: { $0.value.errand.order.id == transfer.id })?.key {
            self.voting[tx]?.errand.requests.append(request)
            return []
        }
        if let index = self.postponed.firstIndex(where: { $0.errand.order.id == transfer.id }) {
            self.postponed[index].errand.requests.append(request)
            return []
        }
        let errand = Errand(
            order: .transfer(transfer), requests: [request], deadline: now + Self.patience)
        return plan.passing(.asked) + self.begin(errand, plan, at: now)
    }

    /// The transfer that has a client's name already, done or under way.
    private func known(_ id: String) -> Transfer? {
        let errands = self.voting.values.map(\.errand) + self.postponed.map(\.errand)
        return self.committed[id] ?? errands.lazy.compactMap(\.order.transfer).first { $0.id == id }
    }

    mutating func read(
        _ accounts: [String], for request: Message, _ plan: CrashPlan, at now: Duration
    ) -> [Effect] {
        let errand = Errand(
            order: .snapshot(of: accounts), requests: [request], deadline: now + Self.patience)
        return self.begin(errand, plan, at: now)
    }

    private mutating func begin(
        _ errand: Errand, _ plan: CrashPlan, at now: Duration
    ) -> [Effect] {
        self.count += 1
        let tx = "\(self.namePrefix).\(self.count)"
        let shares = self.shares(of: errand.order)
        self.voting[tx] = Voting(
            errand: errand, shares: shares, missing: Set(shares.map(\.node)),
            repeatsAt: now + Self.questionInterval)
        var effects: [Effect] = []
        for share in shares {
            effects.append(Self.prepare(tx, share))
            if share.node != shares.last?.node { effects += plan.passing(.firstPrepareSent) }
        }
        return effects + plan.passing(.preparesSent)
    }

    private static func prepare(_ tx: String, _ share: Share) -> Effect {
        .send(
            to: share.node, ["type": "prepare", "tx": .string(tx), "ops": share.operations])
    }

    private func shares(of order: Order) -> [Share] {
        let operations: [(account: String, words: JSONValue)] =
            switch order {
            case .transfer(let transfer):
                [(transfer.from, -transfer.amount), (transfer.to, transfer.amount)].map {
                    ($0, [.string($0), .int($1), transfer.json])
                }
            case .snapshot(let accounts): accounts.map { ($0, [.string($0), nil]) }
            }
        var shares: [Share] = []
        let nodes = operations.compactMap { self.holder($0.account) }
        for node in Set(nodes).sorted() {
            let own = operations.filter { self.holder($0.account) == node }
            shares.append((node, .array(own.map(\.words))))
        }
        return shares
    }

    mutating func take(vote: Message, _ plan: CrashPlan, at now: Duration) -> [Effect] {
        // Who votes too late asks for the outcome.
        guard let tx = vote["tx"]?.stringValue, var voting = self.voting[tx] else { return [] }
        guard vote["vote"]?.stringValue == "yes" else {
            switch vote["reason"]?.stringValue {
            case "locked": return self.postpone(tx, voting, at: now)
            case "unknown account":
                let reason = "there is no account '\(vote["account"]?.stringValue ?? "")'"
                return self.abort(tx, .keyDoesNotExist, reason)
            default: return self.abort(tx, .preconditionFailed, "there is too little money")
            }
        }
        voting.missing.remove(vote.source)
        for member in vote["balances"]?.objectValue?.members ?? [] {
            voting.balances[member.key] = member.value
        }
        self.voting[tx] = voting
        if !voting.missing.isEmpty { return [] }
        switch voting.errand.order {
        case .transfer(let transfer): return self.commit(tx, transfer, voting, plan, at: now)
        case .snapshot(let accounts): return self.show(accounts, tx, voting)
        }
    }

    // MARK: Phase two

    private mutating func commit(
        _ tx: String, _ transfer: Transfer, _ voting: Voting, _ plan: CrashPlan, at now: Duration
    ) -> [Effect] {
        self.voting[tx] = nil
        self.committed.note(transfer, for: transfer.id)
        self.committing[tx] = Committing(
            transfer: transfer, missing: voting.participants, repeatsAt: now + Self.repetition)
        var effects = plan.passing(.votesCounted)
        if !self.isForgetful {
            let participants = voting.participants.map { JSONValue.string($0) }
            effects.append(
                .append([
                    "decided": .string(tx), "transfer": transfer.json,
                    "participants": .array(participants),
                ]))
        }
        effects += plan.passing(.decisionLogged)
        for node in voting.participants {
            effects.append(Self.decision("commit", on: tx, to: node))
            if node != voting.participants.last { effects += plan.passing(.firstCommitSent) }
        }
        effects += plan.passing(.commitsSent)
        effects += voting.errand.requests.map { Self.success($0) }
        return effects + plan.passing(.clientAnswered)
    }

    /// All accounts were held at once when the last vote came, so this is one moment. There is nothing to
    /// carry out, and an abort lets go of them just as well.
    private mutating func show(
        _ accounts: [String], _ tx: String, _ voting: Voting
    ) -> [Effect] {
        self.voting[tx] = nil
        let balances = accounts.map { (key: $0, value: voting.balances[$0] ?? nil) }
        let answers = voting.errand.requests.map { request in
            Effect.reply(to: request, ["type": "read_ok", "value": .object(JSONObject(balances))])
        }
        return answers + voting.participants.map { Self.decision("abort", on: tx, to: $0) }
    }

    /// Lets go of everything, and tries again a little later.
    private mutating func postpone(
        _ tx: String, _ voting: Voting, at now: Duration
    ) -> [Effect] {
        let until = now + self.randomness.jittered(Self.courtesy)
        if until >= voting.errand.deadline {
            return self.abort(tx, .transactionConflict, "another transaction has the account")
        }
        self.voting[tx] = nil
        self.postponed.append((voting.errand, until))
        return voting.participants.map { Self.decision("abort", on: tx, to: $0) }
    }

    private mutating func abort(
        _ tx: String, _ code: ErrorCode, _ reason: String
    ) -> [Effect] {
        guard let voting = self.voting.removeValue(forKey: tx) else { return [] }
        return voting.participants.map { Self.decision("abort", on: tx, to: $0) }
            + voting.errand.requests.map { .error(to: $0, code, reason) }
    }

    mutating func take(ack: Message, _ plan: CrashPlan) -> [Effect] {
        guard let tx = ack["tx"]?.stringValue, self.committing[tx] != nil else { return [] }
        self.committing[tx]?.missing.removeAll { $0 == ack.source }
        guard self.committing[tx]?.missing.isEmpty == true else { return [] }
        self.committing[tx] = nil
        return plan.passing(.acknowledged)
            + (self.isForgetful ? [] : [.append(["ended": .string(tx)])])
    }

    /// Tells a participant in doubt what was decided; of what is not decided it hears in time.
    func answer(status: Message) -> [Effect] {
        guard let tx = status["tx"]?.stringValue, self.voting[tx] == nil else { return [] }
        let outcome = self.committing[tx] == nil ? "abort" : "commit"
        return [Self.decision(outcome, on: tx, to: status.source)]
    }

    /// Says again what nobody answers, and gives up what not all vote on.
    mutating func run(_ plan: CrashPlan, at now: Duration) -> [Effect] {
        let due = self.postponed.filter { $0.until <= now }
        self.postponed.removeAll { $0.until <= now }
        var effects = due.flatMap { self.begin($0.errand, plan, at: now) }
        for (tx, voting) in self.voting.sorted(by: { $0.key < $1.key }) {
            if voting.errand.deadline <= now {
                effects += self.abort(tx, .abort, "not everybody has voted in time")
            } else if voting.repeatsAt <= now {
                self.voting[tx]?.repeatsAt = now + Self.questionInterval
                effects += voting.shares.filter { voting.missing.contains($0.node) }
                    .map { Self.prepare(tx, $0) }
            }
        }
        for (tx, committing) in self.committing.sorted(by: { $0.key < $1.key })
        where committing.repeatsAt <= now {
            self.committing[tx]?.repeatsAt = now + Self.repetition
            effects += committing.missing.map { Self.decision("commit", on: tx, to: $0) }
        }
        return effects
    }

    private static func decision(_ outcome: String, on tx: String, to node: String) -> Effect {
        .send(to: node, ["type": "decide", "tx": .string(tx), "outcome": .string(outcome)])
    }

    private static func success(_ request: Message) -> Effect {
        .reply(to: request, ["type": "transfer_ok"])
    }
}

extension TransactionCoordinator.Order {
    /// What is to be moved.
    fileprivate var transfer: Transfer? {
        if case .transfer(let transfer) = self { return transfer }
        return nil
    }

    /// The client's name for it.
    fileprivate var id: String? { self.transfer?.id }
}
