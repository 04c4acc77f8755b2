import ChaosCore

/// What happens to some HTTP/1 requests (RFC 9112).
package struct HTTPFault: Hashable, Sendable {
    // Which requests: those that everything given here fits.
    /// The method, as it is written.
    package var method: String?
    /// The path without its query; `*` stands for any text.
    package var path: String?
    /// A field that the request must have.
    package var header: Field?
    /// Only the first so many of them, over all connections since the stage was made or changed.
    package var first: Int?
    /// The share of them.
    package var probability = 1.0

    /// A field of a head, whatever the case of its name, and the value it must have; `*` stands for
    /// any text.
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    // What happens to them.
    /// How many milliseconds later a request is passed on, or answered.
    package var delay: Int64 = 0
    /// The status with which a request is answered in the target's place, if it is.
    package var status: Int?
    /// The text of that answer.
    package var body = ""
    /// How many bytes of the answer's body arrive before the connection closes, if it is cut short.
    package var truncate: Int?

    /// Makes a fault that does nothing to every request.
    package init() {}

    /// Whether a request is one of those that are meant.
    func fits(_ request: HTTP1Message) -> Bool {
        if let method = self.method, request.type != method { return false }
        if let path = self.path,
            !Self.matches(path, request.field("path")?.stringValue ?? "")
        {
            return false
        }
        guard let header = self.header else { return true }
        guard let value = request.field("header.\(header.name)")?.stringValue else { return false }
        return header.value.map { Self.matches($0, value) } ?? true
    }

    /// Whether a text is what a pattern says, in which `*` stands for any text.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else {
            return pattern == text
        }
        guard text.hasPrefix(first) else { return false }
        var rest = text.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(last)
    }

    /// An answer in the target's place.
    ///
    /// - Parameters:
    ///   - method: What the request asked for; the answer to `HEAD` has no body.
    ///   - closes: Whether the connection ends behind it.
    func answer(to method: String, closes: Bool) -> [UInt8] {
        guard let status = self.status else { return [] }
        // RFC 9110, sections 15.3.5 and 15.4.5: these have no body.
        let isBare = status == 204 || status == 304
        var head = "HTTP/1.1 \(status) \(Self.phrase(status))\r\n"
        if !isBare {
            head += "Content-Type: text/plain; charset=utf-8\r\n"
            head += "Content-Length: \(self.body.utf8.count)\r\n"
        }
        if closes { head += "Connection: close\r\n" }
        return Array((head + "\r\n" + (isBare || method == "HEAD" ? "" : self.body)).utf8)
    }

    /// What a status is called (RFC 9110, section 15).
    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 418: "I'm a teapot"
        case 422: "Unprocessable Content"
        case 425: "Too Early"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Injected"
        }
    }
}
