/// The first line of an HTTP/1 message, as far as framing needs it (RFC 9112 sections 3 and 4).
enum HTTP1StartLine: Hashable {
    /// No line was read yet.
    case none
    case request(Method, name: String, minor: Int)
    case response(status: Int, minor: Int)

    /// The methods whose responses have no body, and all others.
    enum Method: Hashable {
        case head
        case connect
        case other

        init(_ name: String) {
            switch name {
            case "HEAD": self = .head
            case "CONNECT": self = .connect
            default: self = .other
            }
        }
    }

    struct Failure: Error { let reason: String }

    /// The longest method that is still believed to be one.
    private static let methodMax = 32

    /// What speaks against the beginning of a start line, of which more may come.
    ///
    /// What it refuses, it refuses with any continuation.
    static func reasonAgainst(beginning line: [UInt8], _ side: StreamSide) -> String? {
        switch side {
        case .requests:
            // An empty line may come before a request.
            if line == [0x0D] { return nil }
            let method = line.prefix(Self.methodMax + 1).prefix { $0 != 0x20 }
            let isMethod = method.count <= Self.methodMax && method.allSatisfy(Self.isToken)
            if isMethod && (line.isEmpty || !method.isEmpty) { return nil }
            return "a request starts with a method, found \(ByteText.quoted(line))"
        case .responses:
            if zip(line, "HTTP/1.".utf8).allSatisfy({ $0 == $1 }) { return nil }
            return "a response starts with 'HTTP/1.', found \(ByteText.quoted(line))"
        }
    }

    /// Reads a whole start line.
    static func parse(_ line: [UInt8], _ side: StreamSide) -> Result<HTTP1StartLine, Failure> {
        switch side {
        case .requests: self.parseRequest(line)
        case .responses: self.parseResponse(line)
        }
    }

    private static func parseRequest(_ line: [UInt8]) -> Result<HTTP1StartLine, Failure> {
        if line.elementsEqual("PRI * HTTP/2.0".utf8) {
            return .failure(Failure(reason: "the connection speaks HTTP/2"))
        }
        let failure = Failure(
            reason: "a request is 'METHOD target HTTP/1.1', found \(ByteText.quoted(line))")
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20),
            first > 0, first + 1 < last, let minor = Self.minorVersion(line[(last + 1)...])
        else { return .failure(failure) }
        let name = String(decoding: line[..<first], as: UTF8.self)
        return .success(.request(Method(name), name: name, minor: minor))
    }

    private static func parseResponse(_ line: [UInt8]) -> Result<HTTP1StartLine, Failure> {
        let failure = Failure(
            reason: "a response is 'HTTP/1.1 status reason', found \(ByteText.quoted(line))")
        // HTTP/1.1 SP 3DIGIT [ SP reason ]
        guard line.count >= 12, line[8] == 0x20, let minor = Self.minorVersion(line[..<8]),
            line.count == 12 || line[12] == 0x20,
            let status = Int(String(decoding: line[9..<12], as: UTF8.self)), status >= 100
        else { return .failure(failure) }
        return .success(.response(status: status, minor: minor))
    }

    private static func minorVersion(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count == 8, text.starts(with: "HTTP/1.".utf8), let digit = text.last,
            digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9")
        else { return nil }
        return Int(digit - UInt8(ascii: "0"))
    }

    /// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
