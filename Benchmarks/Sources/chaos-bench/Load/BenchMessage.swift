// What client and server of the bench say to each other. The first byte of a connection tells which
// of two talks it is:
//
//   'B' bulk: bytes until the end of the stream; the server answers with their number, 8 bytes.
//   'E' echo: messages of 64 bytes; each comes back with the moment of its arrival in it.

/// A message of 64 bytes: its kind, its number, when it was sent and when it arrived.
enum BenchMessage {
    static let size = 64
    static let bulk = UInt8(ascii: "B")
    static let echo = UInt8(ascii: "E")
    private static let numberOffset = 8
    private static let arrivalOffset = 24

    /// Writes a request with a number.
    static func write(_ number: UInt64, to bytes: UnsafeMutableRawBufferPointer) {
        bytes[0] = Self.echo
        bytes.storeBytes(of: number, toByteOffset: Self.numberOffset, as: UInt64.self)
    }

    /// Notes the arrival of the message that starts at an offset.
    static func stamp(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int, _ now: UInt64) {
        bytes.storeBytes(of: now, toByteOffset: offset + Self.arrivalOffset, as: UInt64.self)
    }

    static func number(_ bytes: UnsafeMutableRawBufferPointer) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: Self.numberOffset, as: UInt64.self)
    }

    static func arrival(_ bytes: UnsafeMutableRawBufferPointer) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: Self.arrivalOffset, as: UInt64.self)
    }
}

/// Memory for reading and writing, of a fixed size.
final class Room {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ size: Int) {
        self.bytes = .allocate(byteCount: size, alignment: 64)
        self.bytes.initializeMemory(as: UInt8.self, repeating: 0x2E)
    }

    deinit { self.bytes.deallocate() }

    func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: self.bytes.prefix(count))
    }
}
