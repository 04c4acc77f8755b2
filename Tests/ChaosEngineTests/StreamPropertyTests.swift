import ChaosCore
import ChaosEngine
import Testing

/// What must hold whatever happens: random faults, cuts, reads, ends and full sockets.
///
/// The rig itself checks at every step that bytes are conserved, that the engine comes to rest,
/// that it never asks to be woken in the past, and that it never writes to a full socket.
@Suite struct StreamPropertyTests {
    /// A rig driven at random, with what was sent.
    struct Walk {
        let rig: StreamRig
        var generator: Generator
        var sent: [Direction: [UInt8]] = [.forward: [], .backward: []]
        var ended: Set<Direction> = []
        var time = 0.0
        var active: [String] = []
        var cuts: [String] = []
        var number = 0

        init(_ seed: UInt64, _ framing: Framing) {
            self.rig = StreamRig(framing: framing, seed: seed, queueLimit: 1 << 20)
            self.generator = Seed(seed).derived("walk").generator
        }

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[self.generator.next(below: elements.count)]
        }

        mutating func occurrence() -> Fault.Occurrence {
            if self.generator.next(below: 4) == 0 {
                return .nth(1 + self.generator.next(below: 20))
            }
            return .random(
                Ratio(percent: self.generator.next(below: 101)),
                correlation: Ratio(percent: self.generator.next(below: 80)))
        }

        mutating func duration() -> Duration {
            .microseconds(self.generator.next(below: 200_000))
        }

        /// A fault that leaves bytes as they are and in order on a raw stream.
        mutating func gentleFault() -> Fault {
            switch self.generator.next(below: 7) {
            case 0, 1:
                return .delay(
                    .init(
                        latency: self.duration(), jitter: self.duration(),
                        distribution: self.pick([.uniform, .normal, .pareto, .exponential])))
            case 2: return .loss(.init(.plain(self.occurrence())))
            case 3:
                return .rate(
                    .init(
                        Bandwidth(bitsPerSecond: Int64(8 << self.generator.next(below: 28))),
                        burst: ByteCount(self.generator.next(below: 10_000)),
                        limit: self.pick([nil, ByteCount(self.generator.next(below: 100_000))]),
                        scope: self.pick([.link, .connection])))
            case 4:
                return .slicer(
                    .init(
                        averageSize: ByteCount(self.generator.next(below: 5000)),
                        sizeVariation: ByteCount(self.generator.next(below: 5000)),
                        delay: self.pick([.zero, .microseconds(50)])))
            case 5: return .slowClose(self.duration())
            default: return .coalesce(hold: self.duration())
            }
        }

        mutating func roughFault() -> Fault {
            switch self.generator.next(below: 9) {
            case 0: return .duplicate(.init(self.occurrence()))
            case 1:
                return .reorder(
                    .init(
                        self.occurrence(), gap: self.pick([nil, 1, 2, 5]), hold: self.duration()))
            case 2: return .corrupt(.init(self.occurrence(), bits: self.pick([1, 3, 50])))
            case 3: return .ackLoss(.init(.nth(200)))
            case 4: return .timeout(after: self.pick([.zero, .seconds(30)]))
            case 5: return .resetPeer(after: .seconds(60))
            case 6: return .limitData(ByteCount(1 << 20))
            default: return self.gentleFault()
            }
        }

        var links: [String] { ["n1->n2", "n2->n1", "n1<->n2", "*->*", "n1->n2:peer"] }

        /// One random step.
        mutating func step(_ modes: [PartitionMode], rough: Bool, _ bytes: (Int, Int) -> [UInt8]) {
            self.number += 1
            switch self.generator.next(below: 12) {
            case 0:
                let fault = rough ? self.roughFault() : self.gentleFault()
                self.active.append("f\(self.number)")
                self.rig.inject(fault, on: self.pick(self.links), id: "f\(self.number)")
            case 1:
                if !self.active.isEmpty {
                    let index = self.generator.next(below: self.active.count)
                    self.rig.remove(self.active.remove(at: index))
                }
            case 2:
                self.cuts.append("c\(self.number)")
                let pairs = [
                    NetworkCutTests.forward, NetworkCutTests.backward, NetworkCutTests.both,
                ]
                self.rig.cut(self.pick(pairs), self.pick(modes), id: "c\(self.number)")
            case 3, 4:
                if !self.cuts.isEmpty {
                    let index = self.generator.next(below: self.cuts.count)
                    self.rig.heal(self.cuts.remove(at: index))
                }
            case 5:
                self.rig.setReady(self.pick(Direction.allCases), self.generator.next(below: 3) > 0)
            case 6, 7:
                self.time += Double(self.generator.next(below: 300))
                self.rig.advance(to: self.time)
            default:
                let direction = self.pick(Direction.allCases)
                guard self.rig.connection.wantsInput(direction) else { return }
                let size = 1 + self.generator.next(below: self.pick([3, 300, 6000]))
                let chunk = bytes(size, self.sent[direction, default: []].count)
                self.rig.send(chunk, direction)
                self.sent[direction, default: []] += chunk
            }
        }

        /// Heals everything, takes all faults away and lets everything arrive.
        mutating func settle() {
            for cut in self.cuts { self.rig.heal(cut) }
            for fault in self.active { self.rig.remove(fault) }
            for direction in Direction.allCases { self.rig.setReady(direction, true) }
            self.rig.advance(to: self.time + 1e10)
        }
    }

    static let stalls: [PartitionMode] = [.drop, .hold, .newOnly]

    @Test(arguments: 0..<24 as Range<UInt64>)
    func withoutByteChangingFaultsExactlyWhatWasSentArrivesInOrder(_ seed: UInt64) {
        var walk = Walk(seed, .none)
        for number in 0..<150 {
            walk.step(Self.stalls, rough: false) { [UInt8].pattern($0, from: $1) }
            for direction in Direction.allCases where number % 10 == 0 {
                let output = walk.rig.output(direction)
                let sent = walk.sent[direction] ?? []
                #expect(sent.starts(with: output))
                let queued = walk.rig.connection.counters(direction).queued
                #expect(queued == sent.count - output.count)
                #expect(queued <= (1 << 20) + 20_000)
            }
        }
        for direction in Direction.allCases { walk.rig.end(direction) }
        walk.settle()
        for direction in Direction.allCases {
            #expect(walk.rig.output(direction) == walk.sent[direction])
        }
        #expect(walk.rig.seen().last?.hasSuffix(" close") == true)
    }

    @Test(arguments: 0..<16 as Range<UInt64>, [Framing.none, .lines, .length16, .resp])
    func bytesAreConservedWhateverHappens(_ seed: UInt64, _ framing: Framing) {
        var walk = Walk(seed, framing)
        for _ in 0..<150 {
            walk.step(Self.stalls + [.lose], rough: true) { size, offset in
                switch framing {
                case .lines: return [UInt8](repeating: 97, count: size - 1) + [10]
                case .length16:
                    return [UInt8(size >> 8), UInt8(size & 255)]
                        + [UInt8](repeating: 7, count: size)
                case .resp: return Array("*1\r\n$4\r\nPING\r\n".utf8.prefix(size < 3 ? 3 : 20))
                default: return [UInt8].pattern(size, from: offset)
                }
            }
        }
        for direction in Direction.allCases { walk.rig.end(direction) }
        walk.settle()
        #expect(walk.rig.connection.isOver)
        for direction in Direction.allCases {
            let counters = walk.rig.connection.counters(direction)
            #expect(counters.queued == 0 && counters.areConserved)
            #expect(counters.written == walk.rig.output(direction).count)
            #expect(counters.received == walk.sent[direction]?.count)
        }
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func messagesArriveWholeWhateverHappensToThem(_ seed: UInt64) {
        var walk = Walk(seed, .lines)
        let messages = (0..<3000).map { "\($0) \(String(repeating: "x", count: $0 % 70))" }
        let stream = Array(messages.map { $0 + "\n" }.joined().utf8)
        for _ in 0..<250 {
            walk.step([.drop, .hold, .lose], rough: true) { size, offset in
                Array(stream.dropFirst(offset).prefix(min(size, 2000)))
            }
            if walk.sent.values.contains(where: { $0.count + 2000 > stream.count }) { break }
        }
        // Bits may flip, but never those that make lines.
        let known = Set(messages.map(\.utf8.count))
        for direction in Direction.allCases {
            let lines = walk.rig.output(direction).split(
                separator: 10, omittingEmptySubsequences: false)
            let strange = lines.dropLast().filter { !known.contains($0.count) }
            #expect(strange.isEmpty)
        }
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func nothingCrossesACut(_ seed: UInt64) {
        var walk = Walk(seed, .lines)
        var cuts: [Cut] = []
        for _ in 0..<200 {
            walk.step([.drop, .hold, .lose, .newOnly], rough: seed % 2 == 0) { size, _ in
                [UInt8](repeating: 98, count: size - 1) + [10]
            }
            cuts = walk.rig.network.activeCuts + cuts
            for cut in cuts { #expect(cut.crossedBytes.isEmpty) }
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func theSameWalkDecidesTheSame(_ seed: UInt64) {
        func walked() -> ([String], [UInt64], [UInt8]) {
            var walk = Walk(seed, seed % 2 == 0 ? .lines : .none)
            for _ in 0..<100 {
                walk.step(Self.stalls, rough: true) { [UInt8].pattern($0, from: $1) }
            }
            return (
                walk.rig.journal.map(\.json.text),
                Direction.allCases.map { walk.rig.connection.fingerprint($0) }, walk.rig.output()
            )
        }
        let (first, second) = (walked(), walked())
        #expect(first.0 == second.0)
        #expect(first.1 == second.1)
        #expect(first.2 == second.2)
    }
}
