import ChaosCore

/// The packet filter (Linux, Documentation/networking/filter.rst; classic BPF) of a witness: a socket that
/// sees what comes from one node and what goes to it, as far as it is of pairs that are cut.
package struct WitnessFilter: Hashable, Sendable {
    /// One instruction.
    package struct Step: Hashable, Sendable {
        package let code: UInt16
        package let ifTrue: UInt8
        package let ifFalse: UInt8
        package let value: UInt32
    }

    /// How many bytes of a packet are kept: enough for all headers that anybody looks at.
    package static let keptBytes = 128

    /// The program.
    package let steps: [Step]

    private enum Code {
        static let loadWord: UInt16 = 0x20
        static let loadHalf: UInt16 = 0x28
        static let jumpIfEqual: UInt16 = 0x15
        static let jump: UInt16 = 0x05
        static let back: UInt16 = 0x06
        /// `SKF_AD_OFF + SKF_AD_PKTTYPE`: how the packet came.
        static let packetType = UInt32(bitPattern: -0x1000 + 4)
        /// `PACKET_OUTGOING`.
        static let outgoing: UInt32 = 4
    }

    /// - Parameters:
    ///   - targets: To which nodes what comes in from the node is kept.
    ///   - sources: From which nodes what goes out to the node is kept.
    package init(incomingTo targets: [Int], outgoingFrom sources: [Int]) {
        // Each part ends by itself; the last four bytes of an address tell nodes apart.
        let outgoing = Self.part(sources, atIPv4: 26, atIPv6: 34)
        let incoming = Self.part(targets, atIPv4: 30, atIPv6: 50)
        var steps = [Step(code: Code.loadWord, ifTrue: 0, ifFalse: 0, value: Code.packetType)]
        // Jumps that depend on something reach 255 steps at most, others any number.
        steps.append(Step(code: Code.jumpIfEqual, ifTrue: 0, ifFalse: 1, value: Code.outgoing))
        steps.append(Step(code: Code.jump, ifTrue: 0, ifFalse: 0, value: UInt32(incoming.count)))
        self.steps = steps + incoming + outgoing
    }

    private static func part(_ nodes: [Int], atIPv4: UInt32, atIPv6: UInt32) -> [Step] {
        let ipv4 = self.search(nodes.map { 0x0a4d_0000 | UInt32($0) }, at: atIPv4)
        let ipv6 = self.search(nodes.map { UInt32($0) }, at: atIPv6)
        return [
            Step(code: Code.loadHalf, ifTrue: 0, ifFalse: 0, value: 12),
            Step(code: Code.jumpIfEqual, ifTrue: 0, ifFalse: 1, value: 0x0800),
            Step(code: Code.jump, ifTrue: 0, ifFalse: 0, value: 2),
            Step(code: Code.jumpIfEqual, ifTrue: 1, ifFalse: 0, value: 0x86dd),
            Self.back(0),
            // IPv6 lies behind IPv4; who comes from above for IPv4 goes on here.
            Step(code: Code.jumpIfEqual, ifTrue: 0, ifFalse: 1, value: 0x86dd),
            Step(code: Code.jump, ifTrue: 0, ifFalse: 0, value: UInt32(ipv4.count)),
        ] + ipv4 + ipv6
    }

    /// Keeps the packet if a word of it is one of these; ends in any case.
    private static func search(_ values: [UInt32], at offset: UInt32) -> [Step] {
        var steps = [Step(code: Code.loadWord, ifTrue: 0, ifFalse: 0, value: offset)]
        for value in values {
            steps.append(Step(code: Code.jumpIfEqual, ifTrue: 0, ifFalse: 1, value: value))
            steps.append(Self.back(UInt32(Self.keptBytes)))
        }
        return steps + [Self.back(0)]
    }

    private static func back(_ count: UInt32) -> Step {
        Step(code: Code.back, ifTrue: 0, ifFalse: 0, value: count)
    }
}
