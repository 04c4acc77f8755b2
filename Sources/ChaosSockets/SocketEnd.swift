import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One end of a TCP connection: an address and a port.
///
/// An IPv4 address is held as its IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), so that a socket
/// that serves both families has the same ends as the IPv4 socket that faces it.
package struct SocketEnd: Hashable, Sendable {
    /// The IPv6 address in two halves, most significant first.
    package let high: UInt64
    package let low: UInt64
    package let port: UInt16

    private static let mapped: UInt64 = 0xffff << 32

    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// An end with an IPv4 address.
    package init(address: UInt32, port: UInt16) {
        self.init(high: 0, low: Self.mapped | UInt64(address), port: port)
    }

    /// Reads a numeric address; nil for a name.
    package init?(host: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            self.init(address: UInt32(bigEndian: four.s_addr), port: port)
        } else if inet_pton(AF_INET6, host, &six) == 1 {
            let (high, low) = withUnsafeBytes(of: six) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(high: high, low: low, port: port)
        } else {
            return nil
        }
    }

    /// The end that a socket address is; nil for another family.
    package init?(_ storage: sockaddr_storage) {
        self.init(family: Int32(storage.ss_family), withUnsafeBytes(of: storage) { Array($0) })
    }

    /// Reads a socket address of a family from the bytes of its structure.
    private init?(family: Int32, _ bytes: [UInt8]) {
        // sin_port and sin6_port stand at the same place.
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        func number(_ range: Range<Int>) -> UInt64 {
            bytes[range].reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch family {
        case AF_INET: self.init(address: UInt32(number(4..<8)), port: port)
        case AF_INET6: self.init(high: number(8..<16), low: number(16..<24), port: port)
        default: return nil
        }
    }

    /// The end at which a TCP endpoint lies; nil for a Unix socket or a name.
    package init?(_ endpoint: Endpoint) {
        guard case .tcp(let host, let port) = endpoint else { return nil }
        self.init(host: host, port: port)
    }

    /// Where a socket must listen to get what is sent here: at the address itself or at all.
    package var listeningPlaces: [SocketEnd] {
        let all = SocketEnd(high: 0, low: 0, port: self.port)
        return self.isIPv4 ? [self, SocketEnd(address: 0, port: self.port), all] : [self, all]
    }

    package var isIPv4: Bool { self.high == 0 && self.low >> 32 == 0xffff }

    /// The end as an endpoint with a numeric address.
    package var endpoint: Endpoint {
        if self.isIPv4 {
            let parts = [24, 16, 8, 0].map { String(self.low >> $0 & 0xff) }
            return .tcp(host: parts.joined(separator: "."), port: self.port)
        }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { bytes in
            bytes.storeBytes(of: self.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: self.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        let host = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return .tcp(host: String(decoding: host, as: UTF8.self), port: self.port)
    }
}
