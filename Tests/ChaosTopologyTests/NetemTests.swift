import ChaosCore
import ChaosScenario
import ChaosTopology
import Testing

/// Faults as the kernel's network emulator takes them.
struct NetemTests {
    private static func spec(_ faults: String...) throws -> NetemSpec {
        try NetemSpec(try FaultText.parse(faults), seed: 9)
    }

    @Test func everyFaultOfPackets() throws {
        let spec = try Self.spec(
            "delay=40ms,5ms,25%,normal", "loss=50%,10%",
            "duplicate=100%", "corrupt=1%", "reorder=25%,gap:5", "rate=8mbit")
        #expect(spec.latency == 40_000_000 && spec.jitter == 5_000_000)
        #expect(spec.delayCorrelation == 0x4000_0000)
        #expect(spec.distribution == DistributionTable.normal.values)
        #expect(spec.loss == .random(0x8000_0000, correlation: 429_496_730))
        #expect(spec.duplicate.probability == .max)
        #expect(spec.corrupt.probability == 42_949_673)
        #expect(spec.reorder.probability == 0x4000_0000 && spec.gap == 5)
        #expect(spec.rate == 1_000_000)
        #expect(spec.seed == 9)
    }

    /// `tc` says what is lost in the bad state, the kernel what gets through.
    @Test func gilbertElliott() throws {
        let spec = try Self.spec("loss=gemodel 5% 25% 100% 1%")
        #expect(
            spec.loss
                == .gilbertElliott(
                    p: 214_748_365, r: 0x4000_0000, keptInBad: 0, lostInGood: 42_949_673))
    }

    @Test(arguments: [
        ("loss=nth:3", "counts no packets"), ("duplicate=nth:1", "counts no packets"),
        ("corrupt=1%,bits:3", "flips one bit"),
        ("reorder=10%", "packets that have a delay"),
        ("delay=1ms,1ms,exponential", "no such distribution"),
        ("delay=9s,3s", "at most 2.1 s"),
        ("rate=1mbit,scope:connection", "one rate for all"),
        ("rate=1mbit,limit:64kB", "counts packets"),
        ("rate=1mbit,burst:64kB", "no burst"),
        ("loss=1%,direction:reply", "which packets are meant"),
    ])
    func refused(_ fault: String, _ reason: String) throws {
        let faults = try FaultText.parse([fault])
        let refusal = #expect(throws: NetemSpec.Refusal.self) {
            try NetemSpec(faults, seed: 1)
        }
        #expect(refusal?.reason.contains(reason) == true, "\(refusal?.reason ?? "")")
        #expect(refusal?.kind == faults[0].kind)
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The attributes of options, by kind (linux/netlink.h).
    private static func attributes(_ bytes: [UInt8]) -> [UInt16: [UInt8]] {
        var found: [UInt16: [UInt8]] = [:]
        var rest = bytes[...]
        while rest.count >= 4 {
            let head = Self.word(Array(rest.prefix(4)), 0)
            let (length, kind) = (Int(head & 0xffff), UInt16(head >> 16))
            found[kind] = Array(rest.dropFirst(4).prefix(length - 4))
            rest = rest.dropFirst((length + 3) / 4 * 4)
        }
        return found
    }

    /// Every parameter is there, also where it is nothing.
    @Test func optionsOfNothing() throws {
        let bytes = NetemOptions.bytes(try NetemSpec([], seed: 0x0102_0304_0506_0708))
        #expect((0..<6).map { Self.word(bytes, $0 * 4) } == [0, 100_000, 0, 0, 0, 0])
        let attributes = Self.attributes(Array(bytes.dropFirst(24)))
        // Correlations, reorder, corrupt, rate, latency, jitter, seed.
        #expect(attributes.keys.sorted() == [1, 3, 4, 6, 10, 11, 14])
        for (kind, size) in [(1, 12), (3, 8), (4, 8), (6, 16), (10, 8), (11, 8)] {
            #expect(attributes[UInt16(kind)] == [UInt8](repeating: 0, count: size))
        }
        #expect(attributes[14] == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(NetemOptions.seed(in: bytes) == 0x0102_0304_0506_0708)
        #expect(NetemOptions.seed(in: Array(bytes.prefix(24))) == nil)
        #expect(NetemOptions.seed(in: Array(bytes.dropLast(12))) == nil, "an older kernel's")
    }

    @Test func optionsOfMuch() throws {
        let spec = try Self.spec(
            "delay=5s,1ms,pareto", "loss=gemodel 5% 25%", "rate=40gbit")
        let bytes = NetemOptions.bytes(spec)
        #expect(Self.word(bytes, 4) == spec.limit && spec.limit == 1_001_000)
        let attributes = Self.attributes(Array(bytes.dropFirst(24)))
        #expect(Self.word(try #require(attributes[6]), 0) == .max, "the rest is in 64 bits")
        #expect(attributes[8]?.prefix(5) == [0, 0xf2, 0x05, 0x2a, 0x01], "5e9 bytes per second")
        #expect(attributes[10]?.prefix(5) == [0, 0xf2, 0x05, 0x2a, 0x01], "5e9 nanoseconds")
        #expect(attributes[2]?.count == 2 * 4096)
        let nest = Self.attributes(try #require(attributes[5]))
        #expect(nest.keys.sorted() == [2] && nest[2]?.count == 16)
    }

    // MARK: - Filters

    /// Where the kernel's u32 classifier sends a frame.
    private static func minor(_ filters: [NetemFilter], _ frame: [UInt8]) -> UInt32? {
        let packet = Array(frame.dropFirst(14))
        let family: LabAddresses.Family = packet[0] >> 4 == 4 ? .ipv4 : .ipv6
        return filters.first { filter in
            filter.family == family
                && filter.keys.allSatisfy { key in
                    let at = Int(key.offset)
                    guard at + 4 <= packet.count else { return false }
                    let word = packet[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
                    return word & key.mask == key.value
                }
        }?.minor
    }

    private static let ports = LabPorts([
        1: [.init(name: "main", transport: .tcp, number: 40_000)],
        2: [.init(name: "peer", transport: .tcp, number: 2380)],
    ])

    /// A port of the target counts before one of the source, and the rest is the rest.
    @Test func packetsFindTheirLink() {
        for frame in [FrameTests.ipv4(flags: 2), FrameTests.ipv6(flags: 2)] {
            func minor(_ classes: [PortName: UInt32], from source: Int = 1) -> UInt32? {
                Self.minor(
                    NetemFilter.filters(from: source, to: 2, Self.ports, classes: classes), frame)
            }
            #expect(minor(["peer": 1, "main": 2, "other": 3]) == 1)
            #expect(minor(["main": 2, "other": 3]) == 0, "the link of 'peer' has no faults")
            #expect(minor(["other": 3]) == 0)
            #expect(minor(["peer": 1], from: 3) == nil, "another node's")
        }
        let frame = FrameTests.ipv4(flags: 2, to: 99)
        let classes: [PortName: UInt32] = ["peer": 1, "main": 2, "other": 3]
        let filters = NetemFilter.filters(from: 1, to: 2, Self.ports, classes: classes)
        #expect(Self.minor(filters, frame) == 2, "by the source's port")
        #expect(Self.minor(filters, FrameTests.ipv4(flags: 2, from: 5, to: 99)) == 3)
        #expect(Self.minor(filters, FrameTests.ipv4(flags: 2, fragment: 100)) == 3)
        #expect(Self.minor([.all(.ipv4, minor: 7)], frame) == 7)
    }

    /// What netem has needs no rule.
    @Test func noRules() {
        let rules = LinkRules.rules(from: 1, to: 2, Self.ports) { _ in .shaped }
        #expect(rules.isEmpty)
        let mixed = LinkRules.rules(from: 1, to: 2, Self.ports) {
            $0 == "peer" ? .dropped : .shaped
        }
        #expect(mixed.count == 2)
    }
}
