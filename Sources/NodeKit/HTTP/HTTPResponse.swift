extension Effect {
    /// Answers a request over HTTP.
    ///
    /// - Parameters:
    ///   - status: The status code, from 200 to 599.
    ///   - body: The body as text.
    ///   - headers: Headers by name, such as `["location": "/x"]`; `content-length` is added, and `content-type: text/plain` where
    ///     nothing else is said.
    public static func respond(
        to request: HTTPRequest, _ status: Int, _ body: String = "", headers: JSONObject = [:]
    ) -> Effect {
        .reply(
            to: request.message,
            [
                "type": "http_ok", "status": .int(Int64(status)), "headers": .object(headers),
                "body": .string(body),
            ])
    }

    /// Answers a request over HTTP with JSON.
    public static func respond(
        to request: HTTPRequest, _ status: Int, json: JSONValue, headers: JSONObject = [:]
    ) -> Effect {
        var headers = headers
        headers["content-type"] = "application/json"
        return .respond(to: request, status, json.text + "\n", headers: headers)
    }
}

/// An answer of a node, as it goes out over HTTP.
struct HTTPResponse: Hashable, Sendable {
    var status: Int
    var headers: [Header]
    var body: String

    struct Header: Hashable, Sendable {
        var name: String
        var value: String
    }

    /// The answer that a message of the node's brings. An `error` gets the status that fits its code.
    init(_ message: Message) {
        if message.type == "error" {
            let code = ErrorCode(rawValue: message["code"]?.intValue ?? ErrorCode.crash.rawValue)
            self.status = Self.status(of: code)
            self.headers = []
            self.body = (message["text"]?.stringValue ?? "error \(code.rawValue)") + "\n"
        } else {
            self.status = Int(clamping: message["status"]?.intValue ?? 500)
            self.headers = (message["headers"]?.objectValue?.members ?? []).map {
                Header(name: $0.key, value: Self.line($0.value.stringValue ?? $0.value.text))
            }
            self.body = message["body"]?.stringValue ?? ""
        }
    }

    /// A header's value ends with its line, so what it has of line ends becomes spaces.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    /// Definite errors are the client's (4xx) where it can do something about them; what nobody knows is the server's (5xx).
    private static func status(of code: ErrorCode) -> Int {
        switch code {
        case .malformedRequest: 400
        case .notSupported, .nodeNotFound, .keyDoesNotExist: 404
        case .keyAlreadyExists, .transactionConflict: 409
        case .preconditionFailed: 412
        case .temporarilyUnavailable, .abort: 503
        case .timeout: 504
        default: 500
        }
    }
}
