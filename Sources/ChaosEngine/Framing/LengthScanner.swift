/// Messages that end with a newline (0x0A), which belongs to them.
struct LinesScanner: MessageScanner {
    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        for index in offset..<bytes.count where bytes[index] == 0x0A {
            return .message(end: index + 1)
        }
        return .more(atLeast: 1)
    }
}

/// Messages of a big-endian length and then that many bytes. The length does not count itself.
struct LengthScanner: MessageScanner {
    private let width: Int
    private var prefixSeen = 0
    private var length = 0
    private var payload = CountedBytes()

    /// - Parameter width: How many bytes the length has, at most 7.
    init(width: Int) { self.width = width }

    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        var index = offset
        while self.prefixSeen < self.width {
            if index == bytes.count { return .more(atLeast: self.width - self.prefixSeen) }
            self.length = self.length << 8 | Int(bytes[index])
            self.prefixSeen += 1
            index += 1
            if self.prefixSeen == self.width { self.payload = CountedBytes(self.length) }
        }
        guard let end = self.payload.end(in: bytes, from: index) else {
            return .more(atLeast: self.payload.missing)
        }
        self.prefixSeen = 0
        self.length = 0
        return .message(end: end)
    }
}

/// Messages of a base-128 length, low groups first, and then that many bytes (Protocol Buffers:
/// Encoding, "Base 128 Varints"; the writers are called `writeDelimitedTo`). A length has at most
/// 10 bytes and stays below 2⁶³.
struct VarintScanner: MessageScanner {
    private var prefixSeen = 0
    private var length: UInt64 = 0
    private var payload: CountedBytes?

    mutating func scan(_ bytes: Span<UInt8>, from offset: Int) -> Scan {
        var index = offset
        while self.payload == nil {
            if index == bytes.count { return .more(atLeast: 1) }
            let byte = bytes[index]
            // The tenth byte holds bit 63 only, and a length that needs it is none.
            if self.prefixSeen == 9 && byte != 0 {
                return .lost("a varint length is below 2^63 and has at most 10 bytes")
            }
            self.length |= UInt64(byte & 0x7F) << UInt64(7 * self.prefixSeen)
            self.prefixSeen += 1
            index += 1
            if byte & 0x80 == 0 { self.payload = CountedBytes(Int(self.length)) }
        }
        guard let end = self.payload?.end(in: bytes, from: index) else {
            return .more(atLeast: self.payload?.missing ?? 0)
        }
        self = VarintScanner()
        return .message(end: end)
    }
}

/// A number of bytes of which some have come.
struct CountedBytes: Hashable {
    /// How many have not come yet.
    private(set) var missing: Int

    init(_ count: Int = 0) { self.missing = count }

    /// The index behind the last of them, if they all have come; counts those that have.
    mutating func end(in bytes: Span<UInt8>, from index: Int) -> Int? {
        let present = min(self.missing, bytes.count - index)
        self.missing -= present
        return self.missing == 0 ? index + present : nil
    }
}
