import ChaosCore
import NodeKit

/// A node that coordinates the transactions it is asked for, and takes part in those of all nodes.
///
/// Both sides share one log. Everything a side says is said again until it is answered, or asked for by the
/// other one, so a lost message delays and a doubled one does nothing.
struct TwoPhaseCommitNode: Node {
    /// The one thing that a wrong variant does otherwise.
    enum Flaw: Sendable {
        /// The coordinator keeps its decisions in memory.
        case forgets
        case abortsAlone, commitsAgain, locksNothing
    }

    fileprivate typealias Participant = TransactionParticipant<AccountBalances>

    private static let timer = "transactions"
    private static let interval = Duration.milliseconds(50)

    private let flaw: Flaw?
    private var sides: (coordinator: TransactionCoordinator, participant: Participant)?
    private var book: AccountBook?
    private var plan = CrashPlan()
    private var log = LogCompaction()

    init(_ flaw: Flaw? = nil) { self.flaw = flaw }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects = self.live(input, at: now)
        // What a wrong variant forgets or does twice must not be put right.
        guard self.log.isDue(after: effects), self.flaw == nil, let sides = self.sides else {
            return effects
        }
        let balances = sides.participant.accounts.record
        let snapshot = [balances] + sides.participant.snapshot + sides.coordinator.snapshot
        return effects + [self.log.rewrite(as: snapshot)]
    }

    private mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        if case .started(let membership) = input {
            self.begin(membership)
            return [.setTimer(Self.timer, after: Self.interval)]
        }
        // Taken out, so that both sides change in place.
        guard var sides = self.sides, let book = self.book else { return [] }
        self.sides = nil
        defer { self.sides = sides }
        switch input {
        case .started: return []
        case .timer:
            return sides.coordinator.run(self.plan, at: now) + sides.participant.run(at: now)
                + [.setTimer(Self.timer, after: Self.interval)]
        case .message(let message):
            let plan = self.plan
            switch message.type {
            case "prepare": return sides.participant.prepare(message, plan, at: now)
            case "vote": return sides.coordinator.take(vote: message, plan, at: now)
            case "decide": return sides.participant.decide(message, plan)
            case "ack": return sides.coordinator.take(ack: message, plan)
            case "status": return sides.coordinator.answer(status: message)
            case "read":
                let accounts = book.accounts.map(\.name)
                return sides.coordinator.read(accounts, for: message, plan, at: now)
            case "transfer":
                do {
                    let transfer = try Transfer(message, book)
                    return sides.coordinator.transfer(transfer, for: message, plan, at: now)
                } catch {
                    return [error.answer]
                }
            case "crash-at" where message.source == Administration.name:
                return self.plan.arm(message)
            default: return [.unsupported(message)]
            }
        }
    }

    private mutating func begin(_ membership: Membership) {
        let book = AccountBook(membership)
        let coordinator = TransactionCoordinator(
            // No transaction of an earlier life has the name of one of this life.
            namePrefix: "\(membership.id).\(membership.life.incarnation)",
            records: membership.life.records, randomness: membership.randomness,
            isForgetful: self.flaw == .forgets, holder: { book.node(of: $0) })
        var participant = Participant(
            AccountBalances(balances: book.balances(of: membership.id)),
            flaw: self.flaw?.ofParticipant)
        for record in membership.life.records {
            participant.accounts.recall(record)
            participant.recall(record)
        }
        self.log.start(membership.life)
        self.book = book
        self.sides = (coordinator, participant)
    }
}

/// What the accounts of one node hold, and nothing else.
struct AccountBalances: TransactionAccounts {
    var balances: [String: Int64]

    /// All of it as a record of a log.
    var record: JSONValue {
        let members = self.balances.sorted { $0.key < $1.key }
            .map { (key: $0.key, value: JSONValue.int($0.value)) }
        return ["balances": .object(JSONObject(members))]
    }

    /// Takes in what ``record`` made; other records are not its business.
    mutating func recall(_ record: JSONValue) {
        for (account, balance) in record["balances"]?.objectValue?.members ?? [] {
            self.balances[account] = balance.intValue
        }
    }

    func balance(of account: String) -> Int64? { self.balances[account] }

    mutating func change(_ account: String, by amount: Int64, as transfer: Transfer?) {
        self.balances[account, default: 0] += amount
    }
}

extension TwoPhaseCommitNode.Flaw {
    fileprivate var ofParticipant: TwoPhaseCommitNode.Participant.Flaw? {
        switch self {
        case .forgets: nil
        case .abortsAlone: .abortsAlone
        case .commitsAgain: .commitsAgain
        case .locksNothing: .locksNothing
        }
    }
}
