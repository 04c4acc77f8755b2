/// One instruction of a packet filter (Linux, Documentation/networking/filter.rst; classic BPF). Offsets are
/// in bytes from where the filtered packet begins; what is loaded is in host order.
package struct FilterStep: Hashable, Sendable {
    package let code: UInt16
    package let ifTrue: UInt8
    package let ifFalse: UInt8
    package let value: UInt32

    private init(_ code: UInt16, _ value: UInt32, _ ifTrue: UInt8 = 0, _ ifFalse: UInt8 = 0) {
        self.code = code
        self.ifTrue = ifTrue
        self.ifFalse = ifFalse
        self.value = value
    }

    /// Which of a packet's own places is meant where an offset is not.
    enum Place: UInt32 {
        /// How the packet came: `SKF_AD_OFF + SKF_AD_PKTTYPE`.
        case packetType = 0xffff_f004
        /// At which interface it came: `SKF_AD_OFF + SKF_AD_IFINDEX`.
        case interface = 0xffff_f008
    }

    // MARK: - Loads

    static func loadWord(_ offset: UInt32) -> Self { Self(0x20, offset) }
    static func load(_ place: Place) -> Self { Self(0x20, place.rawValue) }
    static func loadHalf(_ offset: UInt32) -> Self { Self(0x28, offset) }
    static func loadByte(_ offset: UInt32) -> Self { Self(0x30, offset) }

    /// Keeps the length of the IPv4 header that begins there: four times half of its first byte.
    static func keepHeaderLength(_ offset: UInt32) -> Self { Self(0xb1, offset) }
    /// Loads from behind that header.
    static func loadHalf(behindHeader offset: UInt32) -> Self { Self(0x48, offset) }
    static func loadByte(behindHeader offset: UInt32) -> Self { Self(0x50, offset) }

    /// Leaves of what is loaded only these bits.
    static func and(_ bits: UInt32) -> Self { Self(0x54, bits) }

    // MARK: - Ways on

    /// Skips steps, any number.
    static func skip(_ count: Int) -> Self { Self(0x05, UInt32(count)) }

    /// Skips steps, 255 at most, by whether what is loaded is this.
    static func ifEqual(_ value: UInt32, skip ifTrue: UInt8 = 0, otherwise ifFalse: UInt8 = 0)
        -> Self
    {
        Self(0x15, value, ifTrue, ifFalse)
    }

    /// Skips steps, 255 at most, by whether what is loaded has any of these bits.
    static func ifAny(_ bits: UInt32, skip ifTrue: UInt8 = 0, otherwise ifFalse: UInt8 = 0) -> Self
    {
        Self(0x45, bits, ifTrue, ifFalse)
    }

    /// Ends, and passes on so many bytes of the packet.
    static func keep(_ count: UInt32) -> Self { Self(0x06, count) }
    /// Ends, and drops the packet, or does not see it where it only looks on.
    static let refuse = Self(0x06, 0)
    /// Ends, and passes on all of the packet.
    static let keepAll = Self(0x06, .max)
}
