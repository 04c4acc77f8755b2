import ChaosCore

/// Makes the segments that end a TCP connection (RFC 9293, 3.5.2 and 3.5.3).
package enum ResetFrame {
    /// What the target would answer if it knew of no such connection; to be sent to the source.
    ///
    /// - Returns: nil for what is no TCP segment, or is itself a reset.
    package static func answering(_ frame: LabFrame, _ bytes: [UInt8]) -> [UInt8]? {
        guard self.canBeReset(frame) else { return nil }
        let hasAck = frame.flags & LabFrame.Flag.ack != 0
        let length =
            UInt32(truncatingIfNeeded: frame.dataSize)
            &+ (frame.flags & LabFrame.Flag.syn != 0 ? 1 : 0)
            &+ (frame.flags & LabFrame.Flag.fin != 0 ? 1 : 0)
        return self.make(
            frame, bytes, isTurned: true, sequence: hasAck ? frame.acknowledgement : 0,
            acknowledgement: hasAck ? 0 : frame.sequence &+ length,
            flags: hasAck ? LabFrame.Flag.rst : LabFrame.Flag.rst | LabFrame.Flag.ack)
    }

    /// A reset in the segment's place; to be sent to the target.
    package static func replacing(_ frame: LabFrame, _ bytes: [UInt8]) -> [UInt8]? {
        guard self.canBeReset(frame), frame.flags & LabFrame.Flag.ack != 0 else { return nil }
        return self.make(
            frame, bytes, isTurned: false, sequence: frame.sequence,
            acknowledgement: frame.acknowledgement, flags: LabFrame.Flag.rst | LabFrame.Flag.ack)
    }

    private static func canBeReset(_ frame: LabFrame) -> Bool {
        frame.transport == .tcp && frame.isFirst && frame.flags & LabFrame.Flag.rst == 0
    }

    private static func make(
        _ frame: LabFrame, _ bytes: [UInt8], isTurned: Bool, sequence: UInt32,
        acknowledgement: UInt32, flags: UInt8
    ) -> [UInt8] {
        let start = frame.headerOffset
        let isIPv4 = frame.family == .ipv4
        let size = isIPv4 ? 4 : 16
        let addresses = start + (isIPv4 ? 12 : 8)
        var source = Array(bytes[addresses..<addresses + size])
        var target = Array(bytes[addresses + size..<addresses + 2 * size])
        if isTurned { swap(&source, &target) }
        var segment: [UInt8] = []
        func put(_ value: UInt16) { segment += [UInt8(value >> 8), UInt8(value & 0xff)] }
        put(isTurned ? frame.targetPort : frame.sourcePort)
        put(isTurned ? frame.sourcePort : frame.targetPort)
        for value in [sequence, acknowledgement] {
            put(UInt16(value >> 16))
            put(UInt16(value & 0xffff))
        }
        segment += [5 << 4, flags, 0, 0, 0, 0, 0, 0]
        let pseudo = source + target + [0, 6, 0, UInt8(segment.count)]
        let sum = Checksum.of(pseudo + segment)
        segment[16] = UInt8(sum >> 8)
        segment[17] = UInt8(sum & 0xff)
        var header: [UInt8]
        if isIPv4 {
            let total = UInt16(20 + segment.count)
            header = [0x45, 0, UInt8(total >> 8), UInt8(total & 0xff), 0, 0, 0x40, 0, 64, 6, 0, 0]
            header += source + target
            let sum = Checksum.of(header)
            header[10] = UInt8(sum >> 8)
            header[11] = UInt8(sum & 0xff)
        } else {
            header = [0x60, 0, 0, 0, 0, UInt8(segment.count), 6, 64] + source + target
        }
        return Array(bytes[..<start]) + header + segment
    }
}

/// The checksum of the Internet's protocols (RFC 1071).
package enum Checksum {
    /// The ones' complement of the ones' complement sum of all pairs of bytes.
    package static func of(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        var index = 0
        while index + 1 < bytes.count {
            sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
            index += 2
        }
        if index < bytes.count { sum += UInt32(bytes[index]) << 8 }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }
}
