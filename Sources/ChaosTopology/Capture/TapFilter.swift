/// The packet filter of a capture: keeps what comes from one of some nodes and goes to one of others. It lets
/// through more than was asked for where several links are; who reads looks again.
package struct TapFilter: Hashable, Sendable {
    /// The program.
    package let steps: [FilterStep]

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
                .load(.interface), .ifEqual(interface, otherwise: 1), .refuse,
                // A way that depends on something reaches 255 steps at most, others any number.
                .loadHalf(12), .ifEqual(0x0800, skip: 2), .ifEqual(0x86dd, skip: 2), .refuse,
                .skip(1), .skip(ipv4.count),
            ] + ipv4 + ipv6
    }

    /// Looks for the source, then for the target; ends in any case.
    private static func part(
        _ sources: [Int], at sourceOffset: UInt32, _ targets: [Int], at targetOffset: UInt32,
        _ length: UInt32, address: (Int) -> UInt32
    ) -> [FilterStep] {
        var steps: [FilterStep] = [.loadWord(sourceOffset)]
        for (place, source) in sources.enumerated() {
            // Behind the last of the list, past the refusal.
            let skipped = 2 * (sources.count - place) - 1
            steps += [.ifEqual(address(source), otherwise: 1), .skip(skipped)]
        }
        steps += [.refuse, .loadWord(targetOffset)]
        for target in targets {
            steps += [.ifEqual(address(target), otherwise: 1), .keep(length)]
        }
        return steps + [.refuse]
    }
}
