import ChaosCore
import ChaosEngine
import Testing

/// What a tracer is told of messages.
@Suite struct MessageTraceTests {
    /// A rig with a list of what its tracer is told: `0 sent 0`, time in milliseconds, then the ordinal.
    private final class TracedRig {
        let rig: StreamRig
        private(set) var steps: [String] = []

        init(limit: Int = 100, prepare: (StreamRig) -> Void = { _ in }) {
            self.rig = StreamRig(framing: .lines)
            self.rig.network.messageTracer = MessageTracer(limit: limit) { step in
                let word =
                    switch step.event {
                    case .sent(let view): "sent \(view.bytes.count)B"
                    case .left: "left"
                    case .lost(let injection): "lost to \(injection)"
                    }
                self.steps.append("\(step.at.nanoseconds / 1_000_000) \(word) #\(step.message)")
            }
            prepare(self.rig)
        }
    }

    @Test func aMessageIsSentAndLeavesWhenItsDelayIsOver() {
        let traced = TracedRig { $0.inject(.delay(.init(latency: .milliseconds(20)))) }
        traced.rig.send("a\nbc\n")
        traced.rig.advance(20)
        #expect(
            traced.steps == ["0 sent 2B #0", "0 sent 3B #1", "20 left #0", "20 left #1"])
        #expect(traced.rig.text() == "a\nbc\n")
    }

    @Test func whatTookAMessageAwayIsNamed() {
        let traced = TracedRig {
            $0.inject(.loss(.init(.plain(.nth(1)))))
            $0.cut([("n1", "n2")], .lose, id: "p1")
        }
        traced.rig.send("a\nb\n")
        traced.rig.heal("p1")
        traced.rig.send("c\n")
        #expect(
            traced.steps == [
                "0 sent 2B #0", "0 lost to f1 #0", "0 sent 2B #1", "0 lost to p1 #1",
                "0 sent 2B #2", "0 left #2",
            ])
    }

    @Test func aDuplicateLeavesTwiceAndAReorderedOneLater() {
        let twice = TracedRig { $0.inject(.duplicate(.init(.nth(1)))) }
        twice.rig.send("a\n")
        #expect(twice.steps == ["0 sent 2B #0", "0 left #0", "0 left #0"])
    }

    @Test func messagesThatAreJoinedStayApartForTheTracer() {
        let traced = TracedRig { $0.inject(.coalesce(hold: .milliseconds(10))) }
        traced.rig.send("a\n")
        traced.rig.advance(5)
        traced.rig.send("b\n")
        traced.rig.advance(5)
        #expect(
            traced.steps == ["0 sent 2B #0", "5 sent 2B #1", "10 left #0", "10 left #1"])
    }

    @Test func noMoreThanTheLimitAreTakenAndThoseToTheirEnd() {
        let traced = TracedRig(limit: 2) { $0.inject(.delay(.init(latency: .milliseconds(1)))) }
        traced.rig.send("a\nb\nc\n")
        traced.rig.advance(1)
        #expect(traced.steps == ["0 sent 2B #0", "0 sent 2B #1", "1 left #0", "1 left #1"])
        #expect(traced.rig.text() == "a\nb\nc\n")
    }

    @Test func whatACutHoldsBackLeavesWhenItIsHealed() {
        let traced = TracedRig()
        traced.rig.cut([("n1", "n2")], .hold)
        traced.rig.send("a\n")
        traced.rig.advance(50)
        traced.rig.heal()
        #expect(traced.steps == ["0 sent 2B #0", "50 left #0"])
    }
}
