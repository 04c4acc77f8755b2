import ChaosCore

/// What an Ethernet frame holds, as far as the lab looks at it: IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC
/// 9293), UDP (RFC 768), ICMP.
package struct LabFrame: Hashable, Sendable {
    /// What is above IP.
    package enum Transport: Hashable, Sendable { case tcp, udp, icmp, other }

    package let family: LabAddresses.Family
    /// The number of the node that sent it; nil for anybody else.
    package let source: Int?
    /// The number of the node that is to get it.
    package let target: Int?
    package let transport: Transport
    /// Whether it is the first or only fragment: others have no ports.
    package let isFirst: Bool
    package let sourcePort: UInt16
    package let targetPort: UInt16
    /// TCP's flags; 0 elsewhere.
    package let flags: UInt8
    package let sequence: UInt32
    package let acknowledgement: UInt32
    /// Where the IP header begins, and where what is above it does.
    package let headerOffset: Int
    package let transportOffset: Int
    /// Where the packet ends: frames may be padded.
    package let end: Int
    /// How many bytes of data a TCP segment has.
    package let dataSize: Int
    /// ICMP's type and code.
    package let icmp: (type: UInt8, code: UInt8)

    package static let ethernetSize = 14

    package static func == (left: LabFrame, right: LabFrame) -> Bool {
        left.source == right.source && left.target == right.target
            && left.transport == right.transport && left.sourcePort == right.sourcePort
            && left.targetPort == right.targetPort && left.flags == right.flags
            && left.sequence == right.sequence && left.end == right.end
            && left.family == right.family
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.source)
        hasher.combine(self.target)
        hasher.combine(self.sourcePort)
        hasher.combine(self.targetPort)
        hasher.combine(self.sequence)
    }

    /// Flags of TCP (RFC 9293, 3.1).
    package enum Flag {
        package static let fin: UInt8 = 0x01
        package static let syn: UInt8 = 0x02
        package static let rst: UInt8 = 0x04
        package static let ack: UInt8 = 0x10
    }

    /// Whether it opens a TCP connection.
    package var opensConnection: Bool {
        self.transport == .tcp && self.flags & (Flag.syn | Flag.ack) == Flag.syn
    }

    /// Whether it says that nobody is there, as kernels say it: RST, or ICMP's "port unreachable".
    package var isRefusal: Bool {
        switch self.transport {
        case .tcp: self.flags & Flag.rst != 0
        case .icmp:
            self.family == .ipv4
                ? self.icmp.type == 3 && self.icmp.code == 3
                : self.icmp.type == 1 && self.icmp.code == 4
        case .udp, .other: false
        }
    }

    /// How the ports are to be understood, for rules and links; nil where there are none.
    package var ruleTransport: RouteRule.Transport? {
        guard self.isFirst else { return nil }
        switch self.transport {
        case .tcp: return .tcp
        case .udp: return .udp
        case .icmp, .other: return nil
        }
    }

    /// Reads the headers of a frame.
    ///
    /// - Parameters:
    ///   - bytes: From the Ethernet header on; may be cut behind the transport's header.
    ///   - length: How long the frame is in truth.
    /// - Returns: nil for what is neither IPv4 nor IPv6, or is too short for its headers.
    package init?(_ bytes: [UInt8], length: Int? = nil) {
        let start = Self.ethernetSize
        guard bytes.count >= start + 20 else { return nil }
        func word(_ at: Int) -> UInt16 {
            at + 1 < bytes.count ? UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) : 0
        }
        func long(_ at: Int) -> UInt32 { UInt32(word(at)) << 16 | UInt32(word(at + 2)) }
        var number: UInt8
        var offset: Int
        var isFirst = true
        let whole = length ?? bytes.count
        switch word(12) {
        case 0x0800:
            // A header has five words at least.
            guard bytes[start] >> 4 == 4, bytes[start] & 15 >= 5 else { return nil }
            self.family = .ipv4
            offset = start + Int(bytes[start] & 15) * 4
            number = bytes[start + 9]
            isFirst = word(start + 6) & 0x1fff == 0
            self.source = LabAddresses.number(of: bytes[start + 12..<start + 16])
            self.target = LabAddresses.number(of: bytes[start + 16..<start + 20])
            self.end = min(whole, start + Int(word(start + 2)))
        case 0x86dd:
            guard bytes.count >= start + 40 else { return nil }
            self.family = .ipv6
            offset = start + 40
            number = bytes[start + 6]
            self.source = LabAddresses.number(of: bytes[start + 8..<start + 24])
            self.target = LabAddresses.number(of: bytes[start + 24..<start + 40])
            self.end = min(whole, start + 40 + Int(word(start + 4)))
            // Hop-by-hop, routing, fragment, destination options (RFC 8200, 4).
            while [0, 43, 44, 60].contains(number), offset + 8 <= bytes.count {
                if number == 44 { isFirst = word(offset + 2) & 0xfff8 == 0 }
                let size = number == 44 ? 8 : (Int(bytes[offset + 1]) + 1) * 8
                number = bytes[offset]
                offset += size
            }
        default: return nil
        }
        self.headerOffset = start
        self.transportOffset = offset
        self.isFirst = isFirst
        switch number {
        case 6: self.transport = .tcp
        case 17: self.transport = .udp
        case 1, 58: self.transport = .icmp
        default: self.transport = .other
        }
        let hasPorts =
            isFirst && (number == 6 || number == 17) && offset + 4 <= bytes.count
        self.sourcePort = hasPorts ? word(offset) : 0
        self.targetPort = hasPorts ? word(offset + 2) : 0
        if isFirst, number == 6, offset + 20 <= bytes.count {
            self.flags = bytes[offset + 13]
            self.sequence = long(offset + 4)
            self.acknowledgement = long(offset + 8)
            self.dataSize = max(0, self.end - offset - Int(bytes[offset + 12] >> 4) * 4)
        } else {
            (self.flags, self.sequence, self.acknowledgement, self.dataSize) = (0, 0, 0, 0)
        }
        let hasType = isFirst && self.transport == .icmp && offset + 2 <= bytes.count
        self.icmp = hasType ? (bytes[offset], bytes[offset + 1]) : (0, 0)
    }
}
