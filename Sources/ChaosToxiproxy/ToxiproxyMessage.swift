/// A request to the API.
package struct ToxiproxyRequest: Sendable {
    package var method: String
    /// The path with its query, as it came.
    package var target: String
    package var userAgent: String?
    package var body: [UInt8]

    package init(_ method: String, _ target: String, userAgent: String? = nil, body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.userAgent = userAgent
        self.body = body
    }
}

/// An answer of the API.
package struct ToxiproxyResponse: Hashable, Sendable {
    package var status: Int
    /// Header fields in their order.
    package var headers: [Header] = []
    package var body: String = ""
    /// Whether a known method of a known path was asked for; only then an answer carries a request id.
    package var isRouted = true

    /// A header field.
    package struct Header: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    init(_ status: Int, _ headers: [(String, String)] = [], _ body: String = "") {
        self.status = status
        self.headers = headers.map { Header(name: $0.0, value: $0.1) }
        self.body = body
    }

    static func json(_ status: Int, _ body: String) -> ToxiproxyResponse {
        ToxiproxyResponse(status, [("Content-Type", "application/json")], body)
    }

    /// A text as Go's `http.Error` sends it.
    static func plain(_ status: Int, _ text: String) -> ToxiproxyResponse {
        ToxiproxyResponse(
            status,
            [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("X-Content-Type-Options", "nosniff"),
            ], text + "\n")
    }

    static let noContent = ToxiproxyResponse(204)

    static func error(_ error: ToxiproxyError) -> ToxiproxyResponse {
        .plain(error.status, "{\(error.members)}")
    }
}
