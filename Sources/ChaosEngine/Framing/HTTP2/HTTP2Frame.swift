/// The nine bytes in front of a frame of HTTP/2 (RFC 9113 section 4.1).
struct HTTP2FrameHead: Hashable, Sendable {
    static let size = 9
    /// What a client sends in front of its first frame (section 3.4).
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// The types that matter here (section 6); frames of any other pass.
    enum Kind: UInt8 {
        case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate
        case continuation
    }

    struct Flags: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        /// Of DATA and HEADERS; bit 0 means ACK in SETTINGS and PING.
        static let endStream = Flags(rawValue: 0x1)
        static let acknowledgement = Flags(rawValue: 0x1)
        static let endHeaders = Flags(rawValue: 0x4)
        static let padded = Flags(rawValue: 0x8)
        static let priority = Flags(rawValue: 0x20)
    }

    /// The length of the payload behind the head.
    var length: Int
    var type: UInt8
    var flags: Flags
    /// 0 is the connection itself.
    var stream: Int

    var kind: Kind? { Kind(rawValue: self.type) }

    /// Reads a head; there must be nine bytes.
    init(_ bytes: some RandomAccessCollection<UInt8>) {
        func number(_ range: Range<Int>) -> Int {
            bytes.dropFirst(range.lowerBound).prefix(range.count).reduce(0) { $0 << 8 | Int($1) }
        }
        self.length = number(0..<3)
        self.type = UInt8(number(3..<4))
        self.flags = Flags(rawValue: UInt8(number(4..<5)))
        self.stream = number(5..<9) & 0x7FFF_FFFF
    }

    init(_ kind: Kind, _ flags: Flags, stream: Int, length: Int) {
        self.length = length
        self.type = kind.rawValue
        self.flags = flags
        self.stream = stream
    }

    var bytes: [UInt8] {
        func bytes(_ number: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - $0))) }
        }
        return bytes(self.length, 3) + [self.type, self.flags.rawValue] + bytes(self.stream, 4)
    }

    /// The frame's name, as RFC 9113 writes it.
    var name: String {
        switch self.kind {
        case .data: "DATA"
        case .headers: "HEADERS"
        case .priority: "PRIORITY"
        case .resetStream: "RST_STREAM"
        case .settings: "SETTINGS"
        case .pushPromise: "PUSH_PROMISE"
        case .ping: "PING"
        case .goAway: "GOAWAY"
        case .windowUpdate: "WINDOW_UPDATE"
        case .continuation: "CONTINUATION"
        case nil: "0x" + String(self.type, radix: 16)
        }
    }

    /// Where in a payload what matters lies, without padding and without what a HEADERS frame tells of
    /// priorities; `nil` if the payload is too short for that (sections 6.1, 6.2 and 6.6).
    ///
    /// - Parameter first: The first byte of the payload, if it has one.
    func content(first: UInt8?) -> Range<Int>? {
        var (begin, end) = (0, self.length)
        if self.flags.contains(.padded), self.kind != .continuation {
            guard let first else { return nil }
            begin = 1
            end -= Int(first)
        }
        if self.kind == .headers, self.flags.contains(.priority) { begin += 5 }
        if self.kind == .pushPromise { begin += 4 }
        return begin <= end ? begin..<end : nil
    }

    /// A grant of so many more bytes on the whole connection (section 6.9).
    static func credit(_ count: Int) -> [UInt8] {
        let size = UInt32(clamping: min(count, 0x7FFF_FFFF))
        return HTTP2FrameHead(.windowUpdate, [], stream: 0, length: 4).bytes
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
    }
}
