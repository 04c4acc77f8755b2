import ChaosCore

/// Which packets that leave for a node are of which link, for the kernel's `u32` classifier (`tc-u32(8)`): keys
/// of words within the IP header and behind it.
package struct NetemFilter: Hashable, Sendable {
    /// A word at an offset from the IP header, of which the masked bits must be these. Network byte order is
    /// for who writes it into the kernel.
    package struct Key: Hashable, Sendable {
        package let value: UInt32
        package let mask: UInt32
        package let offset: Int32
    }

    package let family: LabAddresses.Family
    package let keys: [Key]
    /// The class; 0 sends packets out untouched.
    package let minor: UInt32

    package init(family: LabAddresses.Family, keys: [Key], minor: UInt32) {
        self.family = family
        self.keys = keys
        self.minor = minor
    }

    /// Every packet of a family.
    package static func all(_ family: LabAddresses.Family, minor: UInt32) -> NetemFilter {
        NetemFilter(family: family, keys: [Key(value: 0, mask: 0, offset: 0)], minor: minor)
    }

    /// The filters for what one node sends to another, in the order in which they are asked.
    ///
    /// - Parameters:
    ///   - classes: The class of each port's link that has one.
    package static func filters(
        from source: Int, to target: Int, _ ports: LabPorts, classes: [PortName: UInt32]
    ) -> [NetemFilter] {
        let whole = classes[LabPorts.other] ?? 0
        var filters: [NetemFilter] = []
        for family in LabAddresses.Family.allCases {
            let sender = self.address(source, family)
            func add(_ minor: UInt32, _ more: [Key]) {
                filters.append(NetemFilter(family: family, keys: sender + more, minor: minor))
            }
            // As in ``LinkRules``: a port of the target counts before one of the source.
            for port in ports.ports(of: target) {
                add(
                    classes[port.name] ?? 0,
                    self.port(port.number, port.transport, family, isTarget: true))
            }
            for port in ports.ports(of: source) {
                add(
                    classes[port.name] ?? 0,
                    self.port(port.number, port.transport, family, isTarget: false))
            }
            add(whole, [])
        }
        return filters
    }

    /// The source's address: all of it for IPv4, the last word for IPv6, of which the rest is always the same.
    private static func address(_ node: Int, _ family: LabAddresses.Family) -> [Key] {
        switch family {
        case .ipv4: [Key(value: 0x0a4d_0000 | UInt32(node), mask: .max, offset: 12)]
        case .ipv6:
            [
                Key(value: 0xfd00_0077, mask: .max, offset: 8),
                Key(value: UInt32(node), mask: .max, offset: 20),
            ]
        }
    }

    /// A port, in a packet that is no later fragment and has no options before it.
    private static func port(
        _ number: UInt16, _ transport: RouteRule.Transport, _ family: LabAddresses.Family,
        isTarget: Bool
    ) -> [Key] {
        let shifted = isTarget ? UInt32(number) : UInt32(number) << 16
        let mask: UInt32 = isTarget ? 0xffff : 0xffff_0000
        switch family {
        case .ipv4:
            return [
                Key(value: 0x4500_0000, mask: 0xff00_0000, offset: 0),
                Key(value: 0, mask: 0x1fff, offset: 4),
                Key(value: UInt32(transport.rawValue) << 16, mask: 0xff_0000, offset: 8),
                Key(value: shifted, mask: mask, offset: 20),
            ]
        case .ipv6:
            return [
                Key(value: UInt32(transport.rawValue) << 8, mask: 0xff00, offset: 4),
                Key(value: shifted, mask: mask, offset: 40),
            ]
        }
    }
}
