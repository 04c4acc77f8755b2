/// What the fields of a head say about the body and its end (RFC 9112 section 6).
struct HTTP1BodyFields: Hashable {
    /// The last transfer coding: it decides whether the body tells where it ends.
    enum TransferCoding: Hashable {
        case none
        case chunked
        case other
    }

    private(set) var contentLength: Int?
    private(set) var transferCoding = TransferCoding.none
    /// Whether a peer waits for an answer inside the message, or the body has no end.
    private(set) var mustStream = false

    private var fault: String?
    /// The field that a continuation line would belong to matters for the body.
    private var lastWasRelevant = false

    /// Reads one field line, and says why it is none, if so.
    mutating func take(_ line: [UInt8]) -> String? {
        // A line that starts with space continues the one before (RFC 9112 section 5.2).
        if line.first == 0x20 || line.first == 0x09 {
            if self.lastWasRelevant { self.fault = self.fault ?? "a framing field has one line" }
            return nil
        }
        guard let field = HTTP1Field(line) else {
            return "a field is 'name: value', found \(ByteText.quoted(line))"
        }
        self.lastWasRelevant = true
        if HTTP1Field.equal(field.name, Names.contentLength) {
            self.takeContentLength(field.value)
        } else if HTTP1Field.equal(field.name, Names.transferEncoding) {
            self.takeTransferEncoding(field.value)
        } else if HTTP1Field.equal(field.name, Names.expect) {
            if HTTP1Field.equal(field.value, Names.continue) { self.mustStream = true }
        } else if HTTP1Field.equal(field.name, Names.contentType) {
            let type = field.value.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }
            if HTTP1Field.equal(type, Names.eventStream) { self.mustStream = true }
        } else {
            self.lastWasRelevant = false
        }
        return nil
    }

    /// Why two readers could disagree on where the body ends, if they could.
    func conflict(minor: Int) -> String? {
        if let fault = self.fault { return fault }
        if self.transferCoding == .none { return nil }
        if self.contentLength != nil {
            return "a message has either a content length or a transfer coding, not both"
        }
        // RFC 9112 section 6.1.
        return minor == 0 ? "HTTP/1.0 has no transfer codings" : nil
    }

    /// The words that are looked for, made once: a head is read for each message.
    private enum Names {
        static let contentLength = Array("content-length".utf8)
        static let transferEncoding = Array("transfer-encoding".utf8)
        static let expect = Array("expect".utf8)
        static let contentType = Array("content-type".utf8)
        static let `continue` = Array("100-continue".utf8)
        static let eventStream = Array("text/event-stream".utf8)
        static let chunked = Array("chunked".utf8)
    }

    private mutating func takeContentLength(_ value: ArraySlice<UInt8>) {
        // The same length several times counts once (RFC 9112 section 6.3).
        for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let digits = HTTP1Field.trimmed(part)
            let isNumber =
                !digits.isEmpty && digits.count <= 18
                && digits.allSatisfy {
                    $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
                }
            guard isNumber else {
                let found = ByteText.quoted(digits)
                self.fault =
                    self.fault ?? "a content length is a number below 10^18, found \(found)"
                return
            }
            let length = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            if let before = self.contentLength, before != length {
                self.fault =
                    self.fault
                    ?? "a message has one content length, found '\(before)' and '\(length)'"
            }
            self.contentLength = length
        }
    }

    private mutating func takeTransferEncoding(_ value: ArraySlice<UInt8>) {
        for part in value.split(separator: UInt8(ascii: ",")) {
            let coding = HTTP1Field.trimmed(part)
            if coding.isEmpty { continue }
            if self.transferCoding == .chunked {
                self.fault = self.fault ?? "'chunked' is the last transfer coding"
            }
            self.transferCoding = HTTP1Field.equal(coding, Names.chunked) ? .chunked : .other
        }
    }
}

/// One field line of a head: its name and its value (RFC 9112 section 5).
struct HTTP1Field {
    let name: ArraySlice<UInt8>
    let value: ArraySlice<UInt8>

    /// Splits a line; `nil` if it has no colon, or no token in front of it.
    init?(_ line: [UInt8]) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy(HTTP1StartLine.isToken)
        else { return nil }
        self.name = line[..<colon]
        self.value = Self.trimmed(line[(colon + 1)...])
    }

    /// Whether bytes are a text in whatever case; the text is given in lower case.
    static func equal(_ bytes: ArraySlice<UInt8>, _ text: [UInt8]) -> Bool {
        bytes.count == text.count && zip(bytes, text).allSatisfy { Self.lowercased($0) == $1 }
    }

    /// The bytes without spaces and tabs around them.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let rest = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        guard let last = rest.lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return [] }
        return rest[...last]
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
