/// The packet filter (classic BPF, as ``WitnessFilter``) of a capture: keeps what comes from one of some
/// nodes and goes to one of others. It lets through more than was asked for where several links are; who
/// reads looks again.
package struct TapFilter: Hashable, Sendable {
    /// The program.
    package let steps: [WitnessFilter.Step]

    private enum Code {
        static let loadWord: UInt16 = 0x20
        static let loadHalf: UInt16 = 0x28
        static let jumpIfEqual: UInt16 = 0x15
        static let jump: UInt16 = 0x05
        static let back: UInt16 = 0x06
        /// `SKF_AD_OFF + SKF_AD_IFINDEX`: the interface at which it came.
        static let interface = UInt32(bitPattern: -0x1000 + 8)
    }

    /// - Parameters:
    ///   - interface: One at which nothing is kept.
    ///   - length: How many bytes of a packet are kept.
    package init(
        from sources: [Int], to targets: [Int], except interface: UInt32, keeping length: UInt32
    ) {
        let ipv4 = Self.part(sources, at: 26, targets, at: 30, length) { 0x0a4d_0000 | UInt32($0) }
        let ipv6 = Self.part(sources, at: 34, targets, at: 50, length) { UInt32($0) }
        self.steps =
            [
                Self.step(Code.loadWord, Code.interface),
                Self.step(Code.jumpIfEqual, interface, 0, 1), Self.back(0),
                Self.step(Code.loadHalf, 12),
                // Jumps that depend on something reach 255 steps at most, others any number.
                Self.step(Code.jumpIfEqual, 0x0800, 2, 0),
                Self.step(Code.jumpIfEqual, 0x86dd, 2, 0), Self.back(0),
                Self.step(Code.jump, 1), Self.step(Code.jump, UInt32(ipv4.count)),
            ] + ipv4 + ipv6
    }

    /// Looks for the source, then for the target; ends in any case.
    private static func part(
        _ sources: [Int], at sourceOffset: UInt32, _ targets: [Int], at targetOffset: UInt32,
        _ length: UInt32, address: (Int) -> UInt32
    ) -> [WitnessFilter.Step] {
        var steps = [self.step(Code.loadWord, sourceOffset)]
        for (place, source) in sources.enumerated() {
            // Behind the last of the list, past the refusal.
            let skipped = UInt32(2 * (sources.count - place) - 1)
            steps.append(self.step(Code.jumpIfEqual, address(source), 0, 1))
            steps.append(self.step(Code.jump, skipped))
        }
        steps += [self.back(0), self.step(Code.loadWord, targetOffset)]
        for target in targets {
            steps.append(self.step(Code.jumpIfEqual, address(target), 0, 1))
            steps.append(self.back(length))
        }
        return steps + [self.back(0)]
    }

    private static func step(
        _ code: UInt16, _ value: UInt32, _ ifTrue: UInt8 = 0, _ ifFalse: UInt8 = 0
    ) -> WitnessFilter.Step {
        WitnessFilter.Step(code: code, ifTrue: ifTrue, ifFalse: ifFalse, value: value)
    }

    private static func back(_ count: UInt32) -> WitnessFilter.Step { self.step(Code.back, count) }
}
