/// The addresses of a lab, as a function of a node's number.
///
/// Nodes have one address of each family, and routes to each other through the router alone; no two of
/// them share a link-layer network, so nothing but packets with addresses passes between them.
package enum LabAddresses {
    /// Whether an address has four bytes or sixteen.
    package enum Family: String, Hashable, Sendable, CaseIterable { case ipv4, ipv6 }

    /// As many as the last byte of an address has room for; 0 and 255 are left out.
    package static let nodeLimit = 254

    /// The network of all nodes.
    package static func network(_ family: Family) -> String {
        family == .ipv4 ? "10.77.0.0/24" : "fd00:77::/112"
    }

    /// The address of a node.
    ///
    /// - Parameter number: From 1 to ``nodeLimit``.
    package static func node(_ number: Int, _ family: Family) -> String {
        family == .ipv4 ? "10.77.0.\(number)" : "fd00:77::\(String(number, radix: 16))"
    }

    /// The same as four or sixteen bytes.
    package static func bytes(of number: Int, _ family: Family) -> [UInt8] {
        let last = UInt8(truncatingIfNeeded: number)
        return family == .ipv4
            ? [10, 77, 0, last] : [0xfd, 0, 0, 0x77] + [UInt8](repeating: 0, count: 11) + [last]
    }

    /// The address from which clients reach nodes; apart from the nodes' networks.
    package static func client(_ family: Family) -> String {
        family == .ipv4 ? "10.77.255.254" : "fd00:77::1:0"
    }

    /// Where nodes find a service outside of the lab.
    ///
    /// - Parameter number: From 1 to 254.
    package static func service(_ number: Int) -> String { "10.77.254.\(number)" }

    /// Where every node finds the router: link-local, so the same for all.
    package static func gateway(_ family: Family) -> String {
        family == .ipv4 ? "169.254.77.1" : "fe80::77"
    }

    /// Where clients find a node: the proxy listens there.
    package static func clientView(of number: Int) -> String { "127.77.0.\(number)" }

    /// How many bits say all of an address.
    package static func bits(_ family: Family) -> Int { family == .ipv4 ? 32 : 128 }

    /// The router's interface to a node.
    package static func interface(of number: Int) -> String { "h\(number)" }

    /// The node's own interface.
    package static let nodeInterface = "eth0"

    /// The link-layer address of a node's interface (locally administered, IEEE 802).
    package static func nodeHardware(_ number: Int) -> [UInt8] {
        [
            0x02, 0xc4, 0, 0, UInt8(truncatingIfNeeded: number >> 8),
            UInt8(truncatingIfNeeded: number),
        ]
    }

    /// The link-layer address of the router's interface to a node.
    package static func routerHardware(_ number: Int) -> [UInt8] {
        [
            0x02, 0xc4, 0, 1, UInt8(truncatingIfNeeded: number >> 8),
            UInt8(truncatingIfNeeded: number),
        ]
    }

    /// The node's number of an address of four or sixteen bytes; nil for anybody else's.
    package static func number(of address: some Collection<UInt8>) -> Int? {
        let isNode: Bool
        switch address.count {
        case 4: isNode = address.starts(with: [10, 77, 0])
        case 16:
            isNode = address.starts(with: [0xfd, 0, 0, 0x77] + [UInt8](repeating: 0, count: 11))
        default: return nil
        }
        guard isNode, let last = address.suffix(1).first, (1...254).contains(last) else {
            return nil
        }
        return Int(last)
    }
}
