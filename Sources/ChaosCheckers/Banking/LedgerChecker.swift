import ChaosCore

/// Judges accounts that keep a history of what happened to them, and by it each operation: each has a note of its own, under which it is found
/// again.
///
/// Operations: `open` (`{account, initial}`), `deposit` and `withdraw` (`{account, amount, note}`), `transfer` (`{from, to, amount, note}`), `read`
/// (`{account}`; completion: `{account, balance}`) and `statement` (`{account}`; completion: `{account, entries: [[number, change, balance, note], …]}`).
/// - **lost**, **doubled**, **wrong-amount**: what was acknowledged is not in the account in the end, or more than once, or otherwise. **refused-but-done**: it is there
///   although the client was told that it would not be. **half-done**: of a transfer one side is there. **invented**: nobody asked for it.
/// - **broken-history**: entries are not numbered from 1, or a balance is not what the entries come to. **rewritten**: what an earlier statement
///   shows, a later one does not. **stale**: a statement lacks what was acknowledged so long before it was asked for, where ``visibleWithin`` says how long.
/// - **negative-balance**: below 0. **wrong-balance**: a final read shows something else than the final statement comes to.
///
/// Linear in the history, and in the entries of all statements.
package struct LedgerChecker: Checker {
    /// How soon what is acknowledged must be seen by everybody; zero is at once.
    package let visibleWithin: Duration

    package init(visibleWithin: Duration = .zero) { self.visibleWithin = visibleWithin }

    package var name: String { "ledger" }

    package func check(_ history: History) -> Finding {
        let book: LedgerHistory
        do { book = try LedgerHistory(history) } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var found: [(name: String, line: String)] = []
        found += Self.judgeOrders(book)
        found += self.judgeStatements(book)
        found += Self.judgeReads(book)
        let done = book.orders.count { $0.invocation.outcome == .ok }
        let unread = Set(book.orders.flatMap(\.sides).map(\.account))
            .subtracting(book.final.keys)
        return Finding(
            checker: self.name, found: found,
            gap: done == 0
                ? "no order was acknowledged"
                : unread.isEmpty
                    ? nil : "no final statement of \(unread.sorted().joined(separator: ", "))",
            praise: "\(counted(done, "acknowledged order")) "
                + "\(done == 1 ? "stands" : "stand") in the accounts once, and every balance is what they come to",
            statistics: [
                "order_count": .int(Int64(book.orders.count)),
                "acknowledged_count": .int(Int64(done)),
                "account_count": .int(Int64(book.initial.count)),
                "statement_count": .int(Int64(book.statements.count)),
            ])
    }

    // MARK: Orders

    /// Looks each order up in the final statements, and each entry of these among the orders.
    private static func judgeOrders(_ book: LedgerHistory) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        for order in book.orders {
            // Who could not be looked at may hold anything.
            guard order.sides.allSatisfy({ book.final[$0.account] != nil }) else { continue }
            let entries = order.sides.map { side in
                (side: side, entries: book.entries(of: order.note, in: side.account))
            }
            found += Self.judge(order, entries)
        }
        let asked = Set(
            book.orders.flatMap { order in
                order.sides.map { LedgerHistory.Mark(account: $0.account, note: order.note) }
            })
        for (account, statement) in book.final.sorted(by: { $0.key < $1.key }) {
            for entry in statement.entries
            where !asked.contains(.init(account: account, note: entry.note)) {
                found.append(("invented", "\(account) has \(entry.text), which nobody asked for"))
            }
        }
        return found
    }

    private static func judge(
        _ order: LedgerHistory.Order,
        _ sides: [(side: LedgerHistory.Side, entries: [LedgerHistory.Entry])]
    ) -> [(name: String, line: String)] {
        let what = order.text
        let outcome = order.invocation.outcome
        let place = order.invocation.place
        for (side, entries) in sides {
            if entries.count > 1 {
                let numbers = entries.map { "#\($0.number)" }.joined(separator: ", ")
                return [
                    (
                        "doubled",
                        "\(what), asked for once by \(place), is in \(side.account) as \(numbers)"
                    )
                ]
            }
            if let entry = entries.first, entry.change != side.change {
                return [("wrong-amount", "\(what) is in \(side.account) as \(entry.text)")]
            }
        }
        let missing = sides.filter(\.entries.isEmpty).map(\.side.account)
        if outcome == .fail, missing.count < sides.count {
            let reason = order.invocation.end?.error ?? "refused"
            return [("refused-but-done", "\(what) is done, and \(place) was told: \(reason)")]
        }
        if !missing.isEmpty, missing.count < sides.count {
            return [
                (
                    "half-done",
                    "\(what), which \(place) saw end as \(outcome.rawValue), is not in \(missing[0])"
                )
            ]
        }
        if outcome == .ok, !missing.isEmpty {
            return [("lost", "\(what), acknowledged to \(place), is not in \(missing[0])")]
        }
        return []
    }

    // MARK: Statements

    private func judgeStatements(_ book: LedgerHistory) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        var latest: [String: LedgerHistory.Statement] = [:]
        let order = book.statements.sorted { $0.invocation.begin.index < $1.invocation.begin.index }
        for statement in order {
            found += Self.broken(statement, initial: book.initial[statement.account])
            // Of two that overlap either may be the earlier one.
            if let earlier = latest[statement.account],
                earlier.end < statement.invocation.begin.index
            {
                let kept = zip(earlier.entries, statement.entries).prefix { $0 == $1 }.count
                if kept < earlier.entries.count {
                    found.append(
                        (
                            "rewritten",
                            "\(statement.place) lacks \(earlier.entries[kept].text), which"
                                + " \(earlier.invocation.place) saw in \(statement.account)"
                        ))
                }
            }
            if latest[statement.account].map({ $0.end < statement.end }) ?? true {
                latest[statement.account] = statement
            }
        }
        return found + self.stale(book)
    }

    private static func broken(
        _ statement: LedgerHistory.Statement, initial: Int64?
    ) -> [(name: String, line: String)] {
        var balance = initial
        for (index, entry) in statement.entries.enumerated() {
            // The first entry tells what there was before, where nobody knows.
            let before = balance ?? entry.balance &- entry.change
            if entry.number != Int64(index) + 1 {
                return [
                    (
                        "broken-history",
                        "\(statement.place) has \(entry.text) as number \(index + 1)"
                    )
                ]
            }
            if entry.balance != before &+ entry.change {
                return [
                    (
                        "broken-history",
                        "\(statement.place) has \(entry.text) behind a balance of \(before)"
                    )
                ]
            }
            if entry.balance < 0 {
                return [("negative-balance", "\(statement.place) has \(entry.text)")]
            }
            balance = entry.balance
        }
        return []
    }

    /// Statements that lack what was acknowledged before they were asked for; those at the end are judged as a whole.
    private func stale(_ book: LedgerHistory) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        for statement in book.statements where !statement.invocation.begin.isFinal {
            let notes = Set(statement.entries.map(\.note))
            for order in book.orders where order.invocation.outcome == .ok {
                guard let end = order.invocation.end, end.index < statement.invocation.begin.index,
                    end.time + self.visibleWithin <= statement.invocation.begin.time,
                    order.sides.contains(where: { $0.account == statement.account }),
                    !notes.contains(order.note)
                else { continue }
                found.append(
                    (
                        "stale",
                        "\(statement.place) lacks \(order.text), acknowledged at \(moment(end.time))"
                    ))
                break
            }
        }
        return found
    }

    // MARK: Balances

    private static func judgeReads(_ book: LedgerHistory) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        for read in book.reads {
            let place = read.invocation.place
            if read.balance < 0 {
                found.append(
                    ("negative-balance", "\(place) shows \(read.balance) on \(read.account)"))
            }
            guard read.invocation.begin.isFinal, let statement = book.final[read.account],
                let balance = statement.entries.last?.balance ?? book.initial[read.account],
                balance != read.balance
            else { continue }
            found.append(
                (
                    "wrong-balance",
                    "\(place) shows \(read.balance) on \(read.account), whose entries come to \(balance)"
                ))
        }
        return found
    }
}
