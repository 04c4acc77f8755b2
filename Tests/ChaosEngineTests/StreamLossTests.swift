import ChaosCore
import ChaosEngine
import Testing

/// Loss on raw streams: late by what TCP needs to repair it, never gone.
@Suite struct StreamLossTests {
    static let block = 1448

    static func nth(_ number: Int) -> Fault { .loss(.init(.plain(.nth(number)))) }

    @Test func aLostBlockWithThreeBehindIsLateByOneRoundTrip() {
        let rig = StreamRig()
        rig.inject(.delay(.init(latency: .milliseconds(30))), on: "n1->n2")
        rig.inject(.delay(.init(latency: .milliseconds(20))), on: "n2->n1")
        rig.inject(Self.nth(2))
        rig.send([UInt8].pattern(5 * Self.block))
        rig.advance(to: 10_000)
        #expect(rig.output() == [UInt8].pattern(5 * Self.block))
        #expect(rig.times() == [30, 80])
        #expect(rig.sizesByInstant() == [1448, 4 * 1448])
    }

    @Test func aRoundTripIsAtLeastAMillisecond() {
        let rig = StreamRig()
        rig.inject(Self.nth(1))
        rig.send([UInt8].pattern(4 * Self.block))
        rig.advance(to: 10_000)
        #expect(rig.times() == [1])
    }

    @Test func withoutThreeBlocksBehindTheRetransmissionTimeoutHolds() {
        let rig = StreamRig()
        rig.inject(Self.nth(1))
        rig.send([UInt8].pattern(4 * Self.block - 1))
        rig.advance(to: 10_000)
        #expect(rig.times() == [200])
        #expect(rig.output().count == 4 * Self.block - 1)
    }

    @Test func theTimeoutIsTwoRoundTripsWhereThatIsMore() {
        let rig = StreamRig()
        rig.inject(.delay(.init(latency: .milliseconds(150))), on: "n1<->n2")
        rig.inject(Self.nth(1))
        rig.send("a")
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["750 a"])
    }

    @Test func laterBlocksThatComeInTimeStillRepairTheLoss() {
        let rig = StreamRig()
        rig.inject(Self.nth(1))
        rig.send([UInt8].pattern(Self.block))
        rig.advance(to: 50)
        rig.send([UInt8].pattern(3 * Self.block, from: Self.block))
        rig.advance(to: 10_000)
        #expect(rig.times() == [51])
        #expect(rig.output() == [UInt8].pattern(4 * Self.block))
    }

    @Test func aBlockThatArrivesInPartsIsRepairedAsAWhole() {
        let rig = StreamRig()
        rig.inject(Self.nth(1))
        rig.send([UInt8].pattern(100))
        rig.send([UInt8].pattern(Self.block - 100, from: 100))
        rig.advance(to: 5)
        rig.send([UInt8].pattern(3 * Self.block, from: Self.block))
        rig.advance(to: 10_000)
        #expect(rig.times() == [6])
        #expect(rig.output() == [UInt8].pattern(4 * Self.block))
    }

    @Test func timeoutsDoubleWhileTheBlockIsLostAgain() {
        // At 60 % a block is often lost again: k times in a row it is RTO·(2^k − 1) late.
        var lateness: [Double: Int] = [:]
        for seed in 0..<300 as Range<UInt64> {
            let rig = StreamRig(seed: seed)
            rig.inject(.loss(.init(.plain(.random(Ratio(percent: 60), correlation: .zero)))))
            rig.send("a")
            rig.advance(to: 10_000_000)
            lateness[rig.times()[0], default: 0] += 1
        }
        #expect(lateness.keys.sorted().prefix(5) == [0, 200, 600, 1400, 3000])
        let counts = [0.0, 200, 600, 1400].map { lateness[$0] ?? 0 }
        // 120, 72, 43 and 26 are expected.
        #expect((95...145).contains(counts[0]) && (52...92).contains(counts[1]))
        #expect((27...61).contains(counts[2]) && (12...42).contains(counts[3]))
    }

    @Test func bytesNeverVanish() {
        let rig = StreamRig()
        rig.inject(.loss(.init(.plain(.random(Ratio(percent: 30), correlation: .zero)))))
        for number in 0..<200 {
            rig.advance(to: Double(number))
            rig.send([UInt8].pattern(1000, from: number * 1000))
        }
        rig.end()
        rig.advance(to: 100_000_000)
        #expect(rig.output() == [UInt8].pattern(200_000))
        #expect(rig.connection.counters(.forward).lost == 0)
        #expect(rig.seen().last?.hasSuffix("|") == true)
    }

    @Test func aQueueTooShortForThreeBlocksWaitsForTheTimeout() {
        let rig = StreamRig()
        rig.inject(Self.nth(1))
        rig.inject(
            .rate(.init(Bandwidth(bitsPerSecond: 8_000_000_000), limit: ByteCount(3000))))
        rig.send([UInt8].pattern(1448))
        rig.send([UInt8].pattern(1448, from: 1448))
        #expect(!rig.connection.wantsInput(.forward))
        rig.advance(to: 10_000)
        #expect(rig.times() == [200])
    }

    @Test func burstsFollowTheGilbertElliottModel() {
        // Good for ever until the first step; then bad for ever: all blocks but the first are lost.
        let rig = StreamRig()
        rig.inject(
            .loss(.init(.gilbertElliott(.init(p: .one, r: .zero, lossInBad: .one)))))
        rig.send([UInt8].pattern(3 * Self.block))
        #expect(rig.times() == [0])
        #expect(rig.sizes() == [Self.block])
        #expect(rig.decisions.count == 2)
    }

    @Test func queuedLossesKeepTheirTimeWhenLossIsRemoved() {
        let rig = StreamRig()
        rig.inject(Self.nth(1), id: "loss")
        rig.send("a")
        rig.advance(to: 10)
        rig.remove("loss")
        rig.send("b")
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["200 ab"])
    }

    @Test func removingDelayReleasesLossesThatWaitAsWell() {
        let rig = StreamRig()
        rig.inject(.delay(.init(latency: .milliseconds(50))), id: "slow")
        rig.inject(Self.nth(1), id: "loss")
        rig.send("a")
        rig.advance(to: 10)
        rig.remove("slow")
        #expect(rig.seen() == ["10 a"])
    }

    @Test func changedLossDecidesOnTheRestOfABlock() {
        let rig = StreamRig()
        rig.inject(Self.nth(7), id: "loss")
        rig.send("a")
        rig.change("loss", to: Self.nth(1))
        rig.send("b")
        rig.change("loss", to: Self.nth(9))
        rig.send("c")
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["0 a", "200 bc"])
    }

    @Test func theNthBlockCountsOverAllConnectionsOfTheLink() {
        let rig = StreamRig()
        let injection = rig.inject(Self.nth(2))
        let other = Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: rig.now)
        other.setReady(.forward, true)
        other.received(ByteArray([1]), .forward, at: rig.now)
        #expect(other.nextAction(at: rig.now) != nil)
        rig.send("a")
        #expect(rig.seen() == [])
        #expect(injection.touched == 2 && injection.hits == 1)
        #expect(
            rig.decisions == [
                #"{"kind":"loss","fault":"f1","link":"n1->n2:peer","connection":0,"#
                    + #""direction":"forward","block":0,"losses":1}"#
            ])
    }
}
