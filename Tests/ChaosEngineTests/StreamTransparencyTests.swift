import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamTransparencyTests {
    @Test func bytesPassAtOnceInOrderBothWays() {
        let rig = StreamRig()
        rig.send("ab")
        rig.send("cd")
        rig.send("xy", .backward)
        #expect(rig.seen() == ["0 abcd"])
        #expect(rig.seen(.backward) == ["0 xy"])
        #expect(rig.connection.counters(.forward).written == 4)
        #expect(rig.connection.deadline == .never)
    }

    @Test func withoutFaultsBytesPassWithoutALook() {
        let rig = StreamRig()
        #expect(rig.connection.isTransparent(.forward))
        #expect(rig.connection.passes(10, .forward))
        #expect(rig.connection.counters(.forward).received == 10)
        #expect(rig.connection.counters(.forward).written == 10)
        rig.inject(.delay(.init(latency: .milliseconds(5))))
        #expect(!rig.connection.passes(10, .forward))
        #expect(rig.connection.passes(10, .backward))
        #expect(rig.connection.counters(.forward).received == 10)
    }

    @Test func bytesDoNotPassByThoseThatWait() {
        let rig = StreamRig()
        rig.inject(.delay(.init(latency: .milliseconds(5))), id: "slow")
        rig.send("a")
        rig.setReady(.forward, false)
        rig.remove("slow")
        #expect(!rig.connection.passes(1, .forward))
        rig.send("b")
        rig.setReady(.forward, true)
        #expect(rig.seen() == ["0 ab"])
    }

    @Test func theEndOfOneDirectionLeavesTheOtherOpen() {
        let rig = StreamRig()
        rig.send("ask")
        rig.end()
        #expect(!rig.connection.wantsInput(.forward))
        rig.advance(to: 10)
        rig.send("answer", .backward)
        rig.end(.backward)
        #expect(rig.seen() == ["0 ask", "0 |", "10 close"])
        #expect(rig.seen(.backward) == ["10 answer", "10 |", "10 close"])
        #expect(rig.connection.isOver)
    }

    @Test func theEndWaitsForASocketThatIsNotThereYet() {
        let rig = StreamRig()
        rig.setReady(.forward, false)
        rig.send("a")
        rig.end()
        #expect(rig.seen() == [])
        rig.advance(to: 3)
        rig.setReady(.forward, true)
        #expect(rig.seen() == ["3 a", "3 |"])
    }

    @Test func aResetArrivesAsResetBehindTheBytesBeforeIt() {
        let rig = StreamRig()
        rig.setReady(.forward, false)
        rig.send("last words")
        rig.send("lost", .backward)
        rig.reset(.opener)
        #expect(rig.seen(.backward) == ["0 lost"])
        rig.setReady(.forward, true)
        #expect(rig.seen() == ["0 last words", "0 reset"])
    }

    @Test func whatWasOnItsWayToAResetLegIsGivenUp() {
        let rig = StreamRig()
        rig.setReady(.backward, false)
        rig.send("for nobody", .backward)
        rig.reset(.opener)
        #expect(rig.seen(.backward) == ["0 reset"])
        #expect(rig.connection.counters(.backward).discarded == 10)
    }

    @Test func aFailedDialResetsTheOpener() {
        let rig = StreamRig()
        rig.setReady(.forward, false)
        rig.send("hello?")
        rig.reset(.listener)
        #expect(rig.seen() == ["0 reset"])
        #expect(rig.connection.counters(.forward).discarded == 6)
    }

    @Test func aResetBehindAnEndStillResets() {
        let rig = StreamRig()
        rig.end()
        rig.advance(to: 1)
        rig.reset(.opener)
        #expect(rig.seen() == ["0 |", "1 reset"])
    }

    @Test func aDelayedResetBehindAnEndIsNoClose() {
        let rig = StreamRig()
        rig.end()
        rig.inject(.delay(.init(latency: .milliseconds(20))))
        rig.reset(.opener)
        rig.advance(to: 100)
        #expect(rig.seen() == ["0 |", "20 reset"])
    }

    @Test func bytesOfAConnectionThatIsOverAreCountedAsDiscarded() {
        let rig = StreamRig()
        rig.reset(.opener)
        rig.send("late")
        rig.send("late too", .backward)
        #expect(rig.connection.counters(.forward).discarded == 4)
        #expect(rig.connection.counters(.backward).discarded == 8)
        #expect(rig.connection.nextAction(at: rig.now) == nil)
        #expect(!rig.connection.wantsInput(.forward))
    }

    @Test func aFramingNobodyNeedsDoesNotHoldUnfinishedMessages() {
        for framing in Framing.allCases {
            let rig = StreamRig(framing: framing)
            rig.send([0x24, 0x33])
            #expect(rig.output() == [0x24, 0x33], "\(framing)")
        }
    }

    @Test func theJournalTellsOpeningAndClosing() {
        let rig = StreamRig()
        rig.send("abc")
        rig.end()
        rig.end(.backward)
        rig.connection.closed(at: rig.now)
        let entries = rig.journal + rig.network.takeJournal()
        #expect(
            entries.map { JSONValue.object($0.details).text } == [
                #"{"state":"opened","link":"n1->n2:peer","connection":0}"#,
                #"{"state":"closed","link":"n1->n2:peer","connection":0,"#
                    + #""forward":{"received":3,"written":3},"#
                    + #""backward":{"received":0,"written":0}}"#,
            ])
        #expect(rig.network.state(of: StreamRig.link).connectionsOpen == 0)
        #expect(rig.network.state(of: StreamRig.link).connectionsOpened == 1)
        #expect(rig.network.state(of: StreamRig.link).bytesDelivered == 3)
    }
}
