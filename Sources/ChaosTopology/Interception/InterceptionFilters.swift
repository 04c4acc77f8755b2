import ChaosCore

/// The packet filters (classic BPF) by which a connection is accepted only after its target has.
///
/// ```text
/// n1 ── SYN ──▶ router ─┬─ copy ──▶ chaos dials n2 from n1's address and port
///                       └─ listener of n2's port ─╳ the gate
///               sw0 ◀── the same SYN, once n2 has accepted
///                └────▶ listener of n2's port ── SYN, ACK ──▶ n1
/// ```
package enum InterceptionFilters {
    private typealias Step = WitnessFilter.Step

    private enum Code {
        static let loadWord: UInt16 = 0x20
        static let loadHalf: UInt16 = 0x28
        static let loadByte: UInt16 = 0x30
        /// The length of an IPv4 header: four times a half of a byte.
        static let loadHeaderLength: UInt16 = 0xb1
        /// The same, behind that length.
        static let loadHalfBehind: UInt16 = 0x48
        static let loadByteBehind: UInt16 = 0x50
        static let and: UInt16 = 0x54
        static let jumpIfEqual: UInt16 = 0x15
        static let jumpIfAny: UInt16 = 0x45
        static let back: UInt16 = 0x06
        /// `SKF_AD_OFF + SKF_AD_IFINDEX`: the interface at which the packet came in.
        static let interface = UInt32(bitPattern: -0x1000 + 8)
        static let synAndAck = UInt32(LabFrame.Flag.syn | LabFrame.Flag.ack)
        static let syn = UInt32(LabFrame.Flag.syn)
    }

    /// More than any frame here has.
    private static let all = UInt32.max

    private static func step(
        _ code: UInt16, _ value: UInt32, ifTrue: Int = 0, ifFalse: Int = 0
    ) -> Step {
        Step(code: code, ifTrue: UInt8(ifTrue), ifFalse: UInt8(ifFalse), value: value)
    }

    /// For a packet socket: what opens a connection (SYN without ACK) to one of these ports, in either
    /// family, without extension headers.
    package static func openings(to ports: [UInt16]) -> [WitnessFilter.Step] {
        let tcp = UInt32(RouteRule.Transport.tcp.rawValue)
        let search = self.search(ports)
        let ipv4 =
            [
                self.step(Code.loadByte, 23),
                self.step(Code.jumpIfEqual, tcp, ifTrue: 1),
                self.step(Code.back, 0),
                // A later fragment has no ports.
                self.step(Code.loadHalf, 20),
                self.step(Code.jumpIfAny, 0x1fff, ifFalse: 1),
                self.step(Code.back, 0),
                self.step(Code.loadHeaderLength, 14),
                self.step(Code.loadByteBehind, 14 + 13),
                self.step(Code.and, Code.synAndAck),
                self.step(Code.jumpIfEqual, Code.syn, ifTrue: 1),
                self.step(Code.back, 0),
                self.step(Code.loadHalfBehind, 14 + 2),
            ] + search
        let ipv6 =
            [
                self.step(Code.loadByte, 20),
                self.step(Code.jumpIfEqual, tcp, ifTrue: 1),
                self.step(Code.back, 0),
                self.step(Code.loadByte, 14 + 40 + 13),
                self.step(Code.and, Code.synAndAck),
                self.step(Code.jumpIfEqual, Code.syn, ifTrue: 1),
                self.step(Code.back, 0),
                self.step(Code.loadHalf, 14 + 40 + 2),
            ] + search
        return [
            self.step(Code.loadHalf, 12),
            self.step(Code.jumpIfEqual, 0x86dd, ifFalse: 1),
            // Jumps without a condition reach any distance.
            Step(code: 0x05, ifTrue: 0, ifFalse: 0, value: UInt32(ipv4.count + 2)),
            self.step(Code.jumpIfEqual, 0x0800, ifTrue: 1),
            self.step(Code.back, 0),
        ] + ipv4 + ipv6
    }

    /// Keeps the packet if what was loaded is one of these; ends in any case.
    private static func search(_ values: [UInt16]) -> [Step] {
        values.flatMap { value in
            [
                self.step(Code.jumpIfEqual, UInt32(value), ifFalse: 1),
                self.step(Code.back, self.all),
            ]
        } + [self.step(Code.back, 0)]
    }

    /// For a listening TCP socket: lets nothing open a connection but what comes in at one interface. What
    /// such a filter is given begins with TCP's header.
    package static func gate(openedBy interface: UInt32) -> [WitnessFilter.Step] {
        [
            self.step(Code.loadByte, 13),
            self.step(Code.and, Code.synAndAck),
            self.step(Code.jumpIfEqual, Code.syn, ifFalse: 2),
            self.step(Code.loadWord, Code.interface),
            self.step(Code.jumpIfEqual, interface, ifFalse: 1),
            self.step(Code.back, self.all),
            self.step(Code.back, 0),
        ]
    }
}
