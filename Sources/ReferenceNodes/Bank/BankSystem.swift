import ChaosCore
import NodeKit

// S39: a bank with accounts on all nodes, and a REST API at each of them.
//
//     POST /accounts                    id, initial                 -> 201, Location    409 where there is one
//     GET  /accounts                    ?limit=&cursor=             -> 200              503 while a node is away
//     GET  /accounts/ID                                             -> 200
//     POST /accounts/ID/deposits        amount[, description]       -> 201
//     POST /accounts/ID/withdrawals     amount[, description]       -> 201              409 with too little money
//     GET  /accounts/ID/transactions    ?type=&since=&limit=&cursor=&wait=&format=json|csv|table -> 200
//     POST /transfers                   from, to, amount[, description] -> 201          409 with too little money
//
// Money is in whole cents. A POST with an Idempotency-Key is done once, however often it is sent. Errors are problems
// (RFC 9457): 400, 404, 405, 409 and 422 mean that nothing was done, 503 that nothing was and later may be, 504 that nobody knows.
//
//     root (one_for_one)
//     ├─ accounts                starts the accounts that belong on this node, and starts them again
//     │  ├─ account alice        her ledger, and her side of transfers
//     │  └─ …
//     ├─ transfers               the coordinator of two-phase commit (S38)
//     └─ teller                  speaks HTTP, and asks whoever has the account

extension ReferenceSystem {
    static let bank = ReferenceSystem(
        name: "bank", summary: "accounts on all nodes, over a REST API with idempotency keys",
        variants: [
            Variant("event-sourced", "what happened is on disk, and answered once for each key") {
                Bank.node()
            },
            Variant("in-memory", "an account that crashes begins with what it was opened with") {
                Bank.node(.forgets)
            },
            Variant("cast", "says that a deposit is done before the account has heard of it") {
                Bank.node(.castsDeposits)
            },
            Variant("no-keys", "does what comes again again, whatever its Idempotency-Key") {
                Bank.node(.ignoresKeys)
            },
            Variant("two-steps", "a transfer is a withdrawal, and a deposit that is said once") {
                Bank.node(.movesInTwoSteps)
            },
            Variant(
                "ok-is-error", "takes the deposit's bare 'ok' for an error, with the money moved"
            ) {
                Bank.node(.takesOKForError)
            },
            Variant("half-way", "fails between the two halves of a transfer, at each one") {
                Bank.node(.failsHalfWay)
            },
        ])
}

enum Bank {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// An account writes down that it was opened, and nothing else.
        case forgets
        /// A teller does not wait for a deposit.
        case castsDeposits
        /// A teller does not look at the key.
        case ignoresKeys
        /// A transfer takes the money and brings it, without two-phase commit.
        case movesInTwoSteps
        /// The same, and what the deposit answers is not what the transfer expects.
        case takesOKForError
        /// The same, and what the withdrawal answers is not what the transfer expects.
        case failsHalfWay

        /// Whether transfers go without two-phase commit.
        var isStepwise: Bool {
            [.movesInTwoSteps, .takesOKForError, .failsHalfWay].contains(self)
        }
    }

    static let teller = "teller"
    static let accounts = "accounts"
    static let transfers = "transfers"

    /// The name of an account's process.
    static func process(of account: String) -> String { "account \(account)" }

    /// What the clock on the wall shows, in milliseconds since 1970.
    static func date(_ context: ProcessContext) -> Int64 {
        let date = context.membership.life.date + context.now
        return date.components.seconds * 1000
            + date.components.attoseconds / 1_000_000_000_000_000
    }

    static func node(_ flaw: Flaw? = nil) -> ProcessNode {
        ProcessNode(requests: [HTTPRequest.messageType: Self.teller]) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.accounts, shutdown: .infinity) { AccountKeeper(flaw) },
                    Supervisor.Child(Self.transfers) {
                        if let flaw, flaw.isStepwise { return StepwiseTransferDesk(flaw) }
                        return TransferDesk()
                    },
                    Supervisor.Child(Self.teller) { Teller(flaw) },
                ])
        }
    }
}

/// Which node has which account: the one that a ring of all nodes says.
struct AccountPlaces: Sendable {
    private let ring: HashRing

    init(_ membership: Membership) {
        self.nodes = membership.members
        self.ring = HashRing(membership.members)
    }

    /// Where an account's process is found, if there is such an account.
    func address(of account: String) -> ProcessAddress {
        .name(Bank.process(of: account), on: self.node(of: account))
    }

    /// All nodes, in order.
    let nodes: [String]

    /// The node that has an account.
    func node(of account: String) -> String { self.ring.owners(of: account).first ?? "" }
}
