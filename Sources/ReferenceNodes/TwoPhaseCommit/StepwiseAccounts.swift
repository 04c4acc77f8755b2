import ChaosCore
import NodeKit

/// The accounts of one node, changed by one step at a time and without locks.
///
/// Those of a saga know the steps that they have taken and refused, so that one that comes again gets the same answer, and one that
/// comes after its cancellation none.
struct StepwiseAccounts {
    private let habit: StepwiseNode.Habit
    private var balances: AccountBalances
    /// The steps that were taken: `n1.1.7/withdraw`.
    private var taken: Set<String> = []
    /// The steps that were refused; whoever was told so has given up the transfer, whatever money has come since.
    private var refused: Set<String> = []
    /// The transfers whose withdrawal was cancelled, had it been taken or not.
    private var cancelled: Set<String> = []

    /// Begins a life, knowing what the log says of the earlier ones.
    init(_ membership: Membership, _ book: AccountBook, _ habit: StepwiseNode.Habit) {
        self.habit = habit
        self.balances = AccountBalances(balances: book.balances(of: membership.id))
        for record in membership.life.records {
            self.balances.recall(record)
            self.taken.formUnion((record["steps"]?.arrayValue ?? []).compactMap(\.stringValue))
            self.cancelled.formUnion(
                (record["cancellations"]?.arrayValue ?? []).compactMap(\.stringValue))
            guard let account = record["account"]?.stringValue,
                let change = record["change"]?.intValue
            else { continue }
            self.balances.change(account, by: change, as: nil)
            if let step = record["taken"]?.stringValue { self.taken.insert(step) }
            if let step = record["refused"]?.stringValue { self.refused.insert(step) }
            if let tx = record["cancelled"]?.stringValue { self.cancelled.insert(tx) }
        }
    }

    /// What the next life has to know. Steps are never forgotten: a coordinator that was away for long says its step again.
    var snapshot: [JSONValue] {
        [
            self.balances.record, ["steps": .array(self.taken.sorted().map { .string($0) })],
            ["cancellations": .array(self.cancelled.sorted().map { .string($0) })],
        ]
    }

    mutating func step(_ message: Message) -> [Effect] {
        guard let tx = message["tx"]?.stringValue, let step = message["step"]?.stringValue,
            let account = message["account"]?.stringValue, let amount = message["amount"]?.intValue,
            let balance = self.balances.balance(of: account), !self.cancelled.contains(tx)
        else { return [] }
        let name = "\(tx)/\(step)"
        let done = Effect.send(
            to: message.source, ["type": "done", "tx": .string(tx), "step": .string(step)])
        let refusal = Effect.send(to: message.source, ["type": "refused", "tx": .string(tx)])
        if self.habit == .saga {
            if self.taken.contains(name) { return [done] }
            if self.refused.contains(name) { return [refusal] }
        }
        let change = step == "withdraw" ? -amount : amount
        if balance + change < 0 {
            self.refused.insert(name)
            return [
                .append(["refused": .string(name), "account": .string(account), "change": 0]),
                refusal,
            ]
        }
        self.balances.change(account, by: change, as: nil)
        self.taken.insert(name)
        let record: JSONValue = [
            "taken": .string(name), "account": .string(account), "change": .int(change),
        ]
        return [.append(record), done]
    }

    /// Gives the money of a withdrawal back, and sees to it that a late copy of it takes nothing.
    mutating func cancel(_ message: Message) -> [Effect] {
        guard let tx = message["tx"]?.stringValue, let account = message["account"]?.stringValue,
            let amount = message["amount"]?.intValue, self.balances.balance(of: account) != nil
        else { return [] }
        let answer = Effect.send(to: message.source, ["type": "cancelled", "tx": .string(tx)])
        if !self.cancelled.insert(tx).inserted { return [answer] }
        let change = self.taken.contains("\(tx)/withdraw") ? amount : 0
        self.balances.change(account, by: change, as: nil)
        let record: JSONValue = [
            "cancelled": .string(tx), "account": .string(account), "change": .int(change),
        ]
        return [.append(record), answer]
    }

    /// The balances as they are, whoever is about to change them.
    func look(_ message: Message) -> [Effect] {
        [
            .send(
                to: message.source,
                [
                    "type": "seen", "look": message["look"] ?? nil,
                    "balances": self.balances.record["balances"] ?? nil,
                ])
        ]
    }
}
