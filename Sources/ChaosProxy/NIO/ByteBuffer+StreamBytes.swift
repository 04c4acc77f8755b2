import ChaosEngine
import NIOCore

// The engine delays, splits and joins NIO's buffers without copying them, except where a fault asks
// for it.
extension ByteBuffer: StreamBytes {
    package init(copying bytes: [UInt8]) { self.init(bytes: bytes) }

    package var count: Int { self.readableBytes }

    package mutating func removePrefix(_ count: Int) -> ByteBuffer {
        guard let prefix = self.readSlice(length: count) else {
            preconditionFailure("a prefix of \(count) bytes was asked of \(self.readableBytes)")
        }
        return prefix
    }

    package mutating func append(_ other: ByteBuffer) { self.writeImmutableBuffer(other) }

    package mutating func flipBit(_ bit: Int, at offset: Int) {
        let index = self.readerIndex + offset
        guard let byte: UInt8 = self.getInteger(at: index) else { return }
        self.setInteger(byte ^ (1 << UInt8(bit)), at: index)
    }

    package func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(self.readableBytesUInt8Span)
    }

    /// The same bytes in memory of about their size: a read of few bytes fills little of its buffer,
    /// and what waits long must not hold much more memory than it has bytes.
    func compacted() -> ByteBuffer {
        if self.storageCapacity <= 2 * self.readableBytes { return self }
        return ByteBuffer(bytes: self.readableBytesView)
    }
}
