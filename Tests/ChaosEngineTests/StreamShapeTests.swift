import ChaosCore
import ChaosEngine
import Testing

/// Slicer, coalesce and limit_data: in which pieces bytes leave, and how many.
@Suite struct StreamShapeTests {
    @Test func theSlicerCutsPiecesWithPauses() {
        let rig = StreamRig()
        rig.inject(
            .slicer(
                .init(
                    averageSize: ByteCount(10), sizeVariation: ByteCount(4),
                    delay: .milliseconds(5))))
        rig.send([UInt8].pattern(1000))
        rig.advance(to: 5000)
        let sizes = rig.sizes()
        #expect(rig.output() == [UInt8].pattern(1000))
        #expect(sizes.dropLast().allSatisfy { (6...14).contains($0) })
        #expect(Set(sizes).count > 5)
        #expect((85...115).contains(sizes.count))
        #expect(rig.times() == (0..<sizes.count).map { Double($0 * 5) })
    }

    @Test func withoutVariationAllPiecesAreEqual() {
        let rig = StreamRig()
        rig.inject(.slicer(.init(averageSize: ByteCount(300))))
        rig.send([UInt8].pattern(1000))
        #expect(rig.sizes() == [300, 300, 300, 100])
    }

    @Test(arguments: [1, 7, 100, 5000])
    func thePiecesDoNotDependOnTheReads(_ read: Int) {
        let slicer = Fault.slicer(
            .init(
                averageSize: ByteCount(100), sizeVariation: ByteCount(90), delay: .milliseconds(1)))
        let whole = StreamRig()
        whole.inject(slicer)
        whole.send([UInt8].pattern(5000))
        whole.advance(to: 5000)
        let cut = StreamRig()
        cut.inject(slicer)
        for offset in stride(from: 0, to: 5000, by: read) {
            cut.send([UInt8].pattern(min(read, 5000 - offset), from: offset))
        }
        cut.advance(to: 5000)
        #expect(cut.output() == whole.output())
        #expect(cut.sizesByInstant() == whole.sizesByInstant())
    }

    @Test func aRemovedSlicerLetsTheRestGo() {
        let rig = StreamRig()
        rig.inject(.slicer(.init(averageSize: ByteCount(1), delay: .seconds(1))), id: "slice")
        rig.send("abcdef")
        rig.advance(to: 1500)
        rig.remove("slice")
        #expect(rig.seen() == ["0 a", "1000 b", "1500 cdef"])
    }

    @Test func aChangedSlicerCutsAnew() {
        let rig = StreamRig()
        rig.inject(.slicer(.init(averageSize: ByteCount(1), delay: .seconds(1))), id: "slice")
        rig.send("abcdef")
        rig.change("slice", to: .slicer(.init(averageSize: ByteCount(3), delay: .seconds(1))))
        rig.advance(to: 5000)
        #expect(rig.seen() == ["0 abcd", "1000 ef"])
    }

    @Test func limitDataClosesAfterExactlySoManyBytes() {
        let rig = StreamRig()
        let injection = rig.inject(.limitData(ByteCount(5)))
        rig.send("abc")
        #expect(injection.touched == 1 && injection.hits == 0)
        rig.send("defgh")
        #expect(rig.seen() == ["0 abcde", "0 close"])
        #expect(rig.connection.counters(.forward).discarded == 3)
        #expect(injection.touched == 1 && injection.hits == 1)
    }

    @Test func limitDataClosesWithTheLastByteAndNotWithTheNext() {
        let rig = StreamRig()
        rig.inject(.limitData(ByteCount(3)))
        rig.send("abc")
        #expect(rig.seen() == ["0 abc", "0 close"])
    }

    @Test func aLimitOfZeroClosesOnTheFirstByte() {
        let rig = StreamRig()
        rig.inject(.limitData(ByteCount(0)))
        rig.advance(to: 10)
        rig.send("x", .backward)
        #expect(rig.seen() == [])
        rig.send("a")
        #expect(rig.seen() == ["10 close"])
    }

    @Test func aRaisedLimitCountsOnAndALoweredOneClosesOnTheNextByte() {
        let rig = StreamRig()
        rig.inject(.limitData(ByteCount(10)), id: "limit")
        rig.send("abcdef")
        rig.change("limit", to: .limitData(ByteCount(8)))
        rig.send("g")
        rig.change("limit", to: .limitData(ByteCount(3)))
        #expect(!rig.connection.isOver)
        rig.advance(to: 5)
        rig.send("h")
        #expect(rig.seen() == ["0 abcdefg", "5 close"])
    }

    @Test func aLimitCountsFromWhenItCame() {
        let rig = StreamRig()
        rig.send("before")
        rig.inject(.limitData(ByteCount(3)), id: "limit")
        rig.send("ab")
        rig.remove("limit")
        rig.send("between")
        rig.inject(.limitData(ByteCount(4)))
        rig.send("vwxyz")
        #expect(rig.seen() == ["0 beforeabbetweenvwxy", "0 close"])
    }

    @Test func aLimitLetsTheEndPass() {
        let rig = StreamRig()
        rig.inject(.limitData(ByteCount(3)))
        rig.send("ab")
        rig.end()
        #expect(rig.seen() == ["0 ab", "0 |"])
    }

    @Test func coalesceCollectsIntoOneWrite() {
        let rig = StreamRig()
        rig.inject(.coalesce(hold: .milliseconds(20)))
        rig.send("a")
        rig.advance(to: 10)
        rig.send("b")
        rig.advance(to: 15)
        rig.send("c")
        rig.advance(to: 100)
        rig.send("d")
        rig.advance(to: 500)
        #expect(rig.seen() == ["20 abc", "120 d"])
        #expect(rig.sizes() == [3, 1])
    }

    @Test func coalesceJoinsLargeReadsToo() {
        let rig = StreamRig()
        rig.inject(.coalesce(hold: .milliseconds(20)))
        for number in 0..<4 { rig.send([UInt8].pattern(10_000, from: 10_000 * number)) }
        rig.advance(to: 500)
        #expect(rig.sizes() == [40_000])
        #expect(rig.output() == [UInt8].pattern(40_000))
    }

    @Test func whatWasCollectedIsNotCollectedAgainWhenItLeavesInPieces() {
        let rig = StreamRig()
        rig.inject(.coalesce(hold: .milliseconds(20)))
        rig.inject(.slicer(.init(averageSize: ByteCount(2))))
        rig.send("abcdef")
        rig.advance(to: 500)
        #expect(rig.seen() == ["20 abcdef"])
        #expect(rig.sizes() == [2, 2, 2])
    }

    @Test func theEndOrARemovalFlushesWhatCoalesceHolds() {
        let rig = StreamRig()
        rig.inject(.coalesce(hold: .seconds(10)), id: "hold")
        rig.send("a")
        rig.advance(to: 5)
        rig.remove("hold")
        #expect(rig.seen() == ["5 a"])
        rig.inject(.coalesce(hold: .seconds(10)))
        rig.send("b")
        rig.end()
        #expect(rig.seen() == ["5 ab", "5 |"])
    }
}
