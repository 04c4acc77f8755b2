/// Where something listens: a TCP address or a Unix socket.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address in text form, without brackets, and a port.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix stream socket.
    case unix(path: String)

    /// `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Reads `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`; `localhost` stays a name.
    ///
    /// - Throws: `InputError` when the port is missing or not between 0 and 65535.
    package init(parsing text: String) throws(InputError) {
        let rule = "an address is HOST:PORT, [IPv6]:PORT or unix:PATH"
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            if path.isEmpty { throw InputError(rule, found: text) }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw InputError(rule, found: text, hint: "for example '127.0.0.1:5432'") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw InputError(rule, found: text, hint: "write '[\(host)]:\(port)'")
        }
        if host.isEmpty { throw InputError(rule, found: text, hint: "write '127.0.0.1:\(port)'") }
        self = .tcp(host: host, port: port)
    }
}
