/// A run of bytes as a driver holds it, so that the engine never copies what it only delays.
package protocol StreamBytes: Sendable {
    /// Makes a run of bytes that the engine has thought up itself.
    init(copying bytes: [UInt8])
    /// How many bytes.
    var count: Int { get }
    /// Cuts off and returns the first bytes; the count is between 0 and ``count``.
    mutating func removePrefix(_ count: Int) -> Self
    /// Puts more bytes behind.
    mutating func append(_ other: Self)
    /// Flips one bit (0 to 7) of one byte.
    mutating func flipBit(_ bit: Int, at offset: Int)
    /// Shows the bytes.
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result
}

/// Bytes in an array, for drivers without a buffer type of their own.
package struct ByteArray: StreamBytes, Hashable {
    // A slice, so that taking pieces from the front copies nothing.
    private var slice: ArraySlice<UInt8>

    /// The bytes.
    package var bytes: [UInt8] { Array(self.slice) }

    /// Makes a run of bytes.
    package init(_ bytes: [UInt8]) { self.slice = bytes[...] }

    package init(copying bytes: [UInt8]) { self.init(bytes) }

    package var count: Int { self.slice.count }

    package mutating func removePrefix(_ count: Int) -> ByteArray {
        var prefix = self
        prefix.slice = self.slice.prefix(count)
        self.slice = self.slice.dropFirst(count)
        return prefix
    }

    package mutating func append(_ other: ByteArray) { self.slice += other.slice }

    package mutating func flipBit(_ bit: Int, at offset: Int) {
        self.slice[self.slice.startIndex + offset] ^= 1 << UInt8(bit)
    }

    package func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(self.slice.span)
    }
}
