import ChaosCore
import ChaosTopology
import Testing

/// What frames say, and the frames that the lab makes itself.
struct FrameTests {
    /// A TCP segment from n1 to n2 with ten bytes of data.
    static func ipv4(
        flags: UInt8, from source: UInt16 = 40_000, to target: UInt16 = 2380, data: Int = 10,
        fragment: UInt16 = 0
    ) -> [UInt8] {
        let total = UInt16(20 + 20 + data)
        return [UInt8](repeating: 0, count: 12) + [0x08, 0x00]
            + [0x45, 0, UInt8(total >> 8), UInt8(total & 255), 0, 0]
            + [UInt8(fragment >> 8), UInt8(fragment & 255), 64, 6, 0, 0]
            + [10, 77, 0, 1, 10, 77, 0, 2] + Self.tcp(flags, source, target)
            + [UInt8](repeating: 7, count: data)
    }

    static func ipv6(flags: UInt8, extension header: [UInt8] = [], data: Int = 10) -> [UInt8] {
        let length = UInt16(header.count + 20 + data)
        let prefix: [UInt8] = [0xfd, 0, 0, 0x77] + [UInt8](repeating: 0, count: 11)
        return [UInt8](repeating: 0, count: 12) + [0x86, 0xdd]
            + [0x60, 0, 0, 0, UInt8(length >> 8), UInt8(length & 255), header.isEmpty ? 6 : 60, 64]
            + prefix + [1] + prefix + [2] + header + Self.tcp(flags, 40_000, 2380)
            + [UInt8](repeating: 7, count: data)
    }

    private static func tcp(_ flags: UInt8, _ source: UInt16, _ target: UInt16) -> [UInt8] {
        [
            UInt8(source >> 8), UInt8(source & 255), UInt8(target >> 8), UInt8(target & 255),
            0, 0, 1, 0, 0, 0, 2, 0, 5 << 4, flags, 1, 0, 0, 0, 0, 0,
        ]
    }

    @Test func headersOfBothFamilies() throws {
        for bytes in [Self.ipv4(flags: 0x18), Self.ipv6(flags: 0x18)] {
            let frame = try #require(LabFrame(bytes))
            #expect(frame.source == 1 && frame.target == 2)
            #expect(frame.transport == .tcp && frame.ruleTransport == .tcp)
            #expect(frame.sourcePort == 40_000 && frame.targetPort == 2380)
            #expect(frame.sequence == 256 && frame.acknowledgement == 512)
            #expect(frame.dataSize == 10 && frame.end == bytes.count)
            #expect(!frame.opensConnection && !frame.isRefusal)
        }
    }

    @Test func headersBehindOptions() throws {
        let bytes = Self.ipv6(flags: 0x02, extension: [6, 0, 1, 4, 0, 0, 0, 0])
        let frame = try #require(LabFrame(bytes))
        #expect(frame.targetPort == 2380 && frame.dataSize == 10 && frame.opensConnection)
    }

    @Test func laterFragmentsHaveNoPorts() throws {
        let frame = try #require(LabFrame(Self.ipv4(flags: 0, fragment: 100)))
        #expect(frame.ruleTransport == nil && frame.sourcePort == 0)
    }

    /// Every beginning of a frame can be read, or cannot, and nothing worse.
    @Test func shortFrames() {
        for bytes in [
            Self.ipv4(flags: 0x12), Self.ipv6(flags: 0x12, extension: [6, 0, 1, 4, 0, 0, 0, 0]),
        ] {
            for count in 0..<bytes.count {
                let frame = LabFrame(Array(bytes[..<count]))
                #expect(frame == nil || frame?.source == 1)
            }
        }
        #expect(LabFrame([UInt8](repeating: 0xff, count: 60)) == nil)
    }

    /// A reset answers with the number that the other end expects (RFC 9293, 3.10.7.1), and its
    /// checksums are right: the sum over what they cover is zero.
    @Test func resets() throws {
        for bytes in [Self.ipv4(flags: 0x18), Self.ipv6(flags: 0x18)] {
            let frame = try #require(LabFrame(bytes))
            let answer = try #require(ResetFrame.answering(frame, bytes))
            let back = try #require(LabFrame(answer))
            #expect(back.source == 2 && back.target == 1)
            #expect(back.sourcePort == 2380 && back.targetPort == 40_000)
            #expect(back.flags == 0x04 && back.sequence == 512)
            #expect(Self.sum(answer) == 0)
            let end = try #require(ResetFrame.replacing(frame, bytes))
            let forth = try #require(LabFrame(end))
            #expect(forth.source == 1 && forth.target == 2 && forth.targetPort == 2380)
            #expect(forth.flags == 0x14 && forth.sequence == 256)
            #expect(Self.sum(end) == 0)
            #expect(ResetFrame.answering(back, answer) == nil, "no reset answers a reset")
        }
        let opening = Self.ipv4(flags: 0x02, data: 0)
        let frame = try #require(LabFrame(opening))
        let answer = try #require(ResetFrame.answering(frame, opening).flatMap { LabFrame($0) })
        #expect(answer.flags == 0x14 && answer.sequence == 0 && answer.acknowledgement == 257)
        #expect(answer.isRefusal)
    }

    /// The checksums of a frame's headers, each of which must come out as zero.
    private static func sum(_ bytes: [UInt8]) -> UInt16 {
        let isIPv4 = bytes[12] == 0x08
        let addresses = isIPv4 ? bytes[26..<34] : bytes[22..<54]
        let segment = bytes[(isIPv4 ? 34 : 54)...]
        let transport = Checksum.of(
            Array(addresses) + [0, 6, 0, UInt8(segment.count)] + Array(segment))
        return isIPv4 ? transport | Checksum.of(Array(bytes[14..<34])) : transport
    }

    /// Odd numbers of bytes, carries, and the example of RFC 1071, 3.
    @Test func checksums() {
        #expect(Checksum.of([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]) == ~0xddf2)
        #expect(Checksum.of([0x01]) == ~0x0100)
        #expect(Checksum.of([]) == 0xffff)
    }
}
