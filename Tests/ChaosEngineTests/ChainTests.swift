import ChaosCore
import ChaosEngine
import Testing

/// What stages do to a stream, each with the clock in the test's hand. Rates are in thousands of bytes a
/// second, so 100 of them pass 100 bytes in a millisecond.
@Suite("Chain")
struct ChainTests {
    private static func stage(
        _ identity: Int, _ action: Stage.Action, revision: Int = 0, share: Double = 1
    ) -> Stage {
        Stage(
            identity: identity, revision: revision, label: "s\(identity)", share: share,
            action: action)
    }

    private static func delay(_ identity: Int, _ milliseconds: Int64, revision: Int = 0) -> Stage {
        Self.stage(identity, .delay(milliseconds: milliseconds, jitter: 0), revision: revision)
    }

    private func rig(_ stages: Stage...) -> StreamRig { StreamRig(stages: stages) }

    // MARK: - Delay

    @Test("a chunk leaves after its delay, the next one counts from its own arrival")
    func delays() {
        let rig = self.rig(Self.delay(1, 200))
        rig.send("a")
        rig.advance(50)
        rig.send("b")
        rig.advance(1000)
        #expect(rig.seen(.forward) == ["200 a", "250 b"])
    }

    @Test("delays add up, also for what came while others waited")
    func delaysStack() {
        let rig = self.rig(Self.delay(1, 200), Self.delay(2, 200))
        rig.send("a")
        rig.advance(100)
        rig.send("b")
        rig.advance(1000)
        #expect(rig.seen(.forward) == ["400 a", "500 b"])
    }

    @Test("an end waits for the bytes before it, not for a delay of its own")
    func delaysNoEnd() {
        let rig = self.rig(Self.delay(1, 200))
        rig.end()
        #expect(rig.seen(.forward) == ["0 |"])
        let other = self.rig(Self.delay(1, 200))
        other.send("a")
        other.end()
        other.advance(1000)
        #expect(other.seen(.forward) == ["200 a", "200 |"])
    }

    @Test("a negative delay is none, jitter stays within its bounds and keeps the order")
    func jitters() throws {
        let rig = self.rig(Self.delay(1, -50))
        rig.send("a")
        #expect(rig.seen(.forward) == ["0 a"])
        let other = self.rig(Self.stage(1, .delay(milliseconds: 100, jitter: 10)))
        for index in 0..<50 {
            other.send("\(index % 10)")
            other.advance(100)
        }
        other.advance(1000)
        let times = try other.seen(.forward).enumerated().map { index, text in
            try #require(Double(text.split(separator: " ")[0])) - Double(index) * 100
        }
        #expect(times.count == 50)
        #expect(times.allSatisfy { $0 >= 90 && $0 <= 110 })
        #expect(Set(times).count > 5)
    }

    @Test("an update passes on what is under way and counts the rest from its arrival")
    func delayUpdated() {
        let rig = self.rig(Self.delay(1, 5000))
        rig.send("a")
        rig.advance(100)
        rig.send("b")
        rig.advance(100)
        rig.setStages([Self.delay(1, 800, revision: 1)])
        rig.advance(2000)
        #expect(rig.seen(.forward) == ["200 a", "900 b"])
    }

    @Test("taking a delay away passes on all it has at once, in order")
    func delayRemoved() {
        let rig = self.rig(Self.delay(1, 5000))
        for letter in ["a", "b", "c"] {
            rig.send(letter)
            rig.advance(10)
        }
        rig.setStages([])
        #expect(rig.seen(.forward) == ["30 abc"])
        rig.send("d")
        #expect(rig.seen(.forward) == ["30 abcd"])
    }

    @Test("a stage put behind another passes on what is under way there, and no more")
    func stageAdded() {
        let rig = self.rig(Self.delay(1, 500))
        rig.send("a")
        rig.advance(10)
        rig.send("b")
        rig.advance(10)
        rig.setStages([Self.delay(1, 500), Self.stage(2, .pass)])
        rig.advance(1000)
        #expect(rig.seen(.forward) == ["20 a", "510 b"])
    }

    // MARK: - Rate

    @Test("100 000 bytes at 100 KB/s take a second, in pieces of a tenth of one")
    func paces() {
        let rig = self.rig(Self.stage(1, .rate(kilobytes: 100, isShared: false)))
        rig.send([UInt8](repeating: 7, count: 100_000))
        rig.advance(999)
        #expect(rig.output(.forward).count < 100_000)
        rig.advance(1)
        #expect(rig.output(.forward).count == 100_000)
        #expect(rig.sizes(.forward).max() == 10_000)
    }

    @Test("a small chunk waits for as long as it takes to pass")
    func pacesSmall() {
        let rig = self.rig(Self.stage(1, .rate(kilobytes: 1, isShared: false)))
        rig.send("0123456789")
        rig.advance(100)
        #expect(rig.seen(.forward) == ["10 0123456789"])
    }

    @Test("at rate zero nothing passes and nothing closes; taking it away passes on all")
    func stalls() {
        let rig = self.rig(Self.stage(1, .rate(kilobytes: 0, isShared: false)))
        rig.send("hello")
        rig.advance(60_000)
        rig.send("more")
        #expect(rig.seen(.forward) == [])
        rig.setStages([])
        #expect(rig.seen(.forward) == ["60000 hellomore"])
    }

    @Test("a changed rate lets go of the chunk under way")
    func rateUpdated() {
        let rig = self.rig(Self.stage(1, .rate(kilobytes: 1, isShared: false)))
        rig.send([UInt8](repeating: 7, count: 1000))
        rig.advance(250)
        #expect(rig.sizes(.forward) == [100, 100])
        rig.setStages([Self.stage(1, .rate(kilobytes: 2, isShared: false), revision: 1)])
        #expect(rig.sizes(.forward) == [100, 100, 800])
    }

    @Test("connections that share a rate get it once (upstream #613, #190)")
    func shares() {
        let rig = self.rig(Self.stage(1, .rate(kilobytes: 10, isShared: true)))
        let other = rig.another()
        rig.send([UInt8](repeating: 1, count: 5000))
        other.send([UInt8](repeating: 2, count: 5000))
        for _ in 0..<999 {
            rig.advance(1)
            other.advance(1)
        }
        #expect(rig.output(.forward).count + other.output(.forward).count < 10_000)
        #expect(abs(rig.output(.forward).count - other.output(.forward).count) <= 1000)
        rig.advance(1)
        other.advance(1)
        #expect(rig.output(.forward).count + other.output(.forward).count == 10_000)
    }

    // MARK: - Ends

    @Test("an end is passed on later, bytes are not; an update counts anew, removal passes it on")
    func delaysEnds() {
        let rig = self.rig(Self.stage(1, .delayEnd(milliseconds: 100)))
        rig.send("a")
        rig.end()
        rig.advance(60)
        rig.setStages([Self.stage(1, .delayEnd(milliseconds: 100), revision: 1)])
        rig.advance(99)
        #expect(rig.seen(.forward) == ["0 a"])
        rig.advance(1)
        #expect(rig.seen(.forward) == ["0 a", "160 |"])
        let other = self.rig(Self.stage(1, .delayEnd(milliseconds: 100)))
        other.end()
        other.advance(10)
        other.setStages([])
        #expect(other.seen(.forward) == ["10 |"])
    }

    @Test("bytes are swallowed and the connection closes once none came for long enough")
    func swallows() {
        let rig = self.rig(Self.stage(1, .swallow(closeAfterMilliseconds: 400)))
        for _ in 0..<5 {
            rig.send("abc")
            rig.advance(200)
        }
        #expect(rig.seen(.forward) == [])
        rig.advance(199)
        #expect(rig.seen(.forward) == [])
        rig.advance(1)
        #expect(rig.seen(.forward) == ["1200 close"])
        let counters = rig.connection.counters(.forward)
        #expect(counters.lost == 15 && counters.areConserved)
    }

    @Test("swallowing without a time never closes, and an update does not either")
    func swallowsForever() {
        let rig = self.rig(Self.stage(1, .swallow(closeAfterMilliseconds: 0)))
        rig.send("abc")
        rig.advance(1_000_000)
        rig.setStages([Self.stage(1, .swallow(closeAfterMilliseconds: 0), revision: 1)])
        rig.advance(1_000_000)
        #expect(rig.seen(.forward) == [])
        rig.setStages([])
        #expect(rig.seen(.forward) == ["2000000 close"])
    }

    @Test(
        "a stage that is for no connection is neutral, also when it is taken away (upstream #603)")
    func neutral() {
        for action in [
            Stage.Action.swallow(closeAfterMilliseconds: 10), .reset(afterMilliseconds: 0),
            .limit(bytes: 0), .rate(kilobytes: 0, isShared: false),
            .delay(milliseconds: 100, jitter: 0), .delayEnd(milliseconds: 100),
            .drop(probability: 1, correlation: 0),
            .slice(average: 1, variation: 0, pauseMicroseconds: 1000),
        ] {
            let rig = self.rig(Self.stage(1, action, share: 0))
            rig.send("abc")
            rig.advance(100)
            rig.setStages([])
            rig.send("def")
            rig.end()
            rig.send("ghi", .backward)
            rig.end(.backward)
            #expect(rig.seen(.forward).prefix(3) == ["0 abc", "100 def", "100 |"])
            #expect(rig.seen(.backward).prefix(2) == ["100 ghi", "100 |"])
        }
    }

    @Test("a reset comes after the first byte and the time, and an idle connection is left alone")
    func resets() {
        let rig = self.rig(Self.stage(1, .reset(afterMilliseconds: 100)))
        rig.advance(1000)
        rig.send("x", .backward)
        #expect(rig.seen(.forward) == [])
        rig.send("abc")
        rig.advance(99)
        #expect(rig.seen(.forward) == [])
        rig.advance(1)
        #expect(rig.seen(.forward) == ["1100 reset"])
    }

    @Test("an end too is followed by a reset")
    func resetsAfterEnd() {
        let rig = self.rig(Self.stage(1, .reset(afterMilliseconds: 0)))
        rig.end()
        #expect(rig.seen(.forward) == ["0 reset"])
    }

    @Test("a reset that waits can be called off, and nothing is missing then (upstream #760)")
    func resetRemoved() {
        let rig = self.rig(Self.stage(1, .reset(afterMilliseconds: 60_000)))
        rig.send("abc")
        rig.advance(10)
        rig.setStages([])
        rig.send("def")
        rig.advance(100_000)
        #expect(rig.seen(.forward) == ["10 abcdef"])
    }

    // MARK: - Sizes

    @Test("chunks are halved until they are small enough, and nothing is lost")
    func slices() {
        let rig = self.rig(
            Self.stage(1, .slice(average: 10, variation: 0, pauseMicroseconds: 1000)))
        rig.send([UInt8](0..<100))
        rig.advance(1000)
        #expect(rig.output(.forward) == [UInt8](0..<100))
        #expect(rig.sizes(.forward).count == 16)
        #expect(Set(rig.sizes(.forward)).isSubset(of: [6, 7]))
        #expect(rig.seen(.forward)[1].hasPrefix("1 "))
    }

    @Test("with a variation pieces differ, and a slice under way passes on its rest when changed")
    func slicesVaried() {
        let rig = self.rig(
            Self.stage(1, .slice(average: 100, variation: 50, pauseMicroseconds: 10_000)))
        rig.send([UInt8](repeating: 9, count: 3000))
        rig.advance(25)
        #expect(rig.sizes(.forward).count == 3)
        #expect(rig.sizes(.forward).allSatisfy { $0 <= 150 })
        rig.setStages([])
        #expect(rig.output(.forward).count == 3000)
        #expect(rig.sizes(.forward).count == 4)
    }

    @Test("a limit is exact, survives updates, and closes on the next byte when lowered")
    func limits() {
        let rig = self.rig(Self.stage(1, .limit(bytes: 10)))
        rig.send("abcdef")
        rig.setStages([Self.stage(1, .limit(bytes: 10), revision: 1)])
        rig.send("ghijkl")
        #expect(rig.seen(.forward) == ["0 abcdefghij", "0 close"])
        let other = self.rig(Self.stage(1, .limit(bytes: 10)))
        other.send("abcdef")
        other.setStages([Self.stage(1, .limit(bytes: 3), revision: 1)])
        #expect(other.seen(.forward) == ["0 abcdef"])
        other.send("g")
        #expect(other.seen(.forward) == ["0 abcdef", "0 close"])
    }

    @Test("a limit of nothing closes on the first byte, not before", arguments: [0, -5])
    func limitsToNothing(_ bytes: Int64) {
        let rig = self.rig(Self.stage(1, .limit(bytes: bytes)))
        rig.advance(100)
        #expect(rig.seen(.forward) == [])
        rig.send("a")
        #expect(rig.seen(.forward) == ["100 close"])
    }

    @Test("a close waits for what stages behind it still have")
    func closesInOrder() {
        let rig = self.rig(Self.stage(1, .limit(bytes: 3)), Self.delay(2, 100))
        rig.send("abcdef")
        rig.advance(1000)
        #expect(rig.seen(.forward) == ["100 abc", "100 close"])
        #expect(rig.connection.counters(.forward).areConserved)
    }

    // MARK: - Chance

    @Test("which connections a stage is for depends on the seed alone, and no change draws again")
    func drawsOnce() {
        func delayed(_ stages: [Stage], after: [Stage]? = nil) -> [Bool] {
            let first = StreamRig(stages: stages)
            var rigs = [first]
            for _ in 1..<60 { rigs.append(first.another()) }
            if let after { for rig in rigs { rig.setStages(after) } }
            return rigs.map { rig in
                rig.send("a")
                return rig.seen(.forward).isEmpty
            }
        }
        let half = Self.stage(7, .delay(milliseconds: 50, jitter: 0), share: 0.5)
        let alone = delayed([half])
        #expect((15...45).contains(alone.filter { $0 }.count))
        let other = Self.stage(8, .pass)
        #expect(delayed([half, other]) == alone)
        #expect(delayed([other, half]) == alone)
        #expect(delayed([half, other], after: [half]) == alone)
        #expect(delayed([half], after: [half, other]) == alone)
        let changed = Self.stage(
            7, .delay(milliseconds: 70, jitter: 0), revision: 1, share: 0.5)
        #expect(delayed([half], after: [changed]) == alone)
        let more = Self.stage(7, .delay(milliseconds: 50, jitter: 0), revision: 1, share: 0.8)
        let grown = delayed([half], after: [more])
        #expect(zip(alone, grown).allSatisfy { !$0 || $1 })
    }

    @Test("chunks vanish by chance, always or never at its ends")
    func drops() {
        let rig = self.rig(Self.stage(1, .drop(probability: 1, correlation: 0)))
        rig.send("abc")
        rig.end()
        #expect(rig.seen(.forward) == ["0 |"])
        #expect(rig.connection.counters(.forward).lost == 3)
        let other = self.rig(Self.stage(1, .drop(probability: 0.5, correlation: 0)))
        for _ in 0..<200 { other.send("a") }
        #expect((60...140).contains(other.output(.forward).count))
    }

    // MARK: - Together

    @Test("bytes read in one piece move in chunks of 32 KiB")
    func chunks() {
        let rig = self.rig(Self.stage(1, .pass))
        rig.send([UInt8](repeating: 1, count: 100_000))
        #expect(rig.sizes(.forward) == [32768, 32768, 32768, 1696])
    }

    @Test("a reader that stops does not keep stages from changing, and gets all in the end (#558)")
    func stalledReader() {
        let rig = self.rig(Self.delay(1, 100))
        rig.setReady(.forward, false)
        for letter in ["a", "b", "c", "d"] { rig.send(letter) }
        rig.advance(1000)
        rig.setStages([])
        rig.setStages([Self.delay(2, 50)])
        rig.setStages([Self.stage(3, .rate(kilobytes: 1, isShared: false))])
        rig.setStages([])
        #expect(rig.seen(.forward) == [])
        rig.setReady(.forward, true)
        rig.advance(2000)
        #expect(String(decoding: rig.output(.forward), as: UTF8.self) == "abcd")
        #expect(rig.connection.counters(.forward).areConserved)
    }

    @Test("10 000 changes under load account for every byte", arguments: [1, 2, 3] as [UInt64])
    func manyChanges(_ seed: UInt64) {
        var random = Seed(seed).generator
        let rig = self.rig()
        var stages: [Stage] = []
        var identity = 0
        var sent: [UInt8] = []
        for round in 0..<3400 {
            let data = (0..<random.next(below: 3000)).map { UInt8(truncatingIfNeeded: round &+ $0) }
            sent += data
            rig.send(data)
            switch random.next(below: 4) {
            case 0 where !stages.isEmpty: stages.remove(at: random.next(below: stages.count))
            case 1 where !stages.isEmpty:
                let index = random.next(below: stages.count)
                stages[index] = Self.stage(
                    stages[index].identity, self.harmless(&random),
                    revision: stages[index].revision + 1)
            default:
                identity += 1
                if stages.count < 6 { stages.append(Self.stage(identity, self.harmless(&random))) }
            }
            if random.next(below: 5) == 0 { rig.setReady(.forward, random.next(below: 2) == 0) }
            rig.setStages(stages)
            rig.advance(Double(random.next(below: 4)))
            #expect(rig.connection.counters(.forward).areConserved)
        }
        rig.setReady(.forward, true)
        rig.setStages([])
        rig.advance(1)
        #expect(rig.output(.forward) == sent)
    }

    @Test("no values crash a stage, nor do changes from any to any (upstream #541, #770)")
    func extremes() {
        let numbers: [Int64] = [.min, .min + 1, -1, 0, 1, 1000, .max / 2, .max]
        var actions: [Stage.Action] = [.pass]
        for number in numbers {
            actions += [
                .delayEnd(milliseconds: number), .swallow(closeAfterMilliseconds: number),
                .reset(afterMilliseconds: number), .limit(bytes: number),
                .rate(kilobytes: max(0, min(number, .max / 100)), isShared: false),
                .rate(kilobytes: max(0, min(number, .max / 100)), isShared: true),
                .slice(
                    average: Int(max(1, number)), variation: Int(max(1, number)) - 1,
                    pauseMicroseconds: number),
            ]
            for jitter in numbers {
                actions.append(
                    .delay(milliseconds: number, jitter: max(0, min(jitter, .max / 2))))
            }
        }
        for first in actions {
            for second in [
                actions[0], actions[1], actions[4], actions[9], .limit(bytes: .min), first,
            ] {
                let rig = self.rig(Self.stage(1, first))
                rig.send("abcdef")
                rig.advance(5)
                rig.setStages([Self.stage(1, second, revision: 1)])
                rig.send([UInt8](repeating: 1, count: 5000))
                rig.end()
                rig.advance(10)
                rig.setStages([])
                rig.advance(10)
            }
        }
    }

    /// A stage that takes no byte away.
    private func harmless(_ random: inout Generator) -> Stage.Action {
        switch random.next(below: 5) {
        case 0: .pass
        case 1: .delay(milliseconds: Int64(random.next(below: 30)), jitter: 3)
        case 2:
            .rate(kilobytes: Int64(random.next(below: 3000)), isShared: random.next(below: 2) == 0)
        case 3:
            .slice(
                average: 1 + random.next(below: 500), variation: 0,
                pauseMicroseconds: Int64(random.next(below: 200)))
        default: .delayEnd(milliseconds: 10)
        }
    }
}
