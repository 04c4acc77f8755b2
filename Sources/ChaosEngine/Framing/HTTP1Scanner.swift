/// HTTP/1.0 and HTTP/1.1 messages (RFC 9112).
///
/// Requests and responses may be pipelined. A message with both a Content-Length and a
/// Transfer-Encoding, with two different lengths or with a coding that hides its end loses sync:
/// those are what request smuggling is made of (RFC 9112 section 11.2), and two readers may differ
/// on them. Behind status 101, and where CONNECT opens a tunnel, no message follows.
struct HTTP1Scanner: MessageScanner {
    /// The longest line of a head. Servers stop between 8 and 64 KiB.
    private static let lineMax = 65_536
    /// How many methods are kept for whoever takes them.
    private static let methodsMax = 4096

    private let side: StreamSide
    private var place = Place.start
    /// The line that is being read, without its end.
    private var line: [UInt8] = []
    private var start = HTTP1StartLine.none
    private var fields = HTTP1BodyFields()
    private var body = CountedBytes()
    /// Responses: whether the requests still to be answered were HEAD or CONNECT, the oldest first.
    private var awaited: [HTTP1StartLine.Method] = []
    /// Requests: the methods seen and not taken yet.
    private var methods: [String] = []

    private(set) var mustStream = false
    private(set) var lossAfterMessage: String?

    private enum Place {
        case start
        case fields
        case body
        case chunkSize
        case chunkBody
        case chunkEnd
        case trailers
        case untilClose
    }

    init(side: StreamSide) { self.side = side }

    var endsWithStream: Bool {
        if case .untilClose = self.place { return true }
        return false
    }

    mutating func noteRequest(method: String) {
        if self.side == .responses { self.awaited.append(HTTP1StartLine.Method(method)) }
    }

    mutating func takeRequestMethods() -> [String] {
        defer { self.methods = [] }
        return self.methods
    }

    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        // These belong to the message before, until its end was reported.
        if case .start = self.place, self.line.isEmpty {
            self.mustStream = false
            self.lossAfterMessage = nil
        }
        var index = offset
        while index < bytes.count {
            let step: HTTP1Step
            switch self.place {
            case .body, .chunkBody:
                guard let end = self.body.end(in: bytes, from: index) else {
                    return .more(atLeast: self.body.missing)
                }
                index = end
                step = self.endBody()
            case .untilClose: return .more(atLeast: 0)
            default:
                if !self.readLine(bytes, &index) {
                    if let reason = self.reasonAgainstLine() { return .lost(reason) }
                    return .more(atLeast: 1)
                }
                step = self.takeLine()
                self.line.removeAll(keepingCapacity: true)
            }
            switch step {
            case .on: continue
            case .finished:
                self.place = .start
                return .message(end: index)
            case .lost(let reason): return .lost(reason)
            }
        }
        if case .untilClose = self.place { return .more(atLeast: 0) }
        return .more(atLeast: 1)
    }
}

enum HTTP1Step {
    case on
    case finished
    case lost(String)
}

// MARK: - Lines

extension HTTP1Scanner {
    /// Reads to the end of a line, which is \r\n or \n alone (RFC 9112 section 2.2).
    private mutating func readLine(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == 0x0A {
                if self.line.last == 0x0D { self.line.removeLast() }
                return true
            }
            // One byte too many tells that a line is too long; the rest need not be kept.
            if self.line.count <= Self.lineMax { self.line.append(byte) }
        }
        return false
    }

    /// What speaks against a line that is not finished: sync is lost before a stream that is no
    /// HTTP fills the memory.
    private func reasonAgainstLine() -> String? {
        if self.line.count > Self.lineMax {
            return "a line of a head has at most \(Self.lineMax) bytes"
        }
        if case .start = self.place {
            return HTTP1StartLine.reasonAgainst(beginning: self.line, self.side)
        }
        return nil
    }

    private mutating func takeLine() -> HTTP1Step {
        if let reason = self.reasonAgainstLine() { return .lost(reason) }
        switch self.place {
        case .start: return self.takeStartLine()
        case .fields:
            if self.line.isEmpty { return self.takeHead() }
            if let reason = self.fields.take(self.line) { return .lost(reason) }
            return .on
        case .chunkSize: return self.takeChunkSize()
        case .chunkEnd:
            guard self.line.isEmpty else {
                return .lost("a line's end follows a chunk, found \(ByteText.quoted(self.line))")
            }
            self.place = .chunkSize
            return .on
        case .trailers: return self.line.isEmpty ? .finished : .on
        case .body, .chunkBody, .untilClose:
            preconditionFailure("bodies are counted, not read line by line")
        }
    }

    private mutating func takeStartLine() -> HTTP1Step {
        // Empty lines before a request are skipped (RFC 9112 section 2.2).
        if self.line.isEmpty && self.side == .requests { return .on }
        switch HTTP1StartLine.parse(self.line, self.side) {
        case .failure(let failure): return .lost(failure.reason)
        case .success(let start): self.start = start
        }
        if case .request(_, let name, _) = self.start {
            if self.methods.count == Self.methodsMax { self.methods.removeFirst() }
            self.methods.append(name)
        }
        self.fields = HTTP1BodyFields()
        self.place = .fields
        return .on
    }

    private mutating func takeChunkSize() -> HTTP1Step {
        // chunk-size [ chunk-ext ] (RFC 9112 section 7.1)
        var size = 0
        var digits = 0
        for byte in self.line {
            guard let digit = Self.hexadecimal(byte) else { break }
            size = size << 4 | digit
            digits += 1
            if digits > 15 { return .lost("a chunk size has at most 15 digits") }
        }
        let rest = self.line.dropFirst(digits).drop { $0 == 0x20 || $0 == 0x09 }
        guard digits > 0, rest.isEmpty || rest.first == UInt8(ascii: ";") else {
            return .lost("a chunk size is hexadecimal, found \(ByteText.quoted(self.line))")
        }
        self.place = size > 0 ? .chunkBody : .trailers
        self.body = CountedBytes(size)
        return .on
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 0x41 + 10
        default: nil
        }
    }
}

// MARK: - Bodies

extension HTTP1Scanner {
    private mutating func endBody() -> HTTP1Step {
        if case .body = self.place { return .finished }
        self.place = .chunkEnd
        return .on
    }

    /// Decides what follows a head (RFC 9112 section 6.3).
    private mutating func takeHead() -> HTTP1Step {
        switch self.start {
        case .none: preconditionFailure("fields follow a start line")
        case .request(let method, _, let minor):
            if method == .connect {
                self.lossAfterMessage = "CONNECT opens a tunnel"
                return .finished
            }
            return self.beginBody(minor: minor, untilClose: false)
        case .response(let status, let minor):
            if status == 101 {
                self.lossAfterMessage = "status 101 switches to another protocol"
                return .finished
            }
            // An interim response does not answer its request yet.
            if status < 200 { return .finished }
            let method = self.awaited.isEmpty ? .other : self.awaited.removeFirst()
            if method == .connect && status < 300 {
                self.lossAfterMessage = "CONNECT opens a tunnel"
                return .finished
            }
            if method == .head || status == 204 || status == 304 { return .finished }
            return self.beginBody(minor: minor, untilClose: true)
        }
    }

    private mutating func beginBody(minor: Int, untilClose: Bool) -> HTTP1Step {
        if let conflict = self.fields.conflict(minor: minor) { return .lost(conflict) }
        switch (self.fields.transferCoding, self.fields.contentLength) {
        case (.chunked, _): self.place = .chunkSize
        case (.other, _) where untilClose: self.place = .untilClose
        case (.other, _): return .lost("the last transfer coding of a request is 'chunked'")
        case (.none, 0?): return .finished
        case (.none, let length?):
            self.body = CountedBytes(length)
            self.place = .body
        case (.none, nil) where untilClose: self.place = .untilClose
        case (.none, nil): return .finished
        }
        self.mustStream = self.fields.mustStream
        return .on
    }
}
