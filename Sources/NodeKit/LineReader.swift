/// Finds lines in a stream of bytes, however the stream happens to be cut.
///
/// A line ends with a line feed, which is not part of it; a carriage return before it is dropped,
/// and empty lines are skipped. A line over the limit is reported once and skipped to its end, with
/// at most `limit` bytes held in memory.
public struct LineReader: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        /// A complete line.
        case line([UInt8])
        /// A line of more than `limit` bytes; it is reported when its end is found.
        case overlong(byteCount: Int)
        /// The stream ended in the middle of a line.
        case unfinished(byteCount: Int)
    }

    /// The most bytes that a line may have.
    public let limit: Int
    /// Whether whatever is read at once counts as one line, as those believe who take TCP for messages.
    private let takesReads: Bool
    private var pending: [UInt8] = []
    /// How many bytes of an overlong line were dropped so far; 0 while the line is within limits.
    private var skipped = 0

    /// The beginning of a line whose end has not come yet; empty where it is over the limit already.
    package var unfinishedLine: [UInt8] { self.pending }

    /// Makes a reader; the default limit is 16 MiB.
    public init(limit: Int = 16 * 1024 * 1024) {
        precondition(limit > 0, "a line's limit must be positive, got \(limit)")
        self.limit = limit
        self.takesReads = false
    }

    /// Makes a reader for a node: most read lines, some make a mistake of it.
    init(for node: any Node) {
        self.limit = LineReader().limit
        self.takesReads = node is any NodeTakingReadsForMessages
    }

    /// Takes in the next bytes and returns what they complete.
    public mutating func read(_ bytes: some Collection<UInt8>) -> [Event] {
        var events: [Event] = []
        var rest = bytes[...]
        if self.takesReads {
            self.take(rest)
            if self.pending.last == UInt8(ascii: "\n") { self.pending.removeLast() }
            return self.endLine().map { [$0] } ?? []
        }
        while let lineFeed = rest.firstIndex(of: UInt8(ascii: "\n")) {
            self.take(rest[..<lineFeed])
            rest = rest[rest.index(after: lineFeed)...]
            if let event = self.endLine() { events.append(event) }
        }
        self.take(rest)
        return events
    }

    /// Takes note that the stream ended.
    public mutating func finish() -> Event? {
        let count = self.skipped + self.pending.count
        self.pending = []
        self.skipped = 0
        return count > 0 ? .unfinished(byteCount: count) : nil
    }

    private mutating func take(_ bytes: some Collection<UInt8>) {
        let isOverlong = self.skipped > 0 || self.pending.count + bytes.count > self.limit + 1
        if isOverlong {
            self.skipped += self.pending.count + bytes.count
            self.pending = []
        } else {
            self.pending.append(contentsOf: bytes)
        }
    }

    private mutating func endLine() -> Event? {
        var line = self.pending
        let skipped = self.skipped
        self.pending = []
        self.skipped = 0
        if skipped > 0 { return .overlong(byteCount: skipped) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty { return nil }
        return line.count > self.limit ? .overlong(byteCount: line.count) : .line(line)
    }
}

/// A node whose driver takes every read for one message: a mistake, for reference nodes that show what comes of
/// it.
package protocol NodeTakingReadsForMessages: Node {}
