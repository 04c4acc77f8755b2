import ChaosCheckers
import ChaosCore

/// `ledger`: accounts `a1`, `a2`, … that are opened first; then deposits, withdrawals and transfers, each under a note of its own, and now
/// and then a look at a balance or a statement. In the end every node is asked for both, of all accounts.
struct LedgerSource: OperationSource {
    private static let initial: Int64 = 1000

    private let accounts: [JSONValue]
    private let nodeCount: Int
    private var generator: Generator
    private var count = 0
    /// How many accounts are being opened.
    private var opening = 0

    init(accounts: Int, nodeCount: Int, seed: Seed) {
        self.accounts = (1...accounts).map { .string("a\($0)") }
        self.nodeCount = nodeCount
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        if self.count < self.accounts.count {
            guard let worker = self.generator.pick(idle) else { return nil }
            let account = self.accounts[self.count]
            self.count += 1
            self.opening += 1
            return (
                worker, .overHTTP("open", ["account": account, "initial": .int(Self.initial)])
            )
        }
        // Nobody orders anything of an account that is not there.
        guard self.opening == 0, let worker = self.generator.pick(idle) else { return nil }
        self.count += 1
        return (worker, self.draw())
    }

    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        if operation.function == "open" { self.opening -= 1 }
    }

    private mutating func draw() -> PlannedOperation {
        let from = self.generator.next(below: self.accounts.count)
        let to =
            (from + 1 + self.generator.next(below: self.accounts.count - 1)) % self.accounts.count
        let account = self.accounts[from]
        // Large enough that some are refused.
        let amount = JSONValue.int(Int64(1 + self.generator.next(below: 400)))
        let note = JSONValue.string("op \(self.count)")
        switch self.generator.next(below: 10) {
        case 0...2:
            return .overHTTP("deposit", ["account": account, "amount": amount, "note": note])
        case 3...5:
            return .overHTTP("withdraw", ["account": account, "amount": amount, "note": note])
        case 6...8:
            return .overHTTP(
                "transfer",
                ["from": account, "to": self.accounts[to], "amount": amount, "note": note])
        default:
            let look = self.generator.next(below: 2) == 0 ? "read" : "statement"
            return .overHTTP(look, ["account": account])
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        if worker >= self.nodeCount { return nil }
        let accounts = self.accounts
        return { performer in
            for account in accounts {
                for look in ["statement", "read"] {
                    try await performer.insist(on: .overHTTP(look, ["account": account]))
                }
            }
        }
    }
}
