/// Tells the lines of growing offsets in one pass.
struct LineCounter {
    private let bytes: [UInt8]
    private var offset = 0
    private var line = 1

    init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

    /// The line of an offset that is not before the last one asked for.
    mutating func line(at offset: Int) -> Int {
        while self.offset < min(offset, self.bytes.count) {
            if self.bytes[self.offset] == UInt8(ascii: "\n") { self.line += 1 }
            self.offset += 1
        }
        return self.line
    }
}
