/// Blocks of a capture file (IETF draft-ietf-opsawg-pcapng, "PCAP Now Generic"), little-endian, one section,
/// with times in nanoseconds since 1970. Whoever writes them begins with ``sectionHeader(application:)`` and
/// has described an interface before the first packet of it.
package enum Pcapng {
    /// The most bytes of a packet that a file keeps; none is longer.
    package static let snapLength: UInt32 = 262_144

    /// The kinds of blocks that are written (section 11.1 of the draft).
    package enum Block {
        package static let interface: UInt32 = 1
        package static let statistics: UInt32 = 5
        package static let packet: UInt32 = 6
        package static let section: UInt32 = 0x0a0d_0d0a
    }

    private enum Option {
        static let comment: UInt16 = 1
        static let name: UInt16 = 2
        static let description: UInt16 = 3
        static let application: UInt16 = 4
        static let received: UInt16 = 4
        static let dropped: UInt16 = 5
        static let resolution: UInt16 = 9
    }

    /// What a file begins with: which program wrote it, and a comment about all of it.
    package static func sectionHeader(application: String, comment: String = "") -> [UInt8] {
        var body = LittleEndian()
        body.put(0x1a2b_3c4d as UInt32)
        body.put(1 as UInt16)
        body.put(0 as UInt16)
        // The section's length is not known while it is being written.
        body.put(UInt64.max)
        if !comment.isEmpty { body.option(Option.comment, Array(comment.utf8)) }
        body.option(Option.application, Array(application.utf8))
        return body.block(Block.section)
    }

    /// Describes the next interface, by numbers from 0: its packets begin with an Ethernet header.
    package static func interface(_ name: String, description: String) -> [UInt8] {
        var body = LittleEndian()
        // LINKTYPE_ETHERNET
        body.put(1 as UInt16)
        body.put(0 as UInt16)
        body.put(Self.snapLength)
        body.option(Option.name, Array(name.utf8))
        body.option(Option.description, Array(description.utf8))
        // Times are in units of 10⁻⁹ s.
        body.option(Option.resolution, [9])
        return body.block(Block.interface)
    }

    /// One packet.
    ///
    /// - Parameters:
    ///   - interface: The number of its interface.
    ///   - time: Nanoseconds since 1970.
    ///   - length: How long it was in truth; `bytes` may be less.
    ///   - comments: What there is to say about it, each a sentence.
    package static func packet(
        _ bytes: [UInt8], on interface: Int, at time: UInt64, length: Int,
        comments: [String] = []
    ) -> [UInt8] {
        var body = LittleEndian()
        body.put(UInt32(truncatingIfNeeded: interface))
        body.put(time: time)
        body.put(UInt32(truncatingIfNeeded: bytes.count))
        body.put(UInt32(truncatingIfNeeded: length))
        body.pad(bytes)
        for comment in comments { body.option(Option.comment, Array(comment.utf8)) }
        return body.block(Block.packet)
    }

    /// How many packets an interface saw, and how many of them are missing in the file.
    package static func statistics(
        of interface: Int, at time: UInt64, received: Int, missing: Int
    ) -> [UInt8] {
        var body = LittleEndian()
        body.put(UInt32(truncatingIfNeeded: interface))
        body.put(time: time)
        for (option, value) in [(Option.received, received), (Option.dropped, missing)] {
            var number = LittleEndian()
            number.put(UInt64(clamping: value))
            body.option(option, number.bytes)
        }
        return body.block(Block.statistics)
    }
}

/// Numbers and options as blocks hold them.
private struct LittleEndian {
    private(set) var bytes: [UInt8] = []
    private var hasOptions = false

    mutating func put(_ value: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// A time is two words, the high one first.
    mutating func put(time: UInt64) {
        self.put(UInt32(truncatingIfNeeded: time >> 32))
        self.put(UInt32(truncatingIfNeeded: time))
    }

    /// Bytes, and zeros up to the next multiple of four.
    mutating func pad(_ more: [UInt8]) {
        self.bytes += more
        while self.bytes.count % 4 != 0 { self.bytes.append(0) }
    }

    /// An option; what is longer than one can be is cut off.
    mutating func option(_ code: UInt16, _ value: [UInt8]) {
        let value = Array(value.prefix(Int(UInt16.max)))
        self.put(code)
        self.put(UInt16(truncatingIfNeeded: value.count))
        self.pad(value)
        self.hasOptions = true
    }

    /// All of it as a block of a kind, whose length stands at both ends.
    func block(_ kind: UInt32) -> [UInt8] {
        var body = self
        if self.hasOptions { body.put(0 as UInt32) }
        var whole = LittleEndian()
        let length = UInt32(truncatingIfNeeded: body.bytes.count + 12)
        whole.put(kind)
        whole.put(length)
        whole.bytes += body.bytes
        whole.put(length)
        return whole.bytes
    }
}
