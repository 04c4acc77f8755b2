import ChaosCore
import NodeKit

/// Which entries of an account somebody wants to see, and how many at once.
///
/// Entries are never changed and only added at the end, so a page that begins behind an entry is the same page for ever, however
/// many are added meanwhile.
struct StatementQuery: Hashable, Sendable {
    private static let defaultLimit: Int64 = 100
    private static let limits: ClosedRange<Int64> = 1...1000
    private static let waits: ClosedRange<Int64> = 0...30

    /// What `type` may be, and what it means.
    private static let types: [(name: String, kinds: [LedgerEntry.Kind])] =
        LedgerEntry.Kind.allCases.map { ($0.rawValue, [$0]) }
        + [("transfer", [.transferIn, .transferOut])]

    /// The word for the kinds of entries, as it was given; `nil` is all.
    private let type: String?
    /// Only those of this moment and later, in milliseconds since 1970.
    private let since: Int64?
    private let limit: Int64
    /// Only those behind the entry of this number.
    private let cursor: Int64
    /// How long somebody waits for an entry where there is none yet.
    let wait: Duration

    /// Reads what stands behind the question mark.
    ///
    /// - Throws: ``Problem`` that says what is wrong with it.
    init(_ query: [String: String]) throws(Problem) {
        self.type = query["type"]
        if let type, !Self.types.contains(where: { $0.name == type }) {
            let known = Self.types.map(\.name).joined(separator: ", ")
            throw .malformed("'type' is one of \(known), found '\(type)'")
        }
        self.since = query["since"].flatMap(Timestamp.init(parsing:))?.milliseconds
        if let text = query["since"], self.since == nil {
            throw .malformed(
                "'since' is a date, or a time such as 2026-11-22T03:40:00Z, found '\(text)'")
        }
        let limit = Int64(try Self.limit(query))
        let cursor = query["cursor"].map { Int64($0) ?? -1 } ?? 0
        guard cursor >= 0 else {
            throw .malformed(
                "'cursor' is what the page before says is next, found '\(query["cursor"] ?? "")'")
        }
        let wait = query["wait"].map { Int64($0) ?? -1 } ?? 0
        guard Self.waits.contains(wait) else {
            throw .malformed(
                "'wait' is a whole number of seconds from 0 to \(Self.waits.upperBound),"
                    + " found '\(query["wait"] ?? "")'")
        }
        (self.limit, self.cursor, self.wait) = (limit, cursor, .seconds(wait))
    }

    /// How many things a page has at most.
    static func limit(_ query: [String: String]) throws(Problem) -> Int {
        let limit = query["limit"].map { Int64($0) ?? 0 } ?? Self.defaultLimit
        if Self.limits.contains(limit) { return Int(limit) }
        throw .malformed(
            "'limit' is a whole number from 1 to \(Self.limits.upperBound),"
                + " found '\(query["limit"] ?? "")'")
    }

    /// Reads what ``json`` made.
    init(_ body: JSONObject) {
        self.type = body["entries"]?.stringValue
        self.since = body["since"]?.intValue
        self.limit = body["limit"]?.intValue ?? Self.defaultLimit
        self.cursor = body["cursor"]?.intValue ?? 0
        self.wait = .zero
    }

    /// The question to an account's process.
    var json: JSONObject {
        var body: JSONObject = [
            "type": "list", "limit": .int(self.limit), "cursor": .int(self.cursor),
        ]
        if let type { body["entries"] = .string(type) }
        if let since { body["since"] = .int(since) }
        return body
    }

    /// The entries that are asked for, and behind which the next page begins, if there is one.
    func page(of entries: [LedgerEntry]) -> JSONObject {
        let kinds = Self.types.first { $0.name == self.type }?.kinds ?? LedgerEntry.Kind.allCases
        let wanted = entries.lazy.filter {
            $0.number > self.cursor && kinds.contains($0.kind) && $0.date >= self.since ?? .min
        }
        // One more than fits shows that there is a next page.
        let found = Array(wanted.prefix(Int(self.limit) + 1))
        let page = found.prefix(Int(self.limit))
        return [
            "outcome": "done", "entries": .array(page.map { .object($0.json) }),
            "next": found.count > page.count ? page.last.map { .int($0.number) } ?? nil : nil,
        ]
    }

    /// The path of the page that begins behind an entry, asked for in the same way.
    func path(of account: String, after cursor: Int64, _ format: StatementFormat) -> String {
        var words = ["cursor=\(cursor)", "limit=\(self.limit)"]
        if let type { words.append("type=\(type)") }
        if let since { words.append("since=\(Timestamp(since).text)") }
        if format != .json { words.append("format=\(format.rawValue)") }
        return "/accounts/\(account)/transactions?" + words.joined(separator: "&")
    }
}

/// How a statement is written.
enum StatementFormat: String, CaseIterable, Sendable {
    case json, csv, table

    private static let columns = [
        "number", "date", "type", "amount", "balance", "counterparty", "description",
    ]

    var contentType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv; charset=utf-8; header=present"
        case .table: "text/plain; charset=utf-8"
        }
    }

    /// A page of an account's entries as text.
    ///
    /// - Parameter next: The path of the next page, if there is one.
    func text(_ account: String, _ entries: [LedgerEntry], next: String?) -> String {
        switch self {
        case .json:
            let page: JSONValue = [
                "account": .string(account),
                "transactions": .array(entries.map { .object($0.json) }),
                "next": next.map { .string($0) } ?? nil,
            ]
            return page.text + "\n"
        case .csv:
            return ([Self.columns] + entries.map(Self.row)).map { row in
                row.map(Self.quoted).joined(separator: ",") + "\r\n"
            }.joined()
        case .table:
            return Self.aligned([Self.columns.map { $0.uppercased() }] + entries.map(Self.row))
        }
    }

    private static func row(_ entry: LedgerEntry) -> [String] {
        [
            "\(entry.number)", Timestamp(entry.date).text, entry.kind.rawValue, "\(entry.amount)",
            "\(entry.balance)", entry.counterparty ?? "", entry.description,
        ]
    }

    /// A field as RFC 4180 has it: what could be taken for the end of one stands in quotes.
    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
        return needsQuotes
            ? "\""
                + field.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\"\"") + "\"" : field
    }

    /// Rows as lines, numbers to the right.
    private static func aligned(_ rows: [[String]]) -> String {
        // A line end in a field would end the row.
        let rows = rows.map { $0.map { field in String(field.map { $0.isNewline ? " " : $0 }) } }
        let widths = Self.columns.indices.map { index in rows.map { $0[index].count }.max() ?? 0 }
        let numbers: Set = [0, 3, 4]
        return rows.map { row in
            var line = row.indices.map { index in
                let padding = String(repeating: " ", count: widths[index] - row[index].count)
                return numbers.contains(index) ? padding + row[index] : row[index] + padding
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
