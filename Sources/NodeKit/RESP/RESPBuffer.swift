/// Bytes that have come and are not understood yet. Looks at each byte once, however small the pieces
/// are in which they come.
struct RESPBuffer: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to where the end of the current line was looked for.
    private var searched = 0

    /// How many bytes wait.
    var count: Int { self.bytes.count - self.start }
    /// The first byte that waits.
    var first: UInt8? { self.count > 0 ? self.bytes[self.start] : nil }
    /// All bytes that wait.
    var rest: [UInt8] { Array(self.bytes[self.start...]) }

    mutating func append(_ more: some Collection<UInt8>) {
        // Moved to the front now and then, so that forgetting costs little.
        if self.start > 4096 && self.start > self.bytes.count / 2 {
            self.bytes.removeFirst(self.start)
            self.searched -= self.start
            self.start = 0
        }
        self.bytes.append(contentsOf: more)
    }

    /// The bytes before the first one of a kind, which is taken with `behind` more behind it; `nil`
    /// where it, or one of those, has not come.
    mutating func take(before byte: UInt8, andBehind behind: Int = 0) -> ArraySlice<UInt8>? {
        self.searched = max(self.searched, self.start)
        guard let end = self.bytes[self.searched...].firstIndex(of: byte) else {
            self.searched = self.bytes.count
            return nil
        }
        self.searched = end
        guard end + behind < self.bytes.count else { return nil }
        defer { self.start = end + 1 + behind }
        return self.bytes[self.start..<end]
    }

    /// So many bytes, and two more behind them, which are looked at by `end`; `nil` where they have
    /// not come.
    mutating func take(
        _ count: Int, endingWith end: (UInt8, UInt8) throws(RESPError) -> Void
    ) throws(RESPError) -> [UInt8]? {
        guard self.count - 2 >= count else { return nil }
        let next = self.start + count
        try end(self.bytes[next], self.bytes[next + 1])
        defer { self.start = next + 2 }
        return Array(self.bytes[self.start..<next])
    }
}

extension Int64 {
    /// Reads a number as Redis does (`string2ll`): no spaces, no plus sign, no zeros in front.
    package init?(redis text: some Collection<UInt8>) {
        guard let number = Int64(String(decoding: text, as: UTF8.self)),
            String(number).utf8.elementsEqual(text)
        else { return nil }
        self = number
    }
}
