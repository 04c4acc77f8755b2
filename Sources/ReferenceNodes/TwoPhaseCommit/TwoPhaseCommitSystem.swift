import ChaosCore
import NodeKit

// S38: money moves between accounts on different nodes, wholly or not at all.
//
//     transfer{id, from, to, amount} -> transfer_ok     error 22: too little money; error 30: others are at it
//     read                           -> read_ok{value: {a1: 100, …}}     all balances at one moment
//
// The first node holds no accounts, each other one holds two. Whoever is asked coordinates.
//
// Two-phase commit:   prepare{tx, ops} -> vote{tx, vote}   decide{tx, outcome} -> ack{tx}   status{tx}
// Step by step:       step{tx, step, account, amount} -> done{tx, step} or refused{tx, step}
//                     cancel{tx, account, amount} -> cancelled{tx}       look -> seen{balances}
//
// The administrator may let a node crash where it hurts: crash-at{point}, once, see ``CrashPoint``.

extension ReferenceSystem {
    static let twoPhaseCommit = ReferenceSystem(
        name: "two-phase-commit", summary: "transfers between accounts on different nodes",
        variants: [
            Variant("presumed-abort", "decides in a log, and tells until everybody has heard") {
                TwoPhaseCommitNode()
            },
            Variant("saga", "step by step, with a way back: right in the end, not in between") {
                StepwiseNode(.saga)
            },
            Variant("forgets", "a coordinator without a log takes back what it has begun") {
                TwoPhaseCommitNode(.forgets)
            },
            Variant("aborts-alone", "who is promised and hears nothing gives up by itself") {
                TwoPhaseCommitNode(.abortsAlone)
            },
            Variant("commits-again", "a decision that comes twice is carried out twice") {
                TwoPhaseCommitNode(.commitsAgain)
            },
            Variant("no-locks", "what is promised to one transaction is promised to others, too") {
                TwoPhaseCommitNode(.locksNothing)
            },
            Variant("withdraw-deposit", "takes the money, then brings it: it may get lost") {
                StepwiseNode(.careless)
            },
            Variant("withdraw-retry", "brings the money until somebody says thanks: it multiplies")
            {
                StepwiseNode(.insistent)
            },
        ])
}

/// Which node holds which account.
struct AccountBook {
    /// What every account holds at first.
    static let initial: Int64 = 100
    private static let accountsPerNode = 2

    /// The accounts in order, each with its node.
    let accounts: [(name: String, node: String)]

    init(_ membership: Membership) {
        let others = Array(membership.members.dropFirst())
        let holders = others.isEmpty ? membership.members : others
        self.accounts = (0..<holders.count * Self.accountsPerNode).map { index in
            ("a\(index + 1)", holders[index % holders.count])
        }
    }

    /// The node that holds an account.
    func node(of account: String) -> String? {
        self.accounts.first { $0.name == account }?.node
    }

    /// The nodes that hold accounts, in order.
    var nodes: [String] {
        var nodes: [String] = []
        for account in self.accounts where !nodes.contains(account.node) {
            nodes.append(account.node)
        }
        return nodes
    }

    /// The accounts of one node as they are at first.
    func balances(of node: String) -> [String: Int64] {
        var balances: [String: Int64] = [:]
        for account in self.accounts where account.node == node {
            balances[account.name] = Self.initial
        }
        return balances
    }
}

/// An amount that is to leave one account for another.
struct Transfer: Hashable, Sendable {
    /// The client's name for it: asked for twice, it is done once.
    let id: String
    let from: String
    let to: String
    let amount: Int64
    /// What a client says about it, if anything.
    let description: String

    init(id: String, from: String, to: String, amount: Int64, description: String = "") {
        self.id = id
        self.from = from
        self.to = to
        self.amount = amount
        self.description = description
    }

    /// Reads a client's request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ request: Message, _ book: AccountBook) throws(RequestRefusal) {
        guard let id = request["id"]?.stringValue, let from = request["from"]?.stringValue,
            let to = request["to"]?.stringValue, let amount = request["amount"]?.intValue,
            from != to, (1...1_000_000).contains(amount)
        else {
            throw RequestRefusal(
                request, "'transfer' has an 'id', two accounts in 'from' and 'to', and an 'amount'")
        }
        for account in [from, to] where book.node(of: account) == nil {
            throw RequestRefusal(request, "there is no account '\(account)'")
        }
        self.init(id: id, from: from, to: to, amount: amount)
    }

    /// Reads one from a record of a log.
    init?(_ record: JSONValue?) {
        guard let record, let id = record["id"]?.stringValue,
            let from = record["from"]?.stringValue, let to = record["to"]?.stringValue,
            let amount = record["amount"]?.intValue
        else { return nil }
        self.init(
            id: id, from: from, to: to, amount: amount,
            description: record["description"]?.stringValue ?? "")
    }

    /// The transfer as a record of a log.
    var json: JSONValue {
        var transfer: JSONObject = [
            "id": .string(self.id), "from": .string(self.from), "to": .string(self.to),
            "amount": .int(self.amount),
        ]
        if !self.description.isEmpty { transfer["description"] = .string(self.description) }
        return .object(transfer)
    }
}
