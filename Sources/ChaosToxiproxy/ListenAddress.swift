// Addresses the way Go reads them (net.ResolveTCPAddr), and Unix sockets, which are ours.

/// Where a proxy listens, resolved.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A canonical address, or none for all of them, and a port; 0 takes a free one.
    case tcp(host: String?, port: UInt16)
    case unix(path: String)

    /// The text that tells whether two are the same.
    package var description: String {
        switch self {
        case .tcp(let host?, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .tcp(nil, let port): ":\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// What Go puts in front of an error of listening here.
    var network: String {
        if case .unix = self { return "unix" }
        return "tcp"
    }

    /// The parts of an address as it was written.
    struct Parts: Hashable {
        var host: String
        var port: UInt16
    }

    /// Splits `HOST:PORT` the way Go does, with Go's errors.
    static func split(_ text: String) throws(PlaneFailure) -> Parts {
        if text.isEmpty { return Parts(host: "", port: 0) }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            throw PlaneFailure("address \(text): missing port in address")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw PlaneFailure("address \(text): missing ']' in address")
            }
            let behind = text.index(after: end)
            if behind == text.endIndex || (behind != colon && text[behind] != ":") {
                throw PlaneFailure("address \(text): missing port in address")
            }
            if behind != colon { throw PlaneFailure("address \(text): too many colons in address") }
            host = String(text[text.index(after: text.startIndex)..<end])
        } else if host.contains(":") {
            throw PlaneFailure("address \(text): too many colons in address")
        }
        return Parts(host: host, port: try Self.port(String(text[text.index(after: colon)...])))
    }

    private static func port(_ text: String) throws(PlaneFailure) -> UInt16 {
        if text.isEmpty { return 0 }
        let digits = text.drop { $0 == "+" || $0 == "-" }
        if !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let port = Int(text), (0...65535).contains(port) else {
                throw PlaneFailure("address \(text): invalid port")
            }
            return UInt16(port)
        }
        guard let port = Self.services[GoJSON.folded(text)] else {
            throw PlaneFailure("lookup tcp/\(text): unknown port")
        }
        return port
    }

    /// The services that Go knows without a file.
    private static let services: [String: UInt16] = [
        "domain": 53, "ftp": 21, "ftps": 990, "gopher": 70, "http": 80, "https": 443,
        "imap2": 143, "imap3": 220, "imaps": 993, "pop3": 110, "pop3s": 995, "smtp": 25,
        "submissions": 465, "ssh": 22, "telnet": 23,
    ]
}
