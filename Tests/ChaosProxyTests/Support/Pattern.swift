import Glibc

/// Bytes that tell where in a stream they belong: a block of prime length, again and again.
enum Pattern {
    private static let length = 1_048_583
    private static let block: [UInt8] = {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<length + (1 << 20)).map { index in
            if index >= length { return 0 }
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }()
    private static let doubled: [UInt8] = Array(block[..<length] + block[..<(1 << 20)])

    /// The bytes at an offset, at most 1 MiB.
    static func bytes(at offset: Int, count: Int) -> [UInt8] {
        let start = offset % Self.length
        return Array(Self.doubled[start..<start + count])
    }

    /// Whether bytes are those at an offset.
    static func isAt(_ offset: Int, _ bytes: [UInt8]) -> Bool {
        var place = 0
        while place < bytes.count {
            let start = (offset + place) % Self.length
            let count = min(bytes.count - place, Self.doubled.count - start)
            let isSame = bytes.withUnsafeBytes { bytes in
                Self.doubled.withUnsafeBytes {
                    memcmp(bytes.baseAddress! + place, $0.baseAddress! + start, count) == 0
                }
            }
            if !isSame { return false }
            place += count
        }
        return true
    }
}

extension TestSocket {
    /// Sends this much of the pattern and ends the stream.
    func sendPattern(_ count: Int) throws {
        var sent = 0
        while sent < count {
            let size = min(256 << 10, count - sent)
            try self.send(Pattern.bytes(at: sent, count: size))
            sent += size
        }
        self.shutdownWriting()
    }

    /// Receives to the end; returns how much it was if it was the pattern.
    func receivePattern() throws -> Int? {
        var received = 0
        while true {
            let bytes = try self.receive(atMost: 1 << 20)
            if bytes.isEmpty { return received }
            if !Pattern.isAt(received, bytes) { return nil }
            received += bytes.count
        }
    }
}
