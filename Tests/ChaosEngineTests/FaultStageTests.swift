import ChaosCore
import ChaosEngine
import Testing

/// Faults of links as stages of a chain.
@Suite("Fault stage")
struct FaultStageTests {
    private static func stage(
        _ identity: Int, _ fault: Fault, _ framing: Framing = .none, revision: Int = 0,
        share: Double = 1
    ) -> Stage {
        Stage(
            identity: identity, revision: revision, label: "s\(identity)", share: share,
            action: .fault(fault, framing: framing))
    }

    @Test("messages are dropped whole, and those of another type are left alone")
    func drops() {
        let drop = Fault.loss(
            Fault.Loss(
                .plain(.random(.one, correlation: .zero)), match: MessageMatch(type: "SET")))
        let rig = StreamRig(stages: [Self.stage(1, drop, .resp)])
        let get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
        let set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
        rig.send(get + set.prefix(9))
        rig.send(set.dropFirst(9) + get)
        #expect(rig.text() == get + get)
        #expect(rig.connection.counters(.forward).lost == set.utf8.count)
    }

    @Test("messages come twice, and each copy is counted")
    func duplicates() {
        let twice = Fault.duplicate(Fault.MessageFault(.random(.one, correlation: .zero)))
        let rig = StreamRig(stages: [Self.stage(1, twice, .lines)])
        rig.send("one\ntw")
        rig.send("o\n")
        #expect(rig.text() == "one\none\ntwo\ntwo\n")
        #expect(rig.connection.counters(.forward).duplicated == 8)
    }

    @Test("a message waits for one that overtakes it, or for its time")
    func reorders() {
        let reorder = Fault.reorder(
            Fault.Reorder(.nth(1), gap: 1, hold: .milliseconds(100)))
        let rig = StreamRig(stages: [Self.stage(1, reorder, .lines)])
        rig.send("a\n")
        rig.advance(10)
        rig.send("b\nc\n")
        #expect(rig.seen() == ["10 b\na\nc\n"])
        let alone = StreamRig(stages: [Self.stage(1, reorder, .lines)])
        alone.send("a\n")
        alone.advance(1000)
        #expect(alone.seen() == ["100 a\n"])
    }

    @Test("two faults of a kind act one after the other")
    func stack() {
        func delay(_ identity: Int) -> Stage {
            Self.stage(identity, .delay(Fault.Delay(latency: .milliseconds(100))))
        }
        let rig = StreamRig(stages: [delay(1), delay(2)])
        rig.send("a")
        rig.end()
        rig.advance(1000)
        #expect(rig.seen() == ["200 a", "200 |"])
    }

    @Test("loss is late by retransmission, and no byte is missing")
    func loses() {
        let first = Fault.loss(Fault.Loss(.plain(.nth(1))))
        let rig = StreamRig(stages: [Self.stage(1, first)])
        rig.send("a")
        rig.advance(100)
        #expect(rig.seen() == [])
        rig.advance(1000)
        #expect(rig.text() == "a")
    }

    @Test("taken away, or no longer for a connection, it lets go at once all it has, in order")
    func removed() {
        let hold = Fault.delay(Fault.Delay(latency: .seconds(60)))
        let rig = StreamRig(stages: [Self.stage(1, hold)])
        rig.send("a")
        rig.advance(5)
        rig.send("b")
        rig.setStages([])
        #expect(rig.seen() == ["5 ab"])
        let other = StreamRig(stages: [Self.stage(1, hold)])
        other.send("a")
        other.setStages([Self.stage(1, hold, revision: 1, share: 0)])
        #expect(other.text() == "a")
        other.send("b")
        #expect(other.text() == "ab")
        other.setStages([Self.stage(1, hold, revision: 2)])
        other.send("c")
        #expect(other.text() == "ab")
        // Another way to tell messages apart lets go what the old one kept.
        let partial = StreamRig(stages: [
            Self.stage(1, .duplicate(Fault.MessageFault(.random(.one, correlation: .zero))), .lines)
        ])
        partial.send("half")
        #expect(partial.text() == "")
        partial.setStages([
            Self.stage(
                1, .duplicate(Fault.MessageFault(.random(.one, correlation: .zero))), .length16,
                revision: 1)
        ])
        partial.send([0, 1, 7])
        #expect(partial.output() == Array("half".utf8) + [0, 1, 7, 0, 1, 7])
    }

    @Test("framing that is lost is told, by the link that it happened on")
    func warns() {
        let twice = Fault.duplicate(Fault.MessageFault(.random(.one, correlation: .zero)))
        let rig = StreamRig(stages: [Self.stage(1, twice, .resp)])
        rig.send("*x\r\n")
        #expect(rig.text() == "*x\r\n")
        #expect(rig.warnings.count == 1)
        #expect(rig.journal.last { $0.event == "warning" }?.details["link"] == "n1->n2:peer")
    }

    @Test("bytes are conserved through random stages that come and go", arguments: 0..<40)
    func conserves(_ seed: UInt64) {
        var random = Seed(seed).generator
        let rig = StreamRig(stages: [])
        let half = Fault.Occurrence.random(Ratio(billionths: 500_000_000), correlation: .zero)
        let faults: [(Fault, Framing)] = [
            (.loss(Fault.Loss(.plain(half))), .lines),
            (.duplicate(Fault.MessageFault(half)), .lines),
            (.reorder(Fault.Reorder(half)), .lines),
            (.delay(Fault.Delay(latency: .milliseconds(30), jitter: .milliseconds(20))), .none),
            (.corrupt(Fault.Corrupt(half)), .lines),
            (.loss(Fault.Loss(.plain(half))), .none),
        ]
        var stages: [Stage] = []
        for step in 0..<200 {
            switch random.next(below: 8) {
            case 0 where stages.count < 4:
                let (fault, framing) = faults[random.next(below: faults.count)]
                stages.append(Self.stage(step, fault, framing))
                rig.setStages(stages)
            case 1 where !stages.isEmpty:
                stages.remove(at: random.next(below: stages.count))
                rig.setStages(stages)
            case 2: rig.setReady(.forward, random.next(below: 3) > 0)
            case 3: rig.advance(Double(random.next(below: 40)))
            default:
                let size = random.next(below: 40)
                rig.send((0..<size).map { _ in random.next(below: 6) == 0 ? 10 : 97 })
            }
        }
        // The rig checks after each step; in the end nothing waits.
        rig.setReady(.forward, true)
        rig.setStages([])
        rig.advance(10)
        #expect(rig.connection.counters(.forward).queued == 0)
    }
}
