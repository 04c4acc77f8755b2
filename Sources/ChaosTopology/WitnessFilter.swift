import ChaosCore

/// The packet filter of a witness: a socket that sees what comes from one node and what goes to it, as far
/// as it is of pairs that are cut.
package struct WitnessFilter: Hashable, Sendable {
    /// How many bytes of a packet are kept: enough for all headers that anybody looks at.
    package static let keptBytes = 128

    /// `PACKET_OUTGOING`.
    private static let outgoing: UInt32 = 4

    /// The program.
    package let steps: [FilterStep]

    /// - Parameters:
    ///   - targets: To which nodes what comes in from the node is kept.
    ///   - sources: From which nodes what goes out to the node is kept.
    package init(incomingTo targets: [Int], outgoingFrom sources: [Int]) {
        // Each part ends by itself; the last four bytes of an address tell nodes apart.
        let outgoing = Self.part(sources, atIPv4: 26, atIPv6: 34)
        let incoming = Self.part(targets, atIPv4: 30, atIPv6: 50)
        self.steps =
            [
                .load(.packetType),
                // A way that depends on something reaches 255 steps at most, others any number.
                .ifEqual(Self.outgoing, otherwise: 1), .skip(incoming.count),
            ] + incoming + outgoing
    }

    private static func part(_ nodes: [Int], atIPv4: UInt32, atIPv6: UInt32) -> [FilterStep] {
        let ipv4 = self.search(nodes.map { 0x0a4d_0000 | UInt32($0) }, at: atIPv4)
        let ipv6 = self.search(nodes.map { UInt32($0) }, at: atIPv6)
        return [
            .loadHalf(12), .ifEqual(0x0800, otherwise: 1), .skip(2),
            .ifEqual(0x86dd, skip: 1), .refuse,
            // IPv6 lies behind IPv4; who comes from above for IPv4 goes on here.
            .ifEqual(0x86dd, otherwise: 1), .skip(ipv4.count),
        ] + ipv4 + ipv6
    }

    /// Keeps the packet if a word of it is one of these; ends in any case.
    private static func search(_ values: [UInt32], at offset: UInt32) -> [FilterStep] {
        [.loadWord(offset)]
            + values.flatMap { value -> [FilterStep] in
                [.ifEqual(value, otherwise: 1), .keep(UInt32(Self.keptBytes))]
            } + [.refuse]
    }
}
