import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamRateTests {
    /// One byte per microsecond.
    static let megabyte = Bandwidth(bitsPerSecond: 8_000_000)

    @Test func aBurstPassesAtOnceAndTheRestAtTheSpeed() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(4096))))
        rig.send([UInt8].pattern(10_096))
        rig.advance(to: 100)
        #expect(rig.sizes() == [4096, 4096, 1904])
        #expect(rig.times() == [0, 4.096, 6])
        #expect(rig.output() == [UInt8].pattern(10_096))
    }

    @Test func aPauseSavesUpABurstAndNoMore() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(4096))))
        rig.send([UInt8].pattern(4096))
        rig.advance(to: 1)
        rig.send([UInt8].pattern(1000))
        rig.send([UInt8].pattern(1000))
        rig.advance(to: 1000)
        rig.send([UInt8].pattern(5096))
        rig.advance(to: 2000)
        #expect(rig.times() == [0, 1, 2, 1000, 1001])
        #expect(rig.sizes() == [4096, 1000, 1000, 4096, 1000])
    }

    @Test(arguments: [9, 1_000_003, 64_000, 999_999_937, 12_345_678_901])
    func theSpeedInTheLongRunIsExact(_ bits: Int64) {
        let bandwidth = Bandwidth(bitsPerSecond: bits)
        let rig = StreamRig()
        rig.inject(.rate(.init(bandwidth, burst: ByteCount(1))))
        rig.inject(.slicer(.init(averageSize: ByteCount(7))))
        let total = 40_000
        rig.send([UInt8].pattern(total))
        rig.advance(to: 1e9)
        let capacity = max(1, bandwidth.bytes(inNanoseconds: 2_000_000))
        let rest = max(0, total - capacity)
        let expected = Double(rest) * 8000 / Double(bits)
        #expect(rig.output().count == total)
        #expect(abs((rig.times().last ?? 0) - expected) < 0.000_003 * max(1, expected / 1e6))
    }

    @Test func aDriverThatWakesUpLateLosesNoBandwidth() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(10_000))))
        rig.send([UInt8].pattern(110_000))
        // The rig looks only every 3 ms instead of when it was asked to.
        var now = Instant.start
        var written = rig.output().count
        while written < 110_000 {
            now = now + .milliseconds(3)
            while let action = rig.connection.nextAction(at: now) {
                if case .write(_, let bytes) = action { written += bytes.count }
            }
        }
        #expect((100...103).contains(Double(now.nanoseconds) / 1e6))
    }

    @Test func connectionsOfALinkShareItsRateFairly() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(1000), limit: ByteCount(1 << 20))))
        let others = (0..<3).map { _ in
            Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: .start)
        }
        for other in others { other.setReady(.forward, true) }
        for other in others {
            other.received(ByteArray([UInt8].pattern(300_000)), .forward, at: .start)
        }
        var written = [0, 0, 0]
        var now = Instant.start
        while now <= Instant(nanoseconds: 300_000_000) {
            for (index, other) in others.enumerated() where other.deadline <= now || now == .start {
                while let action = other.nextAction(at: now) {
                    if case .write(_, let bytes) = action { written[index] += bytes.count }
                }
            }
            now = others.map(\.deadline).min() ?? .never
        }
        #expect((298_000...302_000).contains(written.reduce(0, +)))
        #expect(written.allSatisfy { (97_000...103_000).contains($0) })
    }

    @Test func aRatePerConnectionIsSharedByNone() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(2000), scope: .connection)))
        let other = Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: .start)
        other.setReady(.forward, true)
        other.received(ByteArray([UInt8].pattern(10_000)), .forward, at: .start)
        while other.nextAction(at: .start) != nil {}
        rig.send([UInt8].pattern(10_000))
        rig.advance(to: 7)
        #expect(rig.output().count == 8000)
        rig.advance(to: 8)
        #expect(rig.output().count == 10_000)
    }

    @Test func theLimitBoundsTheQueue() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(2000), limit: ByteCount(5000))))
        rig.send([UInt8].pattern(6000))
        #expect(rig.connection.wantsInput(.forward))
        rig.send([UInt8].pattern(3000))
        #expect(!rig.connection.wantsInput(.forward))
        rig.advance(to: 4.5)
        #expect(rig.connection.wantsInput(.forward))
    }

    @Test func removedRateReleasesEverythingAtOnceInOrder() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte)), id: "rate")
        rig.send([UInt8].pattern(100_000))
        rig.end()
        rig.advance(to: 10)
        rig.remove("rate")
        #expect(rig.output() == [UInt8].pattern(100_000))
        #expect(rig.seen().last == "10 |")
    }

    @Test func removedRateDoesNotShortenADelay() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Self.megabyte)), id: "rate")
        rig.inject(StreamDelayTests.hundred)
        rig.send("a")
        rig.remove("rate")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a"])
    }

    @Test func changedRateHoldsForWhatIsQueued() {
        let rig = StreamRig()
        let slow = Bandwidth(bitsPerSecond: 80)
        rig.inject(.rate(.init(slow, burst: ByteCount(10))), id: "rate")
        rig.send([UInt8].pattern(1000))
        rig.advance(to: 1)
        #expect(rig.output().count == 10)
        rig.change("rate", to: .rate(.init(Self.megabyte, burst: ByteCount(100))))
        rig.advance(to: 2)
        #expect(rig.output().count == 1000)
    }

    @Test func aRateActsBehindTheDelay() {
        let rig = StreamRig()
        rig.inject(StreamDelayTests.hundred)
        rig.inject(.rate(.init(Self.megabyte, burst: ByteCount(2000))))
        rig.send([UInt8].pattern(3000))
        rig.advance(to: 1000)
        #expect(rig.times() == [100, 101])
    }

    @Test func aGigabitRateMovesAGigabit() {
        let rig = StreamRig()
        rig.inject(.rate(.init(Bandwidth(bitsPerSecond: 1_000_000_000))))
        rig.send([UInt8].pattern(500_000))
        rig.advance(to: 100)
        #expect(rig.output().count == 500_000)
        #expect(rig.times().last == 2)
    }
}
