// What the soak's clients and servers say to each other.
//
// On the port for raw bytes a connection starts with a header of 16 bytes: a number (8 bytes), and how
// many bytes follow (8 bytes). The bytes are those of the number's pattern. The server answers every
// byte with one of the pattern of the number's complement, and closes after the last.
//
// On the port for lines each line is `NUMBER COUNT TEXT CHECKSUM`; the server sends it back.

/// The first bytes of a connection for raw bytes.
struct SoakHeader: Equatable {
    static let size = 16
    let number: UInt64
    let length: Int

    var request: PatternStream { PatternStream(seed: self.number) }
    var reply: PatternStream { PatternStream(seed: ~self.number) }

    var bytes: [UInt8] {
        withUnsafeBytes(of: (self.number.littleEndian, UInt64(self.length).littleEndian)) {
            Array($0)
        }
    }

    init(number: UInt64, length: Int) {
        self.number = number
        self.length = length
    }

    /// Reads a header; `nil` where there is no sensible one.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        let (number, length) = bytes.withUnsafeBytes {
            (
                $0.loadUnaligned(as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        guard let size = Int(exactly: UInt64(littleEndian: length)), size < 1 << 40 else {
            return nil
        }
        self.init(number: UInt64(littleEndian: number), length: size)
    }
}

/// A line that shows whether it is whole.
struct SoakLine: Equatable {
    /// Tells the connection.
    let number: UInt64
    /// Counts the lines of a connection from 0.
    let count: Int

    /// The line with its line feed.
    func text(length: Int) -> String {
        let start = "\(self.number) \(self.count) \(String(repeating: "x", count: length))"
        return "\(start) \(Self.checksum(start.utf8))\n"
    }

    init(number: UInt64, count: Int) {
        self.number = number
        self.count = count
    }

    /// Reads a line without its line feed; `nil` where it is not whole.
    init?(_ bytes: some Collection<UInt8>) {
        let words = String(decoding: bytes, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, let number = UInt64(words[0]), let count = Int(words[1]),
            let checksum = UInt64(words[3]),
            checksum == Self.checksum(words[0..<3].joined(separator: " ").utf8)
        else { return nil }
        self.init(number: number, count: count)
    }

    /// FNV-1a of 64 bits.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
