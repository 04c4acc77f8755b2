import ChaosCore
import ChaosEngine
import ChaosScenario
import Testing

/// What is said about packets to who watches a link.
struct PacketMarkTests {
    private final class Watcher: PacketWatcher {
        var lost: [[String]] = []

        func wasLost(_ packet: Packet, at instant: Instant) {
            self.lost.append(packet.marks.map(\.sentence))
        }
    }

    private static func watched(_ faults: String...) throws -> (PacketRig, Watcher) {
        let rig = PacketRig()
        for fault in try FaultText.parse(faults) { try rig.inject(fault) }
        let watcher = Watcher()
        rig.pipeline.watcher = watcher
        return (rig, watcher)
    }

    /// The marks of what arrives.
    private static func arrivals(_ rig: PacketRig) -> [[String]] {
        rig.arrived.map { $0.packet.marks.map(\.sentence) }
    }

    @Test func healthyPacketsHaveNone() throws {
        let (rig, watcher) = (PacketRig(), Watcher())
        rig.pipeline.watcher = watcher
        rig.send("a")
        #expect(Self.arrivals(rig) == [[]] && watcher.lost.isEmpty)
    }

    @Test func lateDoubledAndBroken() throws {
        let (rig, watcher) = try Self.watched("delay=40ms", "duplicate=100%", "corrupt=100%")
        rig.send("abcd")
        rig.run(50)
        let (corrupted, delayed) = (
            "corrupted by f3: corrupt 100%", "delayed 40ms by f1: delay 40ms"
        )
        #expect(
            Self.arrivals(rig) == [
                [corrupted, "duplicated by f2: duplicate 100%", delayed],
                [corrupted, "copied by f2: duplicate 100%", delayed],
            ])
        #expect(watcher.lost.isEmpty)
    }

    @Test func lost() throws {
        let (rig, watcher) = try Self.watched("loss=100%")
        rig.send("a")
        #expect(watcher.lost == [["lost by f1: loss 100%"]] && rig.arrived.isEmpty)
    }

    @Test func sentAhead() throws {
        let (rig, watcher) = try Self.watched("delay=10ms", "reorder=100%")
        rig.send("a")
        #expect(Self.arrivals(rig) == [["reordered by f2: reorder 100%"]])
        #expect(watcher.lost.isEmpty)
    }

    @Test func cutOnItsWay() throws {
        let (rig, watcher) = try Self.watched("delay=10ms")
        rig.send("a")
        rig.cut(.drop)
        rig.run(20)
        #expect(watcher.lost == [["delayed 10ms by f1: delay 10ms", "cut by c2: n1 -> n2, drop"]])
    }

    @Test func tooMuchForARate() throws {
        let (rig, watcher) = try Self.watched("rate=8kbit,burst:100B,limit:200B")
        for _ in 0..<4 { rig.send([UInt8](repeating: 1, count: 100)) }
        rig.run(1000)
        #expect(Self.arrivals(rig).map(\.count) == [0, 1, 1])
        #expect(Self.arrivals(rig)[1][0].hasPrefix("delayed 100ms by f1: rate 8kbit"))
        #expect(watcher.lost.count == 1 && watcher.lost[0][0].hasPrefix("lost by f1: rate 8kbit"))
    }

    /// Nobody pays for marks that nobody reads.
    @Test func unwatched() throws {
        let (rig, _) = try Self.watched("delay=40ms")
        rig.pipeline.watcher = nil
        rig.send("a")
        rig.run(50)
        #expect(Self.arrivals(rig) == [[]])
    }
}
