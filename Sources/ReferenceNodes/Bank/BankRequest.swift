import ChaosCore
import NodeKit

/// What a client of the bank wants.
enum BankRequest: Sendable {
    case order(account: String, AccountOrder.Kind, amount: Int64, description: String)
    case transfer(from: String, to: String, amount: Int64, description: String)
    case index(limit: Int, cursor: String)
    case show(account: String)
    case list(account: String, StatementQuery, StatementFormat)

    /// How much may be moved at once, in cents.
    private static let amounts: ClosedRange<Int64> = 1...1_000_000_000_000
    private static let descriptionLimit = 200

    /// Reads a request.
    ///
    /// - Throws: ``Problem`` that says what is wrong with it.
    init(_ request: HTTPRequest) throws(Problem) {
        let path = request.path
        switch (path.first, path.count) {
        case ("accounts", 1) where request.method == "GET" || request.method == "HEAD":
            self = .index(
                limit: try StatementQuery.limit(request.query),
                cursor: request.query["cursor"] ?? "")
        case ("accounts", 1):
            try Self.require(request, "POST", orElse: "GET, POST")
            let fields = try Fields(request)
            self = .order(
                account: try fields.account("id"), .open,
                amount: try fields.amount("initial", in: 0...Self.amounts.upperBound, default: 0),
                description: "")
        case ("accounts", 2):
            try Self.require(request, "GET")
            self = .show(account: try Self.account(path[1]))
        case ("accounts", 3) where path[2] == "deposits" || path[2] == "withdrawals":
            try Self.require(request, "POST")
            let fields = try Fields(request)
            self = .order(
                account: try Self.account(path[1]),
                path[2] == "deposits" ? .deposit : .withdrawal,
                amount: try fields.amount("amount", in: Self.amounts),
                description: try fields.description(atMost: Self.descriptionLimit))
        case ("accounts", 3) where path[2] == "transactions":
            try Self.require(request, "GET")
            self = .list(
                account: try Self.account(path[1]), try StatementQuery(request.query),
                try Self.format(request))
        case ("transfers", 1):
            try Self.require(request, "POST")
            let fields = try Fields(request)
            let (from, to) = (try fields.account("from"), try fields.account("to"))
            if from == to {
                throw .senseless("'from' and 'to' are two accounts, found '\(to)' twice")
            }
            self = .transfer(
                from: from, to: to, amount: try fields.amount("amount", in: Self.amounts),
                description: try fields.description(atMost: Self.descriptionLimit))
        default: throw .missing("there is no '/\(path.joined(separator: "/"))'")
        }
    }

    /// How long a client waits for something to happen.
    var wait: Duration {
        if case .list(_, let query, _) = self { return query.wait }
        return .zero
    }

    /// The key under which a client wants it done once.
    ///
    /// - Throws: ``Problem`` where the header has none.
    static func key(of request: HTTPRequest) throws(Problem) -> String? {
        // A string in quotes, says draft-ietf-httpapi-idempotency-key-header; most clients leave them out.
        guard var key = request.header("idempotency-key")?[...] else { return nil }
        if key.count >= 2, key.first == "\"", key.last == "\"" { key = key.dropFirst().dropLast() }
        guard (1...255).contains(key.utf8.count) else {
            throw .malformed("'Idempotency-Key' has from 1 to 255 characters, found \(key.count)")
        }
        return String(key)
    }

    private static func require(
        _ request: HTTPRequest, _ method: String, orElse allowed: String? = nil
    ) throws(Problem) {
        if request.method == method || method == "GET" && request.method == "HEAD" { return }
        throw .notAllowed(request.method, allowed: allowed ?? method)
    }

    private static func format(_ request: HTTPRequest) throws(Problem) -> StatementFormat {
        guard let word = request.query["format"] else {
            return request.header("accept")?.hasPrefix("text/csv") == true ? .csv : .json
        }
        if let format = StatementFormat(rawValue: word) { return format }
        let known = StatementFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw .malformed("'format' is one of \(known), found '\(word)'")
    }

    fileprivate static func account(_ text: String) throws(Problem) -> String {
        let isName = text.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                || $0 == "-" || $0 == "_"
        }
        if isName, (1...64).contains(text.utf8.count) { return text }
        throw .malformed(
            "an account's name has from 1 to 64 letters, digits, '-' and '_', found '\(text)'")
    }
}

/// The fields of a body, in JSON or as a form.
private struct Fields {
    private enum Content {
        case json(JSONObject)
        case form([String: String])
    }

    private let content: Content

    /// - Throws: ``Problem`` where the body is neither.
    init(_ request: HTTPRequest) throws(Problem) {
        // `curl -d '{…}'` calls it a form.
        let isJSON =
            request.header("content-type")?.contains("json") == true
            || request.body.first { !$0.isWhitespace } == "{"
        if !isJSON {
            self.content = .form(request.form)
            return
        }
        let body: JSONValue
        do { body = try JSONValue(parsing: request.body) } catch {
            throw .malformed("the body is no JSON: \(error)")
        }
        guard let object = body.objectValue else {
            throw .malformed(
                "a body is a JSON object or a form, found '\(request.body.prefix(80))'")
        }
        self.content = .json(object)
    }

    /// A field's value as JSON: what a form has is text, or a number where it reads as one.
    private func value(_ name: String) -> JSONValue? {
        switch self.content {
        case .json(let object): object[name]
        case .form(let fields):
            fields[name].map { text in Int64(text).map { .int($0) } ?? .string(text) }
        }
    }

    private func text(_ name: String) -> String? {
        switch self.content {
        case .json(let object): object[name].map { $0.stringValue ?? $0.text }
        case .form(let fields): fields[name]
        }
    }

    func account(_ name: String) throws(Problem) -> String {
        guard let text = self.text(name) else { throw .malformed("'\(name)' is missing") }
        return try BankRequest.account(text)
    }

    func amount(
        _ name: String, in range: ClosedRange<Int64>, default missing: Int64? = nil
    ) throws(Problem) -> Int64 {
        guard let value = self.value(name) else {
            if let missing { return missing }
            throw .malformed("'\(name)' is missing")
        }
        if let amount = value.intValue, range.contains(amount) { return amount }
        throw .senseless(
            "'\(name)' is a whole number of cents from \(range.lowerBound) to \(range.upperBound),"
                + " found \(value.text)")
    }

    func description(atMost limit: Int) throws(Problem) -> String {
        let text = self.text("description") ?? ""
        if text.count <= limit { return text }
        throw .senseless("'description' has at most \(limit) characters, found \(text.count)")
    }
}
