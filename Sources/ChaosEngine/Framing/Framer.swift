import ChaosCore

/// Which bytes of a connection a framer sees.
package enum StreamSide: Hashable, Sendable {
    /// What the opener of the connection sends.
    case requests
    /// What the listener sends back.
    case responses
}

/// What the next bytes of a stream are.
package enum FrameStep: Hashable, Sendable {
    /// Everything from the offset on belongs to a message that is not finished yet.
    case more
    /// The message ends before this index.
    case message(end: Int)
    /// The bytes up to this index, and those of the same message before them, belong to a message
    /// over the limit. They pass through; when it is finished, the next message follows.
    case oversized(end: Int, finished: Bool)
    /// As `oversized`, of a message that must not be held back: its sender waits for an answer in
    /// between (`Expect: 100-continue`), or it is an endless sequence of events.
    case streamed(end: Int, finished: Bool)
    /// Sync is lost: everything from the offset on, and the unfinished message before it, pass
    /// through for ever.
    case unsynchronised
}

/// What the end of a stream leaves behind.
package enum FrameEnd: Hashable, Sendable {
    /// Nothing: the stream ended between two messages, or sync was lost before.
    case clean
    /// A whole message, which the end of the stream finished.
    case message
    /// Bytes of a message that was not finished.
    case unfinished
}

/// Finds the messages in one direction of a connection.
///
/// A framer is shown every byte of its stream exactly once, in order, in reads cut anywhere. Each
/// call of ``next(_:from:)`` says what comes next in a read; the caller goes on from the end it was
/// told, and after `more` with the next read. The cuts do not change where messages begin and end.
/// The work is linear in the bytes, and no bytes but those of a head's current line are kept.
///
/// ```swift
/// var offset = 0
/// while offset < bytes.count {
///     switch framer.next(bytes.span, from: offset) {
///     case .more: hold(bytes[offset...]); offset = bytes.count
///     case .message(let end): deliver(held + bytes[offset..<end]); offset = end
///     …
/// ```
package struct Framer: Sendable {
    /// The largest message that is held for faults, unless said otherwise: 16 MiB.
    package static let limitDefault = 16 << 20

    /// Why sync was lost, once it is: a clause such as `a chunk size is hexadecimal, found 'xyz'`.
    package private(set) var desynchronised: String?

    private var scanner: any MessageScanner
    private let limit: Int
    /// How many bytes of the unfinished message were seen.
    private var seen = 0
    private var passing: Passing?

    /// Why the bytes of an unfinished message pass through.
    private enum Passing { case oversized, streamed }

    /// Makes a framer for the beginning of a stream.
    ///
    /// - Parameters:
    ///   - framing: How messages are told apart. With `none` every byte is unsynchronised.
    ///   - side: Whose bytes these are.
    ///   - limit: The largest message in bytes, framing included.
    package init(_ framing: Framing, side: StreamSide, limit: Int = Self.limitDefault) {
        precondition(limit > 0, "the limit of a framer must be positive, got \(limit)")
        self.limit = limit
        switch framing {
        case .none:
            self.scanner = LinesScanner()
            self.desynchronised = "the stream has no framing"
        case .lines: self.scanner = LinesScanner()
        case .length16: self.scanner = LengthScanner(width: 2)
        case .length32: self.scanner = LengthScanner(width: 4)
        case .varint: self.scanner = VarintScanner()
        case .resp: self.scanner = RESPScanner(side: side)
        case .http1: self.scanner = HTTP1Scanner(side: side)
        case .http2: self.scanner = HTTP2Scanner(side: side)
        }
    }

    /// Looks at the next bytes of the stream, from `offset` on, and says what they are.
    package mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> FrameStep {
        precondition(
            offset >= 0 && offset <= bytes.count, "offset \(offset) is outside 0...\(bytes.count)")
        if self.desynchronised != nil { return .unsynchronised }
        if offset == bytes.count { return .more }
        switch self.scanner.scan(bytes, from: offset) {
        case .lost(let reason):
            self.stop(because: reason)
            return .unsynchronised
        case .more(let atLeast):
            self.see(bytes.count - offset, missing: atLeast)
            switch self.passing {
            case nil: return .more
            case .oversized: return .oversized(end: bytes.count, finished: false)
            case .streamed: return .streamed(end: bytes.count, finished: false)
            }
        case .message(let end):
            self.see(end - offset, missing: 0)
            self.desynchronised = self.scanner.lossAfterMessage
            self.seen = 0
            defer { self.passing = nil }
            switch self.passing {
            case nil: return .message(end: end)
            case .oversized: return .oversized(end: end, finished: true)
            case .streamed: return .streamed(end: end, finished: true)
            }
        }
    }

    /// Tells that the stream ended, and says what that leaves behind.
    package mutating func end() -> FrameEnd {
        if self.desynchronised != nil || self.seen == 0 { return .clean }
        return self.scanner.endsWithStream ? .message : .unfinished
    }

    /// Gives framing up from here on, for a reason that the framer cannot see: the other direction
    /// of the connection became a tunnel, say. A reason already there stays.
    package mutating func stop(because reason: String) {
        if self.desynchronised == nil { self.desynchronised = reason }
        self.seen = 0
        self.passing = nil
    }

    private mutating func see(_ count: Int, missing: Int) {
        self.seen += count
        if self.passing != nil { return }
        if self.scanner.mustStream {
            self.passing = .streamed
        } else if self.seen > self.limit || missing > self.limit - self.seen {
            self.passing = .oversized
        }
    }
}

// MARK: - Header blocks of HTTP/2

extension Framer {
    /// What the header block says that ended last, if that was since the last call.
    mutating func takeFields() -> HTTP2Fields? { self.scanner.takeFields() }
}

// MARK: - HTTP requests and their responses

extension Framer {
    /// Tells the framer of HTTP/1.1 responses the method of the next request that has reached the
    /// server: responses to HEAD and CONNECT have no body. Without it a request counts as GET.
    /// Other framers ignore it.
    package mutating func noteRequest(method: String) { self.scanner.noteRequest(method: method) }

    /// The methods of the HTTP/1.1 requests whose first line was seen since the last call, in
    /// order; of other framers, none. At most the last 4096 are kept.
    package mutating func takeRequestMethods() -> [String] { self.scanner.takeRequestMethods() }
}
