import ChaosCore
import ChaosEngine
import Testing

/// Which fault holds on a link, and faults of listeners.
@Suite struct NetworkFaultTests {
    static func delay(_ milliseconds: Int) -> Fault {
        .delay(.init(latency: .milliseconds(milliseconds)))
    }

    /// How late a byte is after these faults came in this order.
    static func lateness(_ faults: [(String, Int)]) -> [String] {
        let rig = StreamRig()
        for (links, milliseconds) in faults { rig.inject(Self.delay(milliseconds), on: links) }
        rig.send("a")
        rig.advance(to: 1000)
        return rig.seen()
    }

    @Test func exactBeatsGlob() {
        #expect(Self.lateness([("n1->n2", 10), ("*->*", 20)]) == ["10 a"])
        #expect(Self.lateness([("*->*", 20), ("n1->n2", 10)]) == ["10 a"])
        #expect(Self.lateness([("n1->n2", 10), ("*->*:peer", 20)]) == ["10 a"])
    }

    @Test func aNamedPortBeatsNone() {
        #expect(Self.lateness([("n1->n2:peer", 10), ("n1->n2", 20)]) == ["10 a"])
        #expect(Self.lateness([("*->n2:peer", 10), ("*->n2", 20)]) == ["10 a"])
    }

    @Test func theLaterBeatsTheEarlier() {
        #expect(Self.lateness([("n1->n2", 10), ("n1<->n2", 20)]) == ["20 a"])
        #expect(Self.lateness([("*->n2", 10), ("n?->*", 20)]) == ["20 a"])
    }

    @Test func otherLinksAreLeftAlone() {
        #expect(Self.lateness([("n2->n1", 10), ("n1->n3", 20), ("n1->n2:client", 30)]) == ["0 a"])
    }

    @Test func whoWinsIsSeenAndALoserTakesOver() {
        let rig = StreamRig()
        rig.inject(Self.delay(10), on: "*->*", id: "glob")
        rig.inject(Self.delay(20), id: "exact")
        let state = rig.network.state(of: StreamRig.link)
        #expect(state.winningInjections.map(\.id) == ["exact"])
        #expect(rig.network.activeInjections.map(\.id) == ["glob", "exact"])
        rig.remove("exact")
        #expect(state.winningInjections.map(\.id) == ["glob"])
        rig.send("a")
        rig.advance(to: 100)
        #expect(rig.seen() == ["10 a"])
    }

    @Test func aFaultThatWasBeatenForAWhileCountsOn() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.loss(.init(.plain(.nth(3)))), on: "*->*", id: "third")
        rig.send("1\n2\n")
        rig.inject(.loss(.init(.plain(.nth(100)))), id: "other")
        rig.send("a\nb\nc\nd\n")
        rig.remove("other")
        rig.send("3\n4\n")
        #expect(rig.text() == "1\n2\na\nb\nc\nd\n4\n")
    }

    @Test func theNthCountsFromInjection() {
        let rig = StreamRig(framing: .lines)
        rig.send("1\n2\n3\n")
        rig.inject(.loss(.init(.plain(.nth(1)))))
        rig.send("4\n5\n")
        #expect(rig.text() == "1\n2\n3\n5\n")
    }

    @Test func faultsOfDifferentKindsCombine() {
        let rig = StreamRig(framing: .lines)
        rig.inject(Self.delay(10), on: "*->*")
        rig.inject(.loss(.init(.plain(.nth(1)))), on: "n1->n2")
        rig.inject(.duplicate(.init(.nth(2))), on: "n1->n2:peer")
        rig.send("a\nb\nc\n")
        rig.advance(to: 100)
        #expect(rig.seen() == ["10 b\nb\nc\n"])
    }

    @Test func linksThatComeLaterHaveTheFaultsAndCutsThatAreActive() {
        let rig = StreamRig()
        rig.inject(Self.delay(10), on: "*->*")
        rig.cut([("n3", "n1")], .drop)
        let state = rig.network.state(of: Link("n3", "n1", "client"))
        #expect(state.winningInjections.count == 1)
        #expect(state.isCut)
        #expect(!rig.network.state(of: Link("n3", "n2", "client")).isCut)
    }

    // MARK: - Listeners

    @Test func acceptDelayIsCountedPerConnection() {
        let rig = StreamRig()
        #expect(rig.network.acceptDelay(of: StreamRig.link) == .zero)
        let injection = rig.inject(.acceptDelay(.milliseconds(300)))
        #expect(rig.network.acceptDelay(of: StreamRig.link) == .milliseconds(300))
        #expect(rig.network.acceptDelay(of: StreamRig.link.reversed) == .zero)
        #expect(injection.touched == 1 && injection.hits == 1)
        rig.send("a")
        #expect(rig.seen() == ["0 a"])
    }

    @Test func refuseClosesTheListenerAndLeavesConnectionsAlone() {
        let rig = StreamRig()
        let injection = rig.inject(.refuse, id: "no")
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .refused)
        #expect(rig.network.listenerPolicy(for: StreamRig.link.reversed) == .open)
        rig.send("a")
        #expect(rig.seen() == ["0 a"])
        rig.network.attemptBlocked(on: StreamRig.link)
        #expect(injection.touched == 1 && injection.hits == 1)
        rig.remove("no")
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
        rig.network.attemptBlocked(on: StreamRig.link)
        #expect(injection.touched == 1)
    }

    @Test func anAttemptCountsForWhatBlockedIt() {
        let rig = StreamRig()
        let refuse = rig.inject(.refuse)
        let held = rig.cut([("n1", "n2")], .hold, id: "held")
        let rejected = rig.cut([("n2", "n1")], .reject, id: "rejected")
        let once = rig.cut([("n1", "n2")], .establishedOnly, id: "once")
        let counted = (held.touched, once.touched)
        let dropped = rig.cut([("n2", "n1")], .drop, id: "dropped")
        let before = dropped.touched
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .silent)
        rig.network.attemptBlocked(on: StreamRig.link)
        #expect(dropped.touched == before + 1)
        #expect(refuse.touched == 0 && rejected.touched == 0)
        #expect((held.touched, once.touched) == counted)
    }

    @Test func lossNeedsNoDelayToKnowItsRoundTrip() {
        let rig = StreamRig(framing: .none)
        rig.inject(.delay(.init(latency: .milliseconds(40))), on: "n2->n1")
        rig.inject(.loss(.init(.plain(.nth(1)))))
        rig.send([UInt8].pattern(4 * 1448))
        rig.advance(to: 1000)
        #expect(rig.times() == [40])
    }
}
