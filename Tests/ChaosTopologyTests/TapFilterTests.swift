import ChaosTopology
import Testing

/// The packet filter of captures, run by a machine of the test's own.
struct TapFilterTests {
    private static func keeps(
        from sources: [Int], to targets: [Int], _ frame: [UInt8], at interface: UInt32 = 3
    ) -> Bool {
        let filter = TapFilter(from: sources, to: targets, except: 9, keeping: 262_144)
        let kept = FilterMachine(filter.steps, interface: interface).run(frame)
        #expect(kept == 0 || kept == 262_144)
        return kept != 0
    }

    @Test func onlyCapturedPairsAreSeen() {
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            #expect(Self.keeps(from: [1], to: [2], frame))
            #expect(Self.keeps(from: [7, 1, 9], to: [3, 2], frame))
            #expect(Self.keeps(from: [7, 9, 1], to: [2, 3], frame))
            #expect(!Self.keeps(from: [2], to: [1], frame))
            #expect(!Self.keeps(from: [1], to: [3], frame))
            #expect(!Self.keeps(from: [3], to: [2], frame))
            #expect(!Self.keeps(from: [1], to: [2], frame, at: 9), "the switch's own interface")
        }
        let arp = [UInt8](repeating: 0, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 40)
        #expect(!Self.keeps(from: [1], to: [2], arp))
    }

    /// Jumps over many nodes reach their ends.
    @Test func manyNodes() {
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            #expect(Self.keeps(from: Array(1...254), to: Array(1...254), frame))
            #expect(!Self.keeps(from: Array(2...254), to: Array(1...254), frame))
            #expect(!Self.keeps(from: Array(1...254), to: Array(3...254), frame))
        }
        let filter = TapFilter(
            from: Array(1...254), to: Array(1...254), except: 0, keeping: 128)
        #expect(filter.steps.count <= 4096, "the kernel's limit")
    }
}
