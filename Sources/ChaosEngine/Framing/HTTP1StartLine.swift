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

    struct Failure: Error {
        let reason: String

        init(reason: String) { self.reason = reason }

        init(rule: String, _ line: [UInt8]) {
            self.reason = "\(rule), found \(ByteText.quoted(line))"
        }
    }

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
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20),
            first > 0, first + 1 < last, let minor = Self.minorVersion(line[(last + 1)...])
        else { return .failure(Failure(rule: "a request is 'METHOD target HTTP/1.1'", line)) }
        let name = String(decoding: line[..<first], as: UTF8.self)
        return .success(.request(Method(name), name: name, minor: minor))
    }

    private static func parseResponse(_ line: [UInt8]) -> Result<HTTP1StartLine, Failure> {
        // HTTP/1.1 SP 3DIGIT [ SP reason ]
        guard line.count >= 12, line[8] == 0x20, let minor = Self.minorVersion(line[..<8]),
            line.count == 12 || line[12] == 0x20,
            let status = Int(String(decoding: line[9..<12], as: UTF8.self)), status >= 100
        else { return .failure(Failure(rule: "a response is 'HTTP/1.1 status reason'", line)) }
        return .success(.response(status: status, minor: minor))
    }

    private static func minorVersion(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count == 8, text.starts(with: "HTTP/1.".utf8), let digit = text.last,
            digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9")
        else { return nil }
        return Int(digit - UInt8(ascii: "0"))
    }

    /// Whether a byte may stand in a token (RFC 9110 section 5.6.2): letters, digits and
    /// `!#$%&'*+-.^_`|~`, as one bit for each ASCII character.
    static func isToken(_ byte: UInt8) -> Bool {
        let characters: UInt64 =
            switch byte {
            case 0..<64: 0x03ff_6cfa_0000_0000
            case 64..<128: 0x57ff_ffff_c7ff_fffe
            default: 0
            }
        return characters >> UInt64(byte & 63) & 1 == 1
    }
}
