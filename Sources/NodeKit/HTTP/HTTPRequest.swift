/// A request over HTTP/1.1, as a node sees it.
///
/// The node's HTTP port turns each request into a message of the type ``messageType``, so a node that answers HTTP
/// stays what it is: messages in, effects out, in virtual time as over sockets.
///
/// ```swift
/// case .message(let message):
///     guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
///     switch (request.method, request.path.count) {
///     case ("GET", 1): return [.respond(to: request, 200, "you asked for \(request.path[0])")]
///     default: return [.respond(to: request, 404, "Not Found")]
///     }
/// ```
///
/// Source: RFC 9110, HTTP Semantics.
public struct HTTPRequest: Sendable {
    /// The type of the messages that requests come in: `http{method, target, headers, body}`.
    public static let messageType = "http"

    /// The message that it came in, for the answer.
    public let message: Message
    /// The method in capitals: `GET`.
    public let method: String
    /// The path in parts, with what was escaped in them restored: `/a/b%20c` is `a`, `b c`; `/` has none.
    public let path: [String]
    /// What stands behind the question mark; of a name that is given twice the last value.
    public let query: [String: String]
    /// The body as text.
    public let body: String

    /// Reads a message; `nil` where it is no request over HTTP.
    public init?(_ message: Message) {
        guard message.type == Self.messageType, let method = message["method"]?.stringValue,
            let target = message["target"]?.stringValue
        else { return nil }
        self.message = message
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.path = (parts.first ?? "").split(separator: "/").map {
            PercentEncoding.decoded($0)
        }
        self.query = PercentEncoding.form(parts.count > 1 ? parts[1] : "")
        self.body = message["body"]?.stringValue ?? ""
    }

    /// A header's value, whatever the case of its name.
    public func header(_ name: String) -> String? {
        self.message["headers"]?[name.lowercased()]?.stringValue
    }

    /// The body's fields, as `curl --data` and forms of browsers send them
    /// (`application/x-www-form-urlencoded`).
    public var form: [String: String] { PercentEncoding.form(self.body[...]) }

    /// The body as JSON; `nil` where it is none.
    public var json: JSONValue? { try? JSONValue(parsing: self.body) }

    /// The body of a message that asks the same, for tests and for nodes that pass requests on.
    public static func body(
        _ method: String, _ target: String, headers: JSONObject = [:], body: String = ""
    ) -> JSONObject {
        [
            "type": .string(Self.messageType), "method": .string(method),
            "target": .string(target), "headers": .object(headers), "body": .string(body),
        ]
    }
}

/// What URLs and forms do to characters that mean something to them (RFC 3986, section 2.1; URL Standard, section 5.1).
enum PercentEncoding {
    /// A text with its escapes replaced; what is no escape stays as it is.
    static func decoded(_ text: Substring, plusIsSpace: Bool = false) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            // A number may have a sign; an escape may not.
            if byte == UInt8(ascii: "%"), rest.count >= 2, rest.first != UInt8(ascii: "+"),
                let escaped = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(escaped)
                rest.removeFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The fields of a form: `a=1&b=two+words`. A value may have equals signs.
    static func form(_ text: Substring) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decoded(parts[0], plusIsSpace: true)
            fields[name] = parts.count > 1 ? Self.decoded(parts[1], plusIsSpace: true) : ""
        }
        return fields
    }
}
