import ChaosCore
import ChaosEngine
import Testing

/// Random faults, cuts, stages and packets, in random order: everything is accounted for at every
/// step, and nothing crosses a cut.
@Suite("Packets are conserved")
struct PacketPropertyTests {
    @Test(arguments: 1...60)
    func everyPacketIsAccountedFor(seed: UInt64) throws {
        var random = Seed(seed).derived("packets").generator
        let rig = PacketRig(seed: seed, queueLimit: 1 << 16)
        var cuts: [Cut] = []
        var sent = 0
        for step in 0..<400 {
            switch random.next(below: 12) {
            case 0: try rig.inject(Self.fault(&random))
            case 1:
                let modes: [PartitionMode] = [.drop, .lose, .hold, .newOnly, .establishedOnly]
                cuts.append(rig.cut(random.pick(modes) ?? .drop))
            case 2: rig.heal()
            case 3:
                let active = rig.network.activeInjections
                if let gone = random.pick(active) { rig.network.removeInjections { $0 === gone } }
            case 4:
                rig.network.setStages(
                    Self.stages(&random, step), on: PacketRig.link, seed: Seed(seed))
            case 5: rig.run(Double(random.next(below: 200)))
            case 6: rig.sleep(Double(random.next(below: 50)))
            case 7:
                if random.chance(Ratio(percent: 30)) { rig.flow.close(at: rig.now) }
                if rig.flow.isClosed { _ = rig.openFlow() }
            default:
                rig.send([UInt8](repeating: 1, count: random.next(below: 2000)))
                sent += 1
            }
            #expect(rig.pipeline.counters.areConserved)
            if !rig.flow.isClosed { #expect(rig.flow.counters(.forward).areConserved) }
        }
        rig.heal()
        rig.network.removeInjections { _ in true }
        rig.network.setStages([], on: PacketRig.link, seed: Seed(seed))
        rig.run(1)
        let counters = rig.pipeline.counters
        #expect(counters.received.packets == sent)
        #expect(counters.queued.packets == 0)
        #expect(counters.sent.packets == rig.arrived.count)
        #expect(rig.pipeline.deadline == .never)
        #expect(cuts.allSatisfy { $0.crossedBytes.isEmpty })
        for flow in [rig.flow] { #expect(flow.packetsQueued == 0) }
    }

    private static func fault(_ random: inout Generator) -> Fault {
        let chance = Fault.Occurrence.random(
            Ratio(percent: random.next(below: 60)),
            correlation: Ratio(percent: random.next(below: 60)))
        switch random.next(below: 6) {
        case 0: return .loss(Fault.Loss(.plain(chance)))
        case 1: return .duplicate(Fault.MessageFault(chance))
        case 2: return .corrupt(Fault.Corrupt(chance, bits: 1 + random.next(below: 4)))
        case 3:
            let latency = Duration.milliseconds(random.next(below: 100))
            return .delay(
                Fault.Delay(
                    latency: latency, jitter: latency,
                    distribution: random.pick(Fault.DistributionName.allCases.dropLast())
                        ?? .uniform))
        case 4:
            return .reorder(
                Fault.Reorder(
                    chance, gap: random.pick([nil, 1, 2, 5]) ?? nil, hold: .milliseconds(20)))
        default:
            let limits: [ByteCount?] = [nil, ByteCount(3000)]
            return .rate(
                Fault.Rate(
                    Bandwidth(bitsPerSecond: 10_000 << Int64(random.next(below: 12))),
                    limit: random.pick(limits) ?? nil,
                    scope: random.chance(Ratio(percent: 50)) ? .link : .connection))
        }
    }

    private static func stages(_ random: inout Generator, _ step: Int) -> [Stage] {
        let actions: [Stage.Action] = [
            .delay(milliseconds: 30, jitter: 30), .rate(kilobytes: 5, isShared: true),
            .rate(kilobytes: 5, isShared: false), .drop(probability: 0.3, correlation: 0.3),
            .swallow(closeAfterMilliseconds: 10), .pass,
        ]
        return (0..<random.next(below: 3)).map { index in
            Stage(
                identity: step * 4 + index, label: "s\(index)", share: 0.7,
                action: random.pick(actions) ?? .pass)
        }
    }
}
