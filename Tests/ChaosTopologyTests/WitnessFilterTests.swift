import ChaosCore
import ChaosTopology
import Testing

/// The packet filter of witnesses, run by a machine of the test's own.
struct WitnessFilterTests {
    private static func run(_ filter: WitnessFilter, _ frame: [UInt8], isOutgoing: Bool) -> UInt32 {
        FilterMachine(filter.steps, isOutgoing: isOutgoing).run(frame)
    }

    @Test func onlyCutPairsAreSeen() {
        let filter = WitnessFilter(incomingTo: [2, 5], outgoingFrom: [1])
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            #expect(Self.run(filter, frame, isOutgoing: false) == 128, "n1 to n2 comes in")
            #expect(Self.run(filter, frame, isOutgoing: true) == 128, "n1 to n2 goes out")
            let other = WitnessFilter(incomingTo: [1], outgoingFrom: [2])
            #expect(Self.run(other, frame, isOutgoing: false) == 0)
            #expect(Self.run(other, frame, isOutgoing: true) == 0)
            let none = WitnessFilter(incomingTo: [], outgoingFrom: [])
            #expect(Self.run(none, frame, isOutgoing: false) == 0)
        }
        let arp = [UInt8](repeating: 0, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 40)
        #expect(Self.run(filter, arp, isOutgoing: false) == 0)
    }

    /// Jumps over many nodes reach their ends.
    @Test func manyNodes() {
        let filter = WitnessFilter(
            incomingTo: Array(3...254), outgoingFrom: Array(1...254))
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            #expect(Self.run(filter, frame, isOutgoing: false) == 0)
            #expect(Self.run(filter, frame, isOutgoing: true) == 128)
        }
        #expect(filter.steps.count <= 4096, "the kernel's limit")
    }
}
