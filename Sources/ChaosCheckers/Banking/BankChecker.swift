import ChaosCore

/// Judges accounts between which money is moved (Jepsen's bank test, and what an idempotent bank promises besides).
///
/// Operations: `transfer` (`{from, to, amount}`) and `read` (completion: `{account: balance}`, or a list by number).
/// - **wrong-total**: a read does not show the total; without ``hasSnapshots`` only final reads must. **negative-balance**: a balance below 0, unless allowed.
/// - **missing-account**, **unknown-account**: a read lacks an account that others show, or shows one that only it knows.
/// - **wrong-balance**: a read that began after the last transfer shows a balance that no choice of the transfers with unknown outcome
///   explains: some transfer was applied twice, by half or not at all.
///
/// Linear in the history, times the number of unknown transfers.
package struct BankChecker: Checker {
    /// The sum of all balances; `nil` takes it from the first read.
    package let total: Int64?
    /// What every account held at first; `nil` takes it from a read before the first transfer.
    package let initial: Int64?
    /// Whether balances may be below 0.
    package let allowsNegative: Bool
    /// Whether every read shows all accounts at one moment; if not, money on its way may be missing in one
    /// that is not final.
    package let hasSnapshots: Bool

    package init(
        total: Int64? = nil, initial: Int64? = nil, allowsNegative: Bool = false,
        hasSnapshots: Bool = true
    ) {
        self.total = total
        self.initial = initial
        self.allowsNegative = allowsNegative
        self.hasSnapshots = hasSnapshots
    }

    package var name: String { "bank" }

    private struct Read {
        let invocation: Invocation
        let balances: [(account: String, balance: Int64)]
        var total: Int64 { self.balances.reduce(0) { $0 &+ $1.balance } }
    }

    private struct Transfer {
        let invocation: Invocation
        let from: String
        let to: String
        let amount: Int64
    }

    package func check(_ history: History) -> Finding {
        var reads: [Read] = []
        var transfers: [Transfer] = []
        do {
            for invocation in history.invocations {
                switch invocation.begin.function {
                case "read":
                    if let read = try Self.read(invocation) { reads.append(read) }
                case "transfer":
                    transfers.append(try Self.transfer(invocation))
                default: continue
                }
            }
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var found: [(name: String, line: String)] = []
        let expected = self.total ?? reads.first?.total ?? 0
        let accounts = Self.accounts(reads)
        for read in reads {
            found += self.anomalies(of: read, total: expected, accounts)
        }
        found += self.wrongBalances(reads, transfers)
        return Finding(
            checker: self.name, found: found,
            gap: Self.gap(history, reads, transfers),
            praise:
                "\(counted(reads.count, "read")) \(reads.count == 1 ? "shows" : "show") the total \(expected)",
            statistics: [
                "read_count": .int(Int64(reads.count)),
                "transfer_count": .int(Int64(transfers.count)), "total": .int(expected),
                "account_count": .int(Int64(accounts.count)),
            ])
    }

    /// What keeps the history from proving anything.
    private static func gap(
        _ history: History, _ reads: [Read], _ transfers: [Transfer]
    ) -> String? {
        if reads.isEmpty { return "no read was answered" }
        let wantsFinal = history.invocations.contains {
            $0.begin.isFinal && $0.begin.function == "read"
        }
        // Accounts that nobody can look at in the end may hold anything.
        if wantsFinal, !reads.contains(where: { $0.invocation.begin.isFinal }) {
            return "no final read was answered"
        }
        return transfers.contains { $0.invocation.outcome == .ok } ? nil : "no transfer succeeded"
    }

    private static func read(_ invocation: Invocation) throws(InputError) -> Read? {
        guard invocation.outcome == .ok, let end = invocation.end else { return nil }
        var balances: [(account: String, balance: Int64)] = []
        let members =
            end.value.objectValue?.members
            ?? end.value.arrayValue?.enumerated().map { (key: "\($0.offset)", value: $0.element) }
        for member in members ?? [] {
            // An account that a read could not see is no number.
            guard let balance = member.value.amount else { continue }
            balances.append((member.key, balance))
        }
        if members == nil {
            throw InputError.wrongValue(end, mustBe: "{account: balance}")
        }
        return Read(invocation: invocation, balances: balances)
    }

    private static func transfer(_ invocation: Invocation) throws(InputError) -> Transfer {
        let value = invocation.begin.value
        guard let from = value["from"], let to = value["to"], let amount = value["amount"]?.amount
        else { throw InputError.wrongValue(invocation.begin, mustBe: "{from, to, amount}") }
        return Transfer(
            invocation: invocation, from: from.stringValue ?? from.text,
            to: to.stringValue ?? to.text, amount: amount)
    }

    /// The accounts that most reads show.
    private static func accounts(_ reads: [Read]) -> [String] {
        var counts: [String: Int] = [:]
        for read in reads {
            for entry in read.balances { counts[entry.account, default: 0] += 1 }
        }
        return counts.filter { $0.value * 2 > reads.count }.keys.sorted()
    }

    private func anomalies(
        of read: Read, total: Int64, _ accounts: [String]
    ) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        let text = read.balances.map { "\($0.account): \($0.balance)" }.joined(separator: ", ")
        if read.total != total, self.hasSnapshots || read.invocation.begin.isFinal {
            found.append(
                (
                    "wrong-total",
                    "\(read.invocation.place) shows \(read.total) instead of \(total) (\(text))"
                ))
        }
        if !self.allowsNegative, let entry = read.balances.first(where: { $0.balance < 0 }) {
            found.append(
                (
                    "negative-balance",
                    "\(read.invocation.place) shows \(entry.balance) on \(entry.account)"
                ))
        }
        let shown = Set(read.balances.map(\.account))
        if let missing = accounts.first(where: { !shown.contains($0) }) {
            found.append(("missing-account", "\(read.invocation.place) lacks \(missing)"))
        }
        if let unknown = read.balances.first(where: { !accounts.contains($0.account) }) {
            found.append(
                ("unknown-account", "\(read.invocation.place) shows \(unknown.account)"))
        }
        return found
    }

    /// Compares reads after the last transfer with what the transfers leave.
    private func wrongBalances(
        _ reads: [Read], _ transfers: [Transfer]
    ) -> [(name: String, line: String)] {
        let firstCall = transfers.map(\.invocation.begin.index).min() ?? .max
        let lastEnd = transfers.map { $0.invocation.end?.index ?? $0.invocation.begin.index }.max()
        var start: [String: Int64] = [:]
        if let initial = self.initial {
            for read in reads { for entry in read.balances { start[entry.account] = initial } }
        } else if let first = reads.first(where: {
            ($0.invocation.end?.index ?? .max) < firstCall
        }) {
            for entry in first.balances { start[entry.account] = entry.balance }
        } else {
            return []
        }
        guard let lastEnd else { return [] }
        var sums: [String: SumRanges] = [:]
        for (account, balance) in start { sums[account] = SumRanges(balance) }
        var certain = start
        for transfer in transfers where transfer.invocation.outcome == .ok {
            certain[transfer.from, default: 0] -= transfer.amount
            certain[transfer.to, default: 0] += transfer.amount
        }
        for (account, balance) in certain { sums[account] = SumRanges(balance) }
        for transfer in transfers where transfer.invocation.outcome == .info {
            sums[transfer.from]?.mayAdd(-transfer.amount)
            sums[transfer.to]?.mayAdd(transfer.amount)
        }
        var found: [(name: String, line: String)] = []
        for read in reads where read.invocation.begin.index > lastEnd {
            for entry in read.balances {
                guard let possible = sums[entry.account], !possible.contains(entry.balance)
                else { continue }
                found.append(
                    (
                        "wrong-balance",
                        "\(read.invocation.place) shows \(entry.balance) on \(entry.account), possible is"
                            + " \(possible.text)"
                    ))
            }
        }
        return found
    }
}
