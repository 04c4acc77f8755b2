import NIOCore
import NIOHPACK

/// The fields of a header block, in order (RFC 7541).
struct HTTP2Fields: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        let name: String
        let value: String
        /// Whether nobody on the way may compress it (section 7.1.3).
        let isSecret: Bool
    }

    let all: [Field]
    /// The changes of the size of the table that stand in front of the fields, as they came.
    let sizeUpdates: [UInt8]

    func value(_ name: String) -> String? { self.all.first { $0.name == name }?.value }

    /// All values of a name, joined.
    func values(_ name: String) -> String? {
        let values = self.all.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Whether a request or a final response begins with them: trailers have no pseudo-header fields
    /// (RFC 9113 section 8.1), and 1xx announces another response.
    var beginsMessage: Bool {
        if let status = self.value(":status") { return !status.hasPrefix("1") }
        return self.value(":method") != nil
    }

    /// The fields as a block of their own, which neither needs nor changes what other blocks left in
    /// the table of the receiver: each is a literal that is not indexed (RFC 7541 section 6.2.2).
    ///
    /// - Parameter sizeUpdates: What stands in front, where the fields have none of their own.
    func plainBlock(after sizeUpdates: [UInt8]) -> [UInt8] {
        var block = self.sizeUpdates.isEmpty ? sizeUpdates : self.sizeUpdates
        for field in self.all {
            block.append(field.isSecret ? 0x10 : 0x00)
            Self.append(field.name, to: &block)
            Self.append(field.value, to: &block)
        }
        return block
    }

    /// A string without Huffman's code (section 5.2) behind its length (section 5.1).
    private static func append(_ text: String, to block: inout [UInt8]) {
        var rest = text.utf8.count
        if rest < 127 {
            block.append(UInt8(rest))
        } else {
            block.append(127)
            rest -= 127
            while rest >= 128 {
                block.append(UInt8(rest % 128) | 0x80)
                rest /= 128
            }
            block.append(UInt8(rest))
        }
        block += text.utf8
    }
}

/// What the receiver of one direction knows after each header block, so that the next one can be read.
struct HTTP2Decompressor: Sendable {
    /// More than any server grants its peers, for tables and for lists of fields, in bytes.
    static let sizeMax = 1 << 20

    private var decoder: HPACKDecoder

    init() {
        self.decoder = HPACKDecoder(
            allocator: ByteBufferAllocator(),
            maxDynamicTableSize: HPACKDecoder.maxDynamicTableSize, maxHeaderListSize: Self.sizeMax)
        // The table keeps its size until the sender changes it; how far it may is for the peers to say.
        self.decoder.maxDynamicTableLength = Self.sizeMax
    }

    /// Reads a whole header block; `nil` if it is none.
    mutating func fields(of block: [UInt8]) -> HTTP2Fields? {
        var buffer = ByteBuffer(bytes: block)
        guard let headers = try? self.decoder.decodeHeaders(from: &buffer) else { return nil }
        return HTTP2Fields(
            all: headers.map { name, value, indexing in
                HTTP2Fields.Field(
                    name: name, value: value, isSecret: indexing == .neverIndexed)
            },
            sizeUpdates: Self.sizeUpdates(of: block))
    }

    /// The changes of size at the beginning of a block that could be read: `001xxxxx` and the rest of a
    /// number (RFC 7541 sections 5.1 and 6.3).
    private static func sizeUpdates(of block: [UInt8]) -> [UInt8] {
        var end = 0
        while end < block.count, block[end] & 0xE0 == 0x20 {
            let isLong = block[end] & 0x1F == 0x1F
            end += 1
            if !isLong { continue }
            while end < block.count, block[end] & 0x80 != 0 { end += 1 }
            end += 1
        }
        return Array(block.prefix(end))
    }
}
