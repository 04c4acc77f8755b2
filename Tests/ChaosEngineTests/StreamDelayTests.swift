import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamDelayTests {
    static let hundred = Fault.delay(.init(latency: .milliseconds(100)))

    @Test func eachChunkIsLateByTheLatency() {
        let rig = StreamRig()
        rig.inject(Self.hundred)
        rig.send("a")
        rig.advance(to: 30)
        rig.send("b")
        rig.advance(to: 60)
        rig.send("c", .backward)
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a", "130 b"])
        #expect(rig.seen(.backward) == ["60 c"])
    }

    @Test func theEndIsLateToo() {
        let rig = StreamRig()
        rig.inject(Self.hundred)
        rig.send("a")
        rig.advance(to: 10)
        rig.end()
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a", "110 |"])
    }

    @Test func manyChunksAreInFlightAndBandwidthIsNotLimited() {
        let rig = StreamRig()
        rig.inject(Self.hundred)
        // 100 Mbit/s in reads of 1250 bytes, ten per millisecond.
        var sent = 0
        for tick in 0..<2000 {
            rig.advance(to: Double(tick) / 10)
            #expect(rig.connection.wantsInput(.forward))
            rig.send([UInt8].pattern(1250, from: sent))
            sent += 1250
        }
        #expect(rig.connection.counters(.forward).queued >= 1_240_000)
        rig.advance(to: 400)
        #expect(rig.output() == [UInt8].pattern(sent))
        #expect(rig.times().min() == 100 && rig.times().max() == 299.9)
    }

    @Test(arguments: Fault.DistributionName.allCases, [Ratio.zero, Ratio(percent: 60)])
    func jitterNeverComesEarlyNorOutOfOrder(_ name: Fault.DistributionName, _ rho: Ratio) {
        let rig = StreamRig()
        rig.inject(
            .delay(
                .init(
                    latency: .milliseconds(50), jitter: .milliseconds(10), distribution: name,
                    correlation: rho, table: name == .table ? [-8192, 0, 4096, 8192] : [])))
        for tick in 0..<200 {
            rig.advance(to: Double(tick))
            rig.send([UInt8].pattern(1448, from: tick * 1448))
        }
        rig.advance(to: 2000)
        #expect(rig.output() == [UInt8].pattern(200 * 1448))
        // Behind a slow block the next are late as well: the first of each queue shows its delay.
        let earliest = name == .normal ? 10.0 : name == .exponential ? 50 : 35
        var seen = 0
        var delays: [Double] = []
        for (time, size) in zip(rig.times(), rig.sizesByInstant()) {
            delays.append(time - Double(seen / 1448))
            seen += size
        }
        #expect(delays.allSatisfy { $0 >= earliest })
        #expect(Set(delays).count > (name == .table ? 1 : 12))
    }

    @Test func addedDelayLeavesWhatIsQueuedAlone() {
        let rig = StreamRig()
        rig.setReady(.forward, false)
        rig.send("a")
        rig.inject(Self.hundred)
        rig.send("b")
        rig.advance(to: 10)
        rig.setReady(.forward, true)
        rig.advance(to: 1000)
        #expect(rig.seen() == ["10 a", "100 b"])
    }

    @Test func addedDelayHoldsForTheRestOfABlock() {
        let rig = StreamRig()
        rig.send("ab")
        rig.inject(Self.hundred)
        rig.send("cd")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["0 ab", "100 cd"])
    }

    @Test func changedDelayHoldsForNewBytesAndKeepsOrder() {
        let rig = StreamRig()
        rig.inject(Self.hundred, id: "slow")
        rig.send("a")
        rig.advance(to: 10)
        rig.change("slow", to: .delay(.init(latency: .milliseconds(20))))
        rig.send("b")
        rig.advance(to: 95)
        rig.send("c")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 ab", "115 c"])
    }

    @Test func removedDelayReleasesEverythingAtOnceInOrder() {
        let rig = StreamRig()
        rig.inject(Self.hundred, id: "slow")
        rig.send("a")
        rig.advance(to: 10)
        rig.send("b")
        rig.end()
        rig.advance(to: 15)
        rig.remove("slow")
        rig.send("c", .backward)
        #expect(rig.seen() == ["15 ab", "15 |"])
        #expect(rig.seen(.backward) == ["15 c"])
    }

    @Test func theDeadlineIsRightBetweenAChangeAndTheNextAction() {
        let rig = StreamRig()
        rig.inject(Self.hundred, id: "slow")
        rig.send("a")
        #expect(rig.connection.deadline == Instant(nanoseconds: 100_000_000))
        rig.network.removeInjections { _ in true }
        let now = Instant(nanoseconds: 5_000_000)
        rig.connection.networkChanged(at: now)
        #expect(rig.connection.deadline <= now)
    }

    @Test func aDelayOnMessagesIsDrawnPerMessage() {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .delay(.init(latency: .milliseconds(50), jitter: .milliseconds(50))), id: "slow")
        rig.send("1\n2\n3\n4\n")
        rig.advance(to: 1000)
        #expect(rig.text() == "1\n2\n3\n4\n")
        #expect(rig.times().count > 1)
    }

    @Test func aDelayDoesNotWaitForWholeMessages() {
        let rig = StreamRig(framing: .lines)
        rig.inject(Self.hundred)
        rig.send("ab")
        rig.advance(to: 50)
        rig.send("c\nd")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 ab", "150 c\nd"])
    }

    @Test func delaysOfBothDirectionsAddUpToTheRoundTrip() {
        let rig = StreamRig()
        rig.inject(Self.hundred, on: "n1<->n2")
        rig.send("ask")
        rig.advance(to: 100)
        rig.send("answer", .backward)
        rig.advance(to: 500)
        #expect(rig.seen() == ["100 ask"])
        #expect(rig.seen(.backward) == ["200 answer"])
    }
}
