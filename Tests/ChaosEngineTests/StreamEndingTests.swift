import ChaosCore
import ChaosEngine
import Testing

/// slow_close, reset_peer and timeout: faults that end connections.
@Suite struct StreamEndingTests {
    @Test func slowCloseDelaysOnlyTheEnd() {
        let rig = StreamRig()
        let injection = rig.inject(.slowClose(.milliseconds(50)))
        rig.send("a")
        rig.advance(to: 10)
        rig.end()
        rig.end(.backward)
        rig.advance(to: 1000)
        #expect(rig.seen() == ["0 a", "60 |", "60 close"])
        #expect(rig.seen(.backward) == ["10 |", "60 close"])
        #expect(injection.touched == 1 && injection.hits == 1)
    }

    @Test func aChangedSlowCloseStartsAnew() {
        let rig = StreamRig()
        rig.inject(.slowClose(.milliseconds(50)), id: "slow")
        rig.end()
        rig.advance(to: 30)
        rig.change("slow", to: .slowClose(.milliseconds(100)))
        rig.advance(to: 1000)
        #expect(rig.seen() == ["130 |"])
    }

    @Test func aRemovedSlowCloseEndsAtOnce() {
        let rig = StreamRig()
        rig.inject(.slowClose(.seconds(50)), id: "slow")
        rig.end()
        rig.advance(to: 30)
        rig.remove("slow")
        #expect(rig.seen() == ["30 |"])
    }

    @Test func resetPeerStrikesAfterTheFirstData() {
        let rig = StreamRig()
        let injection = rig.inject(.resetPeer(after: .milliseconds(100)))
        rig.advance(to: 1000)
        rig.send("ignored", .backward)
        #expect(!rig.connection.isOver && injection.touched == 0)
        rig.send("a")
        rig.advance(to: 1050)
        rig.send("b")
        #expect(rig.connection.deadline == Instant(nanoseconds: 1_100_000_000))
        rig.advance(to: 2000)
        #expect(rig.seen() == ["1100 reset"])
        #expect(rig.connection.counters(.forward).discarded == 2)
        #expect(injection.touched == 1 && injection.hits == 1)
    }

    @Test func resetPeerStrikesAfterTheEndToo() {
        let rig = StreamRig()
        rig.inject(.resetPeer(after: .milliseconds(100)))
        rig.end()
        rig.advance(to: 2000)
        #expect(rig.seen() == ["100 reset"])
    }

    @Test func resetPeerWithoutTimeStrikesAtOnce() {
        let rig = StreamRig()
        rig.inject(.resetPeer(after: .zero))
        rig.send("a")
        #expect(rig.seen() == ["0 reset"])
    }

    @Test func nothingIsLostWhenResetPeerIsRemovedBeforeItStrikes() {
        let rig = StreamRig()
        rig.inject(.resetPeer(after: .milliseconds(100)), id: "reset")
        rig.send("abc")
        rig.end()
        rig.advance(to: 99)
        rig.remove("reset")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["99 abc", "99 |"])
    }

    @Test func aChangedResetPeerCountsFromTheChange() {
        let rig = StreamRig()
        rig.inject(.resetPeer(after: .milliseconds(100)), id: "reset")
        rig.send("abc")
        rig.advance(to: 50)
        rig.change("reset", to: .resetPeer(after: .milliseconds(200)))
        rig.advance(to: 1000)
        #expect(rig.seen() == ["250 reset"])
    }

    @Test func bytesAlreadyQueuedPassUntilResetPeerHasSeenNewOnes() {
        let rig = StreamRig()
        rig.inject(StreamDelayTests.hundred)
        rig.send("a")
        rig.inject(.resetPeer(after: .milliseconds(500)))
        rig.advance(to: 150)
        rig.send("b")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a", "650 reset"])
    }

    @Test func timeoutSwallowsAndClosesOnceQuiet() {
        let rig = StreamRig()
        let injection = rig.inject(.timeout(after: .milliseconds(400)))
        for number in 0..<10 {
            rig.advance(to: Double(200 * number))
            rig.send("tick")
        }
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["2200 close"])
        #expect(rig.connection.counters(.forward).lost == 40)
        #expect(injection.touched == 1 && injection.hits == 1)
    }

    @Test func timeoutClosesAConnectionThatNeverSentAnything() {
        let rig = StreamRig()
        rig.advance(to: 100)
        rig.inject(.timeout(after: .milliseconds(400)))
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["500 close"])
    }

    @Test func timeoutOfZeroNeverCloses() {
        let rig = StreamRig()
        rig.inject(.timeout(after: .zero))
        rig.send("a")
        rig.end()
        rig.advance(to: 10_000_000)
        #expect(rig.seen() == [])
        #expect(rig.connection.deadline == .never)
    }

    @Test func removingATimeoutThatSwallowedCloses() {
        let rig = StreamRig()
        rig.inject(.timeout(after: .zero), id: "gone")
        rig.send("a")
        rig.advance(to: 10)
        rig.remove("gone")
        #expect(rig.seen() == ["10 close"])
    }

    @Test func removingATimeoutThatSwallowedNothingLosesNothing() {
        let rig = StreamRig()
        rig.inject(StreamDelayTests.hundred)
        rig.send("in flight")
        rig.inject(.timeout(after: .zero), id: "gone")
        rig.advance(to: 500)
        #expect(rig.seen() == [])
        rig.remove("gone")
        rig.send("more")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["500 in flight", "600 more"])
    }

    @Test func aChangedTimeoutCountsFromTheChange() {
        let rig = StreamRig()
        rig.inject(.timeout(after: .milliseconds(400)), id: "quiet")
        rig.send("a")
        rig.advance(to: 300)
        rig.change("quiet", to: .timeout(after: .milliseconds(300)))
        rig.advance(to: 10_000)
        #expect(rig.seen() == ["600 close"])
    }
}
