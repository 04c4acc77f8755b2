import ChaosCore
import ChaosEngine
import Testing

/// Faults on messages: loss, duplicate, reorder and their numbers.
@Suite struct StreamMessageTests {
    static func lines(_ range: Range<Int>) -> String { range.map { "\($0)\n" }.joined() }

    static func numbers(_ text: String) -> [Int] {
        text.split(separator: "\n").compactMap { Int($0) }
    }

    @Test func theNthMessageVanishesAndTheFramingStaysWhole() {
        let rig = StreamRig(framing: .lines)
        let injection = rig.inject(.loss(.init(.plain(.nth(3)))))
        rig.send(Self.lines(0..<5))
        #expect(rig.text() == "0\n1\n3\n4\n")
        #expect(rig.connection.counters(.forward).lost == 2)
        #expect(injection.touched == 5 && injection.hits == 1)
        #expect(
            rig.decisions == [
                #"{"kind":"loss","fault":"f1","link":"n1->n2:peer","connection":0,"#
                    + #""direction":"forward","message":2}"#
            ])
    }

    @Test func aMessageInPartsVanishesAsAWhole() {
        let rig = StreamRig(framing: .length16)
        rig.inject(.loss(.init(.plain(.nth(1)))))
        for byte in [0, 3, 65, 66, 67, 0, 1, 68] as [UInt8] { rig.send([byte]) }
        #expect(rig.output() == [0, 1, 68])
    }

    @Test func randomLossTakesItsShare() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.loss(.init(.plain(.random(Ratio(percent: 20), correlation: .zero)))))
        rig.send(Self.lines(0..<5000))
        let kept = Self.numbers(rig.text())
        #expect((3880...4120).contains(kept.count))
        #expect(kept == kept.sorted())
    }

    @Test func correlatedLossComesInBursts() {
        func repeats(_ correlation: Ratio) -> Double {
            let rig = StreamRig(framing: .lines)
            rig.inject(
                .loss(.init(.plain(.random(Ratio(percent: 40), correlation: correlation)))))
            rig.send(Self.lines(0..<5000))
            let kept = Set(Self.numbers(rig.text()))
            let lost = (0..<4999).filter { !kept.contains($0) }
            return Double(lost.filter { !kept.contains($0 + 1) }.count) / Double(lost.count)
        }
        #expect(repeats(Ratio(percent: 90)) > repeats(.zero) + 0.2)
    }

    @Test func gilbertElliottLossComesInBursts() {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .loss(.init(.gilbertElliott(.init(p: Ratio(percent: 1), r: Ratio(percent: 10))))))
        rig.send(Self.lines(0..<20_000))
        let kept = Set(Self.numbers(rig.text()))
        let lost = (0..<19_999).filter { !kept.contains($0) }
        // p/(p + r) = 9 % are lost, in bursts of 1/r = 10 on average.
        #expect((1200...2500).contains(lost.count))
        let bursts = lost.filter { kept.contains($0 + 1) }.count
        #expect((7.0...14).contains(Double(lost.count) / Double(bursts)))
    }

    @Test func duplicatedMessagesArriveTwice() {
        let rig = StreamRig(framing: .lines)
        let injection = rig.inject(.duplicate(.init(.nth(2))))
        rig.send(Self.lines(0..<3))
        #expect(rig.text() == "0\n1\n1\n2\n")
        #expect(rig.connection.counters(.forward).duplicated == 2)
        #expect(injection.touched == 3 && injection.hits == 1)
        rig.remove("f1")
        rig.inject(.duplicate(.init(.random(.one, correlation: .zero))))
        rig.send("x\n")
        #expect(rig.text() == "0\n1\n1\n2\nx\nx\n")
    }

    @Test func aDuplicateIsDelayedLikeTheMessage() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.duplicate(.init(.nth(1))))
        rig.inject(StreamDelayTests.hundred)
        rig.send("a\nb\n")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a\na\nb\n"])
    }

    @Test func faultsThatNeedMessagesDoNothingOnRawStreams() {
        let rig = StreamRig()
        rig.inject(.duplicate(.init(.random(.one, correlation: .zero))))
        rig.inject(.reorder(.init(.random(.one, correlation: .zero))))
        rig.inject(.delay(.init(latency: .seconds(1), match: MessageMatch(type: "x"))))
        rig.send("ab")
        #expect(rig.seen() == ["0 ab"])
    }

    // MARK: - Reordering

    @Test func aHeldMessageIsOvertakenByOne() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(2))))
        rig.send(Self.lines(0..<5))
        #expect(rig.text() == "0\n2\n1\n3\n4\n")
    }

    @Test func aGapSaysByHowManyItIsOvertaken() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(1), gap: 3)))
        rig.send(Self.lines(0..<6))
        #expect(rig.text() == "1\n2\n3\n0\n4\n5\n")
    }

    @Test func aHeldMessageLeavesInTimeWithoutBeingOvertaken() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(1), gap: 3, hold: .milliseconds(40))))
        rig.send("0\n1\n")
        rig.advance(to: 1000)
        #expect(rig.seen() == ["0 1\n", "40 0\n"])
    }

    @Test func withoutAGapOnlyTheTimeCounts() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(1), gap: nil, hold: .milliseconds(40))))
        rig.send(Self.lines(0..<3))
        rig.advance(to: 39)
        rig.send("3\n")
        rig.advance(to: 41)
        rig.send("4\n")
        #expect(rig.text() == "1\n2\n3\n0\n4\n")
    }

    @Test func aHeldMessageIsNeverEarlierThanItsDelay() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(1), gap: nil)))
        rig.inject(StreamDelayTests.hundred)
        rig.send("a\n")
        rig.advance(to: 1)
        rig.end()
        rig.advance(to: 1000)
        #expect(rig.seen() == ["100 a\n", "101 |"])
    }

    @Test func aHeldMessageDoesNotWaitBehindLaterOnesThatAreOnTheirWay() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.delay(.init(latency: .milliseconds(500))))
        rig.inject(.reorder(.init(.nth(1), gap: nil, hold: .milliseconds(20))))
        rig.send("held\n")
        for number in 0..<60 {
            rig.advance(to: Double(number * 10))
            rig.send("\(number)\n")
        }
        rig.advance(to: 5000)
        // 0, 1 and 2 were sent within the 20 ms.
        #expect(rig.text().hasPrefix("0\n1\n2\nheld\n3\n"))
        #expect(rig.seen()[2] == "520 2\nheld\n")
    }

    @Test func theEndReleasesHeldMessagesFirst() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.random(.one, correlation: .zero))))
        rig.send("a\nb\nrest")
        rig.end()
        #expect(rig.seen() == ["0 a\nb\nrest", "0 |"])
    }

    @Test func removedReorderingKeepsWhatItHolds() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.reorder(.init(.nth(1), gap: 2)), id: "order")
        rig.send("0\n")
        rig.remove("order")
        rig.send("1\n2\n3\n")
        #expect(rig.text() == "1\n2\n0\n3\n")
    }

    @Test func aHeldMessageNeverGoesIntoTheMiddleOfOneThatPassesInParts() {
        let rig = StreamRig(framing: .length32, messageLimit: 100)
        rig.inject(.reorder(.init(.nth(1), gap: nil, hold: .milliseconds(10))))
        rig.send([0, 0, 0, 1, 65])
        rig.send([0, 0, 0, 200] + [UInt8](repeating: 66, count: 100))
        rig.advance(to: 50)
        #expect(rig.output().count == 104)
        rig.send([UInt8](repeating: 66, count: 100))
        rig.advance(to: 60)
        #expect(Array(rig.output().suffix(6)) == [66, 0, 0, 0, 1, 65])
    }

    // MARK: - Combinations

    @Test func aLostMessageIsNotDuplicatedButCounts() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.loss(.init(.plain(.nth(1)))))
        let twice = rig.inject(.duplicate(.init(.nth(1))))
        let again = rig.inject(.corrupt(.init(.nth(2))))
        rig.send("aaaa\nbbbb\n")
        #expect(rig.connection.counters(.forward).duplicated == 0)
        #expect(twice.hits == 0 && twice.touched == 2)
        #expect(again.hits == 1)
        #expect(rig.output().count == 5)
    }

    @Test func aFaultThatComesInTheMiddleOfAMessageBeginsWithTheNext() {
        let rig = StreamRig(framing: .lines)
        rig.send("ab")
        rig.inject(.loss(.init(.plain(.random(.one, correlation: .zero)))))
        rig.send("c\nd\n")
        #expect(rig.text() == "abc\n")
    }

    @Test func aFaultThatGoesInTheMiddleOfAMessageLosesNothing() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.loss(.init(.plain(.nth(9)))), id: "loss")
        rig.send("ab")
        #expect(rig.text() == "")
        rig.remove("loss")
        rig.send("c\nd")
        #expect(rig.text() == "abc\nd")
    }

    @Test func theUnfinishedRestPassesAtTheEnd() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.loss(.init(.plain(.nth(9)))))
        rig.send("rest")
        rig.end()
        #expect(rig.seen() == ["0 rest", "0 |"])
    }

    @Test func theObserverSeesEachWholeMessageOnce() {
        var seen: [String] = []
        let rig = StreamRig(framing: .lines)
        rig.network.messageObserver = { link, view in
            seen.append("\(link) \(String(decoding: view.bytes, as: UTF8.self))")
        }
        rig.send("a\nb")
        rig.send("c\n")
        #expect(seen == ["n1->n2:peer a\n", "n1->n2:peer bc\n"])
        #expect(rig.text() == "a\nbc\n")
        #expect(rig.network.state(of: StreamRig.link).messagesSeen == 2)
    }
}
