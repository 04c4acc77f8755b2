import ChaosCore

/// The packet filters by which a connection is accepted only after its target has.
///
/// ```text
/// n1 ── SYN ──▶ router ─┬─ copy ──▶ chaos dials n2 from n1's address and port
///                       └─ listener of n2's port ─╳ the gate
///               sw0 ◀── the same SYN, once n2 has accepted
///                └────▶ listener of n2's port ── SYN, ACK ──▶ n1
/// ```
package enum InterceptionFilters {
    private static let syn = UInt32(LabFrame.Flag.syn)
    private static let synAndAck = UInt32(LabFrame.Flag.syn | LabFrame.Flag.ack)

    /// For a packet socket: what opens a connection (SYN without ACK) to one of these ports, in either
    /// family, without extension headers.
    package static func openings(to ports: [UInt16]) -> [FilterStep] {
        let tcp = UInt32(RouteRule.Transport.tcp.rawValue)
        let search = self.search(ports)
        let ipv4: [FilterStep] =
            [
                .loadByte(23), .ifEqual(tcp, skip: 1), .refuse,
                // A later fragment has no ports.
                .loadHalf(20), .ifAny(0x1fff, otherwise: 1), .refuse,
                .keepHeaderLength(14),
                .loadByte(behindHeader: 14 + 13), .and(self.synAndAck),
                .ifEqual(self.syn, skip: 1), .refuse,
                .loadHalf(behindHeader: 14 + 2),
            ] + search
        let ipv6: [FilterStep] =
            [
                .loadByte(20), .ifEqual(tcp, skip: 1), .refuse,
                .loadByte(14 + 40 + 13), .and(self.synAndAck), .ifEqual(self.syn, skip: 1), .refuse,
                .loadHalf(14 + 40 + 2),
            ] + search
        return [
            .loadHalf(12), .ifEqual(0x86dd, otherwise: 1), .skip(ipv4.count + 2),
            .ifEqual(0x0800, skip: 1), .refuse,
        ] + ipv4 + ipv6
    }

    /// Keeps the packet if what was loaded is one of these; ends in any case.
    private static func search(_ values: [UInt16]) -> [FilterStep] {
        values.flatMap { value -> [FilterStep] in
            [.ifEqual(UInt32(value), otherwise: 1), .keepAll]
        } + [.refuse]
    }

    /// For a listening TCP socket: lets nothing open a connection but what comes in at one interface. What
    /// such a filter is given begins with TCP's header.
    package static func gate(openedBy interface: UInt32) -> [FilterStep] {
        [
            .loadByte(13), .and(self.synAndAck), .ifEqual(self.syn, otherwise: 2),
            .load(.interface), .ifEqual(interface, otherwise: 1), .keepAll,
            .refuse,
        ]
    }
}
