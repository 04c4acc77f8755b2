import ChaosCore
import ChaosEngine
import Testing

/// Toxiproxy's toxics as packets meet them.
@Suite("Packets through stages")
struct PacketStageTests {
    private func rig(_ stages: [Stage]) -> PacketRig {
        let rig = PacketRig()
        rig.network.setStages(stages, on: PacketRig.link, seed: Seed(1))
        return rig
    }

    private func stage(_ action: Stage.Action, share: Double = 1, identity: Int = 1) -> Stage {
        Stage(identity: identity, label: "s\(identity)", share: share, action: action)
    }

    @Test func delaysAddUp() {
        let rig = self.rig([
            self.stage(.delay(milliseconds: 10, jitter: 0)),
            self.stage(.delay(milliseconds: 5, jitter: 0), identity: 2),
        ])
        rig.send("a")
        rig.run(20)
        #expect(rig.seen == ["15 a"])
        #expect(rig.pipeline.link.stages.map(\.hits) == [1, 1])
    }

    @Test func takingAStageAwayReleasesWhatItHas() {
        let rig = self.rig([
            self.stage(.delay(milliseconds: 100, jitter: 0)),
            self.stage(.delay(milliseconds: 5, jitter: 0), identity: 2),
        ])
        rig.send("a")
        rig.run(10)
        rig.network.setStages(
            [self.stage(.delay(milliseconds: 5, jitter: 0), identity: 2)], on: PacketRig.link,
            seed: Seed(1))
        rig.look()
        rig.run(10)
        #expect(rig.seen == ["15 a"])
    }

    @Test func swallowTakesEverything() {
        let rig = self.rig([self.stage(.swallow(closeAfterMilliseconds: 0))])
        rig.send("a")
        #expect(rig.seen.isEmpty)
        #expect(rig.pipeline.counters.lost.packets == 1)
        #expect(rig.journal.filter { $0.event == "stage" }.count == 1)
    }

    @Test func aStageActsOnItsShareOfFlows() {
        let rig = self.rig([self.stage(.swallow(closeAfterMilliseconds: 0), share: 0.3)])
        for _ in 0..<1000 {
            let flow = rig.openFlow()
            rig.send("a", of: flow)
            rig.send("b", of: flow)
        }
        let passed = rig.texts.count / 2
        #expect((640...760).contains(passed))
        // A flow is for it or not: never one packet of two.
        #expect(rig.texts == Array(repeating: ["a", "b"], count: passed).flatMap { $0 })
        #expect(rig.pipeline.link.stages[0].connections == 1000 - passed)
    }

    @Test func dropsTheAskedShare() {
        let rig = self.rig([self.stage(.drop(probability: 0.2, correlation: 0))])
        for _ in 0..<20_000 { rig.send([1]) }
        #expect(abs(Double(rig.pipeline.counters.lost.packets) / 20_000 - 0.2) < 0.012)
    }

    @Test func rateSpacesThePacketsOfEachFlow() {
        let rig = self.rig([self.stage(.rate(kilobytes: 1000, isShared: false))])
        // 1 MB/s, of which 64 KiB may pass at once.
        for _ in 0..<3 { rig.send([UInt8](repeating: 0, count: 65_536)) }
        rig.run(1000)
        #expect(rig.arrived.map { $0.at.nanoseconds / 1000 } == [0, 65_536, 131_072])
    }

    @Test func withoutARateNothingPasses() {
        let rig = self.rig([self.stage(.rate(kilobytes: 0, isShared: false))])
        rig.send("a")
        rig.run(1000)
        #expect(rig.seen.isEmpty)
    }

    @Test func stagesOfStreamsDoNothing() {
        let rig = self.rig([
            self.stage(.limit(bytes: 0)), self.stage(.reset(afterMilliseconds: 0), identity: 2),
        ])
        rig.send("a")
        #expect(rig.seen == ["0 a"])
    }
}
