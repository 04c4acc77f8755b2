/// Cuts a stream of bytes into lines.
///
/// A line ends with a line feed, alone or behind a carriage return. A line of more than `limit` is
/// given up to there, with a mark, and the rest of it is dropped, so that a node that never ends a
/// line costs no more than that. Bytes that are not UTF-8 become U+FFFD.
struct LineSplitter {
    static let bytesMax = 64 * 1024

    /// How many bytes a line may have.
    private let limit: Int

    private var partial: [UInt8] = []
    private var isDropping = false

    init(limit: Int = Self.bytesMax) { self.limit = limit }

    /// What stands behind a line that was too long.
    private var cutMark: String { " … (cut: a line has at most \(self.limit) bytes)" }

    /// Takes bytes and returns the lines that are complete now.
    mutating func append(_ bytes: some Collection<UInt8>) -> [String] {
        var lines: [String] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            self.add(rest[..<end], to: &lines)
            rest = rest[rest.index(after: end)...]
            if !self.isDropping { lines.append(self.takePartial()) }
            self.isDropping = false
        }
        self.add(rest, to: &lines)
        return lines
    }

    /// Returns what stands behind the last line end, if anything does.
    mutating func finish() -> String? {
        self.isDropping = false
        return self.partial.isEmpty ? nil : self.takePartial()
    }

    private mutating func add(_ bytes: some Collection<UInt8>, to lines: inout [String]) {
        if self.isDropping { return }
        let room = self.limit - self.partial.count
        self.partial += bytes.prefix(room)
        if bytes.count > room {
            lines.append(self.takePartial() + self.cutMark)
            self.isDropping = true
        }
    }

    private mutating func takePartial() -> String {
        defer { self.partial.removeAll(keepingCapacity: true) }
        if self.partial.last == UInt8(ascii: "\r") { self.partial.removeLast() }
        return String(decoding: self.partial, as: UTF8.self)
    }
}
