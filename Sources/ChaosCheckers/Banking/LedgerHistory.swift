import ChaosCore

/// What clients of a bank asked for, and what they saw in the accounts.
struct LedgerHistory {
    /// What an order does to one account.
    struct Side {
        let account: String
        let change: Int64
    }

    /// A deposit, a withdrawal or a transfer.
    struct Order {
        let invocation: Invocation
        let note: String
        let sides: [Side]

        /// `op 17 (transfer of 30 from a1 to a2)`.
        var text: String {
            let places = self.sides.map { "\($0.change > 0 ? "to" : "from") \($0.account)" }
            return
                "'\(self.note)' (\(self.invocation.begin.function) of \(abs(self.sides[0].change))"
                + " \(places.joined(separator: " ")))"
        }
    }

    struct Entry: Hashable {
        let number: Int64
        let change: Int64
        let balance: Int64
        let note: String

        /// `#3 'op 17' +30 = 130`.
        var text: String {
            "#\(self.number) '\(self.note)' \(self.change < 0 ? "" : "+")\(self.change) = \(self.balance)"
        }
    }

    struct Statement {
        let invocation: Invocation
        let account: String
        let entries: [Entry]

        /// Where in the history it was there.
        var end: Int { self.invocation.end?.index ?? .max }
        var place: String { "the statement of \(self.account) on \(self.invocation.place)" }
    }

    struct Read {
        let invocation: Invocation
        let account: String
        let balance: Int64
    }

    /// An order's place in an account.
    struct Mark: Hashable {
        let account: String
        let note: String
    }

    private(set) var orders: [Order] = []
    private(set) var statements: [Statement] = []
    private(set) var reads: [Read] = []
    /// What accounts were opened with.
    private(set) var initial: [String: Int64] = [:]
    /// The last final statement of each account.
    private(set) var final: [String: Statement] = [:]
    private var places: [Mark: [Entry]] = [:]

    /// Reads a history.
    ///
    /// - Throws: `InputError` where an operation lacks what it should have.
    init(_ history: History) throws(InputError) {
        for invocation in history.invocations {
            let begin = invocation.begin
            let value = begin.value
            switch begin.function {
            case "open":
                guard let account = value["account"]?.stringValue,
                    let initial = value["initial"]?.amount
                else { throw .wrongValue(begin, mustBe: "{account, initial}") }
                if invocation.outcome != .fail { self.initial[account] = initial }
            case "deposit", "withdraw":
                guard let account = value["account"]?.stringValue,
                    let amount = value["amount"]?.amount, let note = value["note"]?.stringValue
                else { throw .wrongValue(begin, mustBe: "{account, amount, note}") }
                let change = begin.function == "deposit" ? amount : -amount
                self.orders.append(
                    Order(
                        invocation: invocation, note: note,
                        sides: [Side(account: account, change: change)]))
            case "transfer":
                guard let from = value["from"]?.stringValue, let to = value["to"]?.stringValue,
                    let amount = value["amount"]?.amount, let note = value["note"]?.stringValue
                else { throw .wrongValue(begin, mustBe: "{from, to, amount, note}") }
                self.orders.append(
                    Order(
                        invocation: invocation, note: note,
                        sides: [
                            Side(account: from, change: -amount), Side(account: to, change: amount),
                        ]))
            case "read", "statement": try self.look(invocation)
            default: continue
            }
        }
        for (account, statement) in self.final {
            for entry in statement.entries {
                self.places[Mark(account: account, note: entry.note), default: []].append(entry)
            }
        }
    }

    /// The entries of an order in the final statement of an account.
    func entries(of note: String, in account: String) -> [Entry] {
        self.places[Mark(account: account, note: note)] ?? []
    }

    private mutating func look(_ invocation: Invocation) throws(InputError) {
        guard invocation.outcome == .ok, let end = invocation.end else { return }
        guard let account = end.value["account"]?.stringValue else {
            throw .wrongValue(end, mustBe: "{account, …}")
        }
        if end.function == "read" {
            guard let balance = end.value["balance"]?.amount else {
                throw .wrongValue(end, mustBe: "{account, balance}")
            }
            self.reads.append(Read(invocation: invocation, account: account, balance: balance))
            return
        }
        var entries: [Entry] = []
        for entry in end.value["entries"]?.arrayValue ?? [] {
            guard let parts = entry.arrayValue, parts.count == 4, let number = parts[0].amount,
                let change = parts[1].amount, let balance = parts[2].amount
            else {
                throw .wrongValue(
                    end, mustBe: "{account, entries: [[number, change, balance, note]]}")
            }
            entries.append(
                Entry(
                    number: number, change: change, balance: balance,
                    note: parts[3].stringValue ?? ""))
        }
        let statement = Statement(invocation: invocation, account: account, entries: entries)
        self.statements.append(statement)
        if invocation.begin.isFinal { self.final[account] = statement }
    }
}
