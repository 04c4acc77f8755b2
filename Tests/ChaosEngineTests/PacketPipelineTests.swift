import ChaosCore
import ChaosEngine
import Testing

@Suite("Packets of one link")
struct PacketPipelineTests {
    private func milliseconds(_ latency: Int, jitter: Int = 0) -> Fault {
        .delay(Fault.Delay(latency: .milliseconds(latency), jitter: .milliseconds(jitter)))
    }

    private func plain(_ percent: Int) -> Fault.Occurrence {
        .random(Ratio(percent: percent), correlation: .zero)
    }

    // MARK: - Without faults

    @Test func passesEverythingAtOnce() {
        let rig = PacketRig()
        rig.send("a")
        rig.run(1)
        rig.send("")
        #expect(rig.seen == ["0 a", "1 "])
        #expect(rig.pipeline.counters.received.packets == 2)
        #expect(rig.pipeline.counters.sent.bytes == 1)
        #expect(rig.pipeline.link.bytesDelivered == 1)
        #expect(rig.pipeline.link.messagesSeen == 2)
    }

    @Test func countsWithoutMakingPacketsWhereNothingConcernsTheLink() throws {
        let rig = PacketRig()
        #expect(rig.pipeline.passes(10, of: rig.flow, .forward, at: .start))
        #expect(rig.flow.counters(.forward).written == 10)
        let fault = try rig.inject(.loss(Fault.Loss(.plain(.nth(2)))))
        #expect(!rig.pipeline.passes(10, of: rig.flow, .forward, at: .start))
        rig.network.removeInjections { $0 === fault }
        #expect(rig.pipeline.passes(10, of: rig.flow, .forward, at: .start))
        rig.cut(.drop)
        #expect(!rig.pipeline.passes(10, of: rig.flow, .forward, at: .start))
        #expect(rig.pipeline.counters.areConserved)
    }

    // MARK: - Delay

    @Test func delaysEachPacketAndKeepsTheOrder() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(100))
        rig.send("a")
        rig.run(30)
        rig.send("b")
        rig.run(200)
        #expect(rig.seen == ["100 a", "130 b"])
    }

    @Test func lateDriversDoNotAddUp() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(10))
        try rig.inject(.rate(Fault.Rate(Bandwidth(bitsPerSecond: 8000), burst: ByteCount(1))))
        // 1000 bytes a second: each packet of 100 bytes takes 100 ms, the bucket holds 2 ms of it.
        rig.send([UInt8](repeating: 97, count: 100))
        rig.send([UInt8](repeating: 98, count: 100))
        rig.sleep(250)
        #expect(rig.arrived.map(\.at.nanoseconds) == [250_000_000, 250_000_000])
        let other = PacketRig()
        try other.inject(self.milliseconds(10))
        try other.inject(.rate(Fault.Rate(Bandwidth(bitsPerSecond: 8000), burst: ByteCount(1))))
        other.send([UInt8](repeating: 97, count: 100))
        other.send([UInt8](repeating: 98, count: 100))
        other.run(250)
        #expect(other.arrived.map(\.at.nanoseconds) == [108_000_000, 208_000_000])
    }

    @Test func jitterLetsPacketsOvertake() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(50, jitter: 50))
        for number in 0..<20 { rig.send("\(number)") }
        rig.run(200)
        #expect(rig.texts.count == 20)
        #expect(rig.texts != (0..<20).map(String.init))
        #expect(rig.arrived.allSatisfy { $0.at.nanoseconds <= 100_000_000 })
    }

    /// The mean and the spread of the delays that netem's distributions have, by `DelayDistribution`.
    @Test(arguments: [
        (Fault.DistributionName.uniform, 50.0, 10 / 3.0.squareRoot()), (.normal, 49.99, 10),
        (.pareto, 49.67, 8.2), (.paretonormal, 49.75, 8.3), (.exponential, 60, 10),
    ])
    func delaysAreSpreadAsAsked(
        distribution: Fault.DistributionName, mean: Double, deviation: Double
    ) throws {
        let rig = PacketRig(seed: 11)
        try rig.inject(
            .delay(
                Fault.Delay(
                    latency: .milliseconds(50), jitter: .milliseconds(10),
                    distribution: distribution)))
        let count = 20_000
        for _ in 0..<count { rig.send([1]) }
        rig.run(1000)
        let delays = rig.arrived.map { Double($0.at.nanoseconds) / 1e6 }
        try #require(delays.count == count)
        let found = delays.reduce(0, +) / Double(count)
        let spread = (delays.reduce(0) { $0 + ($1 - found) * ($1 - found) } / Double(count))
            .squareRoot()
        // Four standard errors of the mean, and a twentieth of the spread.
        #expect(abs(found - mean) < 4 * deviation / Double(count).squareRoot())
        #expect(abs(spread - deviation) < deviation / 20)
    }

    @Test func takingTheDelayAwayReleasesWhatWaits() throws {
        let rig = PacketRig()
        let fault = try rig.inject(self.milliseconds(100))
        rig.send("a")
        rig.run(10)
        rig.send("b")
        rig.network.removeInjections { $0 === fault }
        rig.look()
        rig.run(5)
        rig.send("c")
        #expect(rig.seen == ["10 a", "10 b", "15 c"])
    }

    // MARK: - Loss, duplicates, corruption

    @Test func losesTheNthPacket() throws {
        let rig = PacketRig()
        let fault = try rig.inject(.loss(Fault.Loss(.plain(.nth(3)))))
        for text in ["a", "b", "c", "d"] { rig.send(text) }
        #expect(rig.texts == ["a", "b", "d"])
        #expect(rig.decisions(.loss) == [2])
        #expect(fault.touched == 4 && fault.hits == 1)
        #expect(rig.flow.counters(.forward).lost == 1)
    }

    /// 100 000 packets: the share that is lost is within four standard deviations of the asked one, and
    /// a seed loses the same number for ever.
    @Test(arguments: [(1, 979), (10, 9926), (50, 49_934), (90, 90_042)])
    func losesTheAskedShare(percent: Int, exactly: Int) throws {
        let rig = PacketRig(seed: 7)
        try rig.inject(.loss(Fault.Loss(.plain(self.plain(percent)))))
        for _ in 0..<100_000 { rig.send([1]) }
        let share = Double(percent) / 100
        let lost = Double(rig.pipeline.counters.lost.packets)
        let deviation = (100_000 * share * (1 - share)).squareRoot()
        #expect(abs(lost - 100_000 * share) < 4 * deviation)
        #expect(rig.pipeline.counters.lost.packets == exactly)
        #expect(rig.pipeline.counters.areConserved)
    }

    @Test func losesInBursts() throws {
        let rig = PacketRig(seed: 3)
        let model = Fault.GilbertElliott(p: Ratio(percent: 2), r: Ratio(percent: 10))
        try rig.inject(.loss(Fault.Loss(.gilbertElliott(model))))
        for number in 0..<50_000 { rig.send("\(number)") }
        let lost = rig.decisions(.loss)
        // p/(p + r) of all packets, in stays of 1/r.
        #expect(abs(Double(lost.count) / 50_000 - 1.0 / 6) < 0.02)
        let bursts = zip(lost, lost.dropFirst()).filter { $1 != $0 + 1 }.count + 1
        #expect(abs(Double(lost.count) / Double(bursts) - 10) < 1)
    }

    @Test func correlatedLossFollowsItself() throws {
        let rig = PacketRig(seed: 5)
        let half = Fault.Occurrence.random(Ratio(percent: 50), correlation: Ratio(percent: 75))
        try rig.inject(.loss(Fault.Loss(.plain(half))))
        for _ in 0..<50_000 { rig.send([1]) }
        let lost = Set(rig.decisions(.loss))
        let again = lost.filter { lost.contains($0 + 1) }.count
        #expect(abs(Double(lost.count) / 50_000 - 0.5) < 0.02)
        // Without correlation half of them would be followed by another loss.
        #expect(Double(again) / Double(lost.count) > 0.7)
    }

    @Test func duplicatesArriveRightBehind() throws {
        let rig = PacketRig()
        let fault = try rig.inject(.duplicate(Fault.MessageFault(.nth(2))))
        try rig.inject(self.milliseconds(5))
        for text in ["a", "b", "c"] { rig.send(text) }
        rig.run(10)
        #expect(rig.seen == ["5 a", "5 b", "5 b", "5 c"])
        #expect(fault.hits == 1)
        #expect(rig.pipeline.counters.duplicated.packets == 1)
        #expect(rig.pipeline.counters.areConserved)
    }

    @Test func lostPacketsAreNotDuplicated() throws {
        let rig = PacketRig()
        try rig.inject(.loss(Fault.Loss(.plain(.nth(1)))))
        let duplicate = try rig.inject(.duplicate(Fault.MessageFault(self.plain(100))))
        rig.send("a")
        rig.send("b")
        #expect(rig.texts == ["b", "b"])
        #expect(duplicate.touched == 2 && duplicate.hits == 1)
    }

    @Test(arguments: [1, 2, 5])
    func flipsExactlyTheAskedBits(bits: Int) throws {
        let rig = PacketRig()
        try rig.inject(.corrupt(Fault.Corrupt(.nth(1), bits: bits)))
        rig.send([UInt8](repeating: 0, count: 100))
        rig.send([0])
        let flipped = rig.arrived.map { entry in
            (entry.packet.content as? TestPacket)?.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
        }
        #expect(flipped == [bits, 0])
    }

    @Test func anEmptyPacketHasNothingToCorrupt() throws {
        let rig = PacketRig()
        let fault = try rig.inject(.corrupt(Fault.Corrupt(self.plain(100))))
        rig.send("")
        #expect(rig.seen == ["0 "])
        #expect(fault.touched == 1 && fault.hits == 0)
    }

    @Test func matchesCountPacketsOfADirection() throws {
        let rig = PacketRig()
        let match = MessageMatch(direction: .request, after: 1)
        try rig.inject(.loss(Fault.Loss(.plain(self.plain(100)), match: match)))
        rig.send("a")
        rig.send("b")
        #expect(rig.texts == ["a"])
    }

    // MARK: - Reordering

    /// As netem has it: every third packet at most goes ahead of those that are delayed.
    @Test func withADelayReorderedPacketsGoAhead() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(10))
        let fault = try rig.inject(.reorder(Fault.Reorder(self.plain(100), gap: 3)))
        for text in ["a", "b", "c", "d", "e", "f"] { rig.send(text) }
        rig.run(20)
        #expect(rig.seen == ["0 c", "0 f", "10 a", "10 b", "10 d", "10 e"])
        #expect(fault.hits == 2)
    }

    @Test func withoutADelayReorderedPacketsAreOvertaken() throws {
        let rig = PacketRig()
        try rig.inject(.reorder(Fault.Reorder(.nth(1), gap: 2, hold: .milliseconds(50))))
        for text in ["a", "b", "c", "d"] { rig.send(text) }
        #expect(rig.texts == ["b", "c", "a", "d"])
    }

    @Test func nobodyIsHeldForLongerThanAsked() throws {
        let rig = PacketRig()
        try rig.inject(.reorder(Fault.Reorder(.nth(1), gap: 2, hold: .milliseconds(50))))
        rig.send("a")
        rig.run(100)
        #expect(rig.seen == ["50 a"])
    }

    // MARK: - Rate

    @Test func rateSpacesPackets() throws {
        let rig = PacketRig()
        // 100 kB/s; the bucket holds 1000 bytes.
        try rig.inject(
            .rate(Fault.Rate(Bandwidth(bitsPerSecond: 800_000), burst: ByteCount(1000))))
        for _ in 0..<3 { rig.send([UInt8](repeating: 0, count: 1000)) }
        rig.run(100)
        #expect(rig.arrived.map(\.at.nanoseconds) == [0, 10_000_000, 20_000_000])
    }

    @Test func theQueueOfARateIsLimitedAndItsTailIsLost() throws {
        let rig = PacketRig()
        let fault = try rig.inject(
            .rate(
                Fault.Rate(
                    Bandwidth(bitsPerSecond: 800_000), burst: ByteCount(1000),
                    limit: ByteCount(2000))))
        for _ in 0..<6 { rig.send([UInt8](repeating: 0, count: 1000)) }
        rig.run(100)
        // One at once, two wait, three find no room.
        #expect(rig.arrived.map(\.at.nanoseconds) == [0, 10_000_000, 20_000_000])
        #expect(rig.pipeline.counters.lost.packets == 3)
        #expect(fault.touched == 6 && fault.hits == 5)
        #expect(rig.pipeline.counters.areConserved)
    }

    @Test func withoutALimitAThousandPacketsWait() throws {
        let rig = PacketRig()
        try rig.inject(.rate(Fault.Rate(Bandwidth(bitsPerSecond: 8), burst: ByteCount(1))))
        for _ in 0..<1500 { rig.send([0, 0, 0, 0, 0, 0, 0, 0]) }
        #expect(rig.pipeline.counters.queued.packets == 1000)
        #expect(rig.pipeline.counters.lost.packets == 500)
    }

    @Test func aRateForConnectionsIsEachFlowsOwn() throws {
        let rig = PacketRig()
        try rig.inject(
            .rate(
                Fault.Rate(
                    Bandwidth(bitsPerSecond: 800_000), burst: ByteCount(1000), scope: .connection)))
        let first = rig.flow
        let second = rig.openFlow()
        for flow in [first, second, first, second] {
            rig.send([UInt8](repeating: 0, count: 1000), of: flow)
        }
        rig.run(100)
        #expect(rig.arrived.map(\.at.nanoseconds) == [0, 0, 10_000_000, 10_000_000])
    }

    // MARK: - Cuts

    @Test(arguments: [PartitionMode.drop, .lose, .reject])
    func aCutTakesPacketsAway(mode: PartitionMode) {
        let rig = PacketRig()
        rig.send("a")
        let cut = rig.cut(mode)
        rig.send("b")
        rig.run(1)
        rig.heal()
        rig.send("c")
        #expect(rig.texts == ["a", "c"])
        #expect(cut.touched == 1 && cut.hits == 1)
        #expect(cut.crossedBytes.isEmpty)
    }

    @Test func aCutTakesAwayWhatIsOnItsWay() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(10))
        rig.send("a")
        rig.run(5)
        let cut = rig.cut(.drop)
        rig.run(10)
        #expect(rig.texts.isEmpty)
        #expect(cut.touched == 1)
    }

    @Test func aCutOfTheOtherWayIsNone() {
        let rig = PacketRig()
        rig.cut(.drop, [DirectedPair("n2", "n1")])
        rig.send("a")
        #expect(rig.texts == ["a"])
    }

    @Test func holdKeepsPacketsInOrderUntilHealed() {
        let rig = PacketRig()
        let cut = rig.cut(.hold)
        rig.send("a")
        rig.run(3)
        rig.send("b")
        #expect(rig.texts.isEmpty)
        #expect(cut.touched == 2)
        rig.heal()
        rig.send("c")
        #expect(rig.seen == ["3 a", "3 b", "3 c"])
        #expect(rig.pipeline.counters.areConserved)
    }

    @Test func holdKeepsNoMoreThanTheLimit() {
        let rig = PacketRig(queueLimit: 2000)
        rig.cut(.hold)
        for _ in 0..<10 { rig.send([UInt8](repeating: 0, count: 244)) }
        #expect(rig.pipeline.counters.queued.packets == 4)
        #expect(rig.pipeline.counters.discarded.packets == 6)
        #expect(rig.journal.filter { $0.event == "warning" }.count == 1)
    }

    @Test func newOnlyStopsFlowsThatCameLater() {
        let rig = PacketRig()
        let old = rig.flow
        let cut = rig.cut(.newOnly)
        let new = rig.openFlow()
        rig.send("old", of: old)
        rig.send("new", of: new)
        #expect(rig.texts == ["old"])
        #expect(cut.touched == 1)
    }

    @Test func establishedOnlyEndsFlowsThatWereThere() {
        let rig = PacketRig()
        let old = rig.flow
        let cut = rig.cut(.establishedOnly)
        #expect(old.isCutOff)
        let new = rig.openFlow()
        #expect(!new.isCutOff)
        rig.send("old", of: old)
        rig.send("new", of: new)
        #expect(rig.texts == ["new"])
        #expect(cut.touched == 1)
    }

    /// The evidence is not the pipeline's word: a driver that sends in spite of a cut is found out.
    @Test(arguments: [PartitionMode.drop, .lose, .hold, .reject, .newOnly])
    func whatCrossesACutIsCounted(mode: PartitionMode) {
        let rig = PacketRig()
        let cut = rig.cut(mode)
        let flow = rig.openFlow()
        rig.pipeline.sent(7, of: flow)
        rig.pipeline.sent(0, of: flow)
        #expect(cut.crossedBytes == [PacketRig.link: 8])
    }

    // MARK: - Decisions

    private func lost(seed: UInt64, others: [Fault] = []) throws -> [Int64] {
        let rig = PacketRig(seed: seed)
        try rig.inject(.loss(Fault.Loss(.plain(self.plain(20)))))
        for fault in others { try rig.inject(fault) }
        for number in 0..<500 { rig.send("\(number)") }
        return rig.decisions(.loss)
    }

    @Test func theSameSeedDecidesTheSame() throws {
        #expect(try self.lost(seed: 4) == self.lost(seed: 4))
        #expect(try self.lost(seed: 4) != self.lost(seed: 5))
    }

    @Test func anotherFaultShiftsNoDraws() throws {
        let others: [Fault] = [
            .duplicate(Fault.MessageFault(self.plain(50))), self.milliseconds(10, jitter: 10),
            .corrupt(Fault.Corrupt(self.plain(50))),
        ]
        #expect(try self.lost(seed: 4) == self.lost(seed: 4, others: others))
    }

    @Test func closingAFlowGivesUpWhatWaitsOfIt() throws {
        let rig = PacketRig()
        try rig.inject(self.milliseconds(10))
        rig.send("a")
        #expect(rig.flow.packetsQueued == 1)
        rig.flow.close(at: rig.now)
        rig.run(20)
        #expect(rig.texts.isEmpty)
        #expect(rig.pipeline.counters.discarded.packets == 1)
        #expect(rig.pipeline.counters.areConserved)
        let closed = rig.journal.last { $0.event == "connection" }
        #expect(closed?.details["forward"]?.text == #"{"received":1,"written":0,"discarded":1}"#)
    }
}
