import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamBackPressureTests {
    @Test func aStalledReaderStopsTheReadingAtAFewHundredKilobytes() {
        let rig = StreamRig()
        rig.setReady(.forward, false)
        // Without faults the sockets' own buffers are queue enough.
        #expect(!rig.connection.wantsInput(.forward))
        rig.inject(.slowClose(.zero))
        var sent = 0
        while rig.connection.wantsInput(.forward) {
            rig.send([UInt8].pattern(60_000, from: sent))
            sent += 60_000
        }
        #expect((256 << 10)...(256 << 10) + 60_000 ~= sent)
        #expect(rig.connection.wantsInput(.backward))
        rig.setReady(.forward, true)
        #expect(rig.connection.wantsInput(.forward))
        #expect(rig.output() == [UInt8].pattern(sent))
    }

    @Test func withDelayTheLimitHolds() {
        let rig = StreamRig(queueLimit: 1 << 20)
        rig.inject(StreamDelayTests.hundred)
        var sent = 0
        while rig.connection.wantsInput(.forward) {
            rig.send([UInt8].pattern(50_000, from: sent))
            sent += 50_000
        }
        #expect((1 << 20) - 5000...(1 << 20) + 50_000 ~= sent)
        rig.advance(to: 99)
        #expect(!rig.connection.wantsInput(.forward))
        rig.advance(to: 100)
        #expect(rig.connection.wantsInput(.forward))
    }

    @Test func connectionsShareTheMemoryOfTheRun() {
        let network = Network(
            seed: Seed(1), nodes: ["n1", "n2"], queueLimitOfRun: ByteCount(2 << 20))
        network.inject(
            StreamDelayTests.hundred, on: .betweenNodes, id: "f", origin: .control, at: .start)
        let first = Connection<ByteArray>(over: StreamRig.link, in: network, at: .start)
        first.received(ByteArray([UInt8](repeating: 0, count: 600_000)), .forward, at: .start)
        #expect(first.wantsInput(.forward))
        let second = Connection<ByteArray>(over: StreamRig.link, in: network, at: .start)
        #expect(!first.wantsInput(.forward))
        #expect(second.wantsInput(.forward))
        second.closed(at: .start)
        #expect(first.wantsInput(.forward))
    }

    @Test func tinyChunksCountWithWhatTheyCost() {
        let rig = StreamRig(queueLimit: 1 << 20)
        rig.inject(StreamDelayTests.hundred)
        var sent = 0
        while rig.connection.wantsInput(.forward) {
            rig.advance(to: Double(sent) / 1000)
            rig.send([1])
            sent += 1
            if sent > 20_000 { break }
        }
        #expect(sent < 10_000)
    }

    @Test func aCutStopsTheReadingToo() {
        let rig = StreamRig()
        rig.cut([("n1", "n2")], .hold)
        while rig.connection.wantsInput(.forward) { rig.send([UInt8].pattern(50_000)) }
        #expect(rig.connection.counters(.forward).queued < 320_000)
        rig.heal()
        #expect(rig.connection.wantsInput(.forward))
    }

    @Test func aMessageLargerThanTheQueueStillArrives() {
        let rig = StreamRig(framing: .length32)
        rig.inject(.duplicate(.init(.nth(1))))
        let size = 1_000_000
        rig.send([0, 15, 66, 64])
        var sent = 0
        while sent < size {
            #expect(rig.connection.wantsInput(.forward))
            rig.send([UInt8].pattern(50_000, from: sent))
            sent += 50_000
        }
        #expect(rig.output().count == 2 * (size + 4))
    }

    @Test func aMessageOverTheSizeLimitPassesAndTheJournalSaysSo() {
        let rig = StreamRig(framing: .lines, messageLimit: 1000)
        rig.inject(.loss(.init(.plain(.random(.one, correlation: .zero)))))
        rig.send([UInt8](repeating: 65, count: 600))
        #expect(rig.output() == [])
        rig.send([UInt8](repeating: 65, count: 600))
        #expect(rig.output().count == 1200)
        rig.send("b\nlost\n")
        #expect(rig.output().count == 1202)
        #expect(rig.warnings == ["a message over the size limit passes without message faults"])
    }

    @Test func anOversizedMessageIsDelayedLikeOthers() {
        let rig = StreamRig(framing: .length32, messageLimit: 1000)
        rig.inject(StreamDelayTests.hundred)
        rig.send([0, 0, 5, 0])
        rig.advance(to: 40)
        rig.send([UInt8](repeating: 65, count: 5 * 256))
        rig.advance(to: 1000)
        #expect(rig.times() == [100, 140])
    }

    @Test func aFramingThatLostSyncPassesBytesAndTheJournalSaysSo() {
        let rig = StreamRig(framing: .resp)
        rig.inject(.loss(.init(.plain(.nth(2)))))
        rig.send("*1\r\n$4\r\nPING\r\n*x\r\n")
        rig.send("anything\r\n")
        #expect(rig.text() == "*1\r\n$4\r\nPING\r\n*x\r\nanything\r\n")
        #expect(rig.warnings.count == 1)
        #expect(rig.warnings.first?.hasPrefix("resp framing lost: ") == true)
        #expect(rig.warnings.first?.hasSuffix("; bytes pass untouched") == true)
    }
}
