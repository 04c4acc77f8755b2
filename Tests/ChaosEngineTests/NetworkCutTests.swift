import ChaosCore
import ChaosEngine
import Testing

/// Every mode of a cut, one way and both, with the connection opened by either side.
@Suite struct NetworkCutTests {
    static let forward: [(NodeName, NodeName)] = [("n1", "n2")]
    static let backward: [(NodeName, NodeName)] = [("n2", "n1")]
    static let both: [(NodeName, NodeName)] = [("n1", "n2"), ("n2", "n1")]
    static let back = StreamRig.link.reversed

    // MARK: - drop and hold

    @Test(arguments: [PartitionMode.drop, .hold])
    func silenceStallsOneWayAndHealDeliversInOrderAtOnce(_ mode: PartitionMode) {
        let rig = StreamRig()
        let cut = rig.cut(Self.forward, mode)
        rig.send("a")
        rig.advance(to: 10)
        rig.send("b")
        rig.send("x", .backward)
        rig.end()
        #expect(rig.seen() == [])
        #expect(rig.seen(.backward) == ["10 x"])
        #expect(rig.connection.deadline == .never)
        rig.advance(to: 50)
        rig.heal()
        #expect(rig.seen() == ["50 ab", "50 |"])
        #expect(cut.touched == 1 && cut.hits == 1)
        #expect(cut.crossedBytes.isEmpty)
    }

    @Test(arguments: [PartitionMode.drop, .hold])
    func silenceOfTheWayBackStallsOnlyThat(_ mode: PartitionMode) {
        let rig = StreamRig()
        rig.cut(Self.backward, mode)
        rig.send("a")
        rig.send("x", .backward)
        #expect(rig.seen() == ["0 a"])
        #expect(rig.seen(.backward) == [])
        rig.heal()
        #expect(rig.seen(.backward) == ["0 x"])
    }

    @Test(arguments: [PartitionMode.drop, .hold])
    func silenceOfBothWaysStallsBothAndCountsTheConnectionOnce(_ mode: PartitionMode) {
        let rig = StreamRig()
        let cut = rig.cut(Self.both, mode)
        rig.send("a")
        rig.send("x", .backward)
        #expect(rig.seen() == [] && rig.seen(.backward) == [])
        #expect(cut.touched == 1 && cut.hits == 1)
        rig.advance(to: 5)
        rig.heal()
        #expect(rig.seen() == ["5 a"])
        #expect(rig.seen(.backward) == ["5 x"])
    }

    @Test func dropMakesTheSenderSideDeafAndHoldDoesNot() {
        let rig = StreamRig()
        rig.cut(Self.forward, .drop)
        #expect(rig.connection.isSilent(.opener) && !rig.connection.isSilent(.listener))
        rig.heal()
        #expect(!rig.connection.isSilent(.opener))
        rig.cut(Self.backward, .drop)
        #expect(!rig.connection.isSilent(.opener) && rig.connection.isSilent(.listener))
        rig.heal()
        rig.cut(Self.both, .drop)
        #expect(rig.connection.isSilent(.opener) && rig.connection.isSilent(.listener))
        rig.heal()
        rig.cut(Self.both, .hold)
        #expect(!rig.connection.isSilent(.opener) && !rig.connection.isSilent(.listener))
    }

    @Test func listenersKeepSilentUnderDropOfEitherWay() {
        let rig = StreamRig()
        for pairs in [Self.forward, Self.backward, Self.both] {
            rig.cut(pairs, .drop)
            #expect(rig.network.listenerPolicy(for: StreamRig.link) == .silent)
            #expect(rig.network.listenerPolicy(for: Self.back) == .silent)
            rig.heal()
        }
        rig.cut(Self.both, .hold)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
    }

    @Test func aResetWaitsForHeal() {
        let rig = StreamRig()
        rig.cut(Self.forward, .drop)
        rig.send("a")
        rig.reset(.opener)
        rig.advance(to: 100)
        #expect(rig.seen() == [])
        rig.heal()
        #expect(rig.seen() == ["100 a", "100 reset"])
    }

    @Test func aResetOfTheOtherSideIsNotCut() {
        let rig = StreamRig()
        rig.cut(Self.forward, .drop)
        rig.send("a")
        rig.reset(.listener)
        #expect(rig.seen(.backward) == ["0 reset"])
    }

    @Test(arguments: [forward, backward, both])
    func faultsThatEndTheConnectionWaitForHeal(_ pairs: [(NodeName, NodeName)]) {
        for fault in [
            Fault.resetPeer(after: .milliseconds(10)), .timeout(after: .milliseconds(10)),
        ] {
            let rig = StreamRig()
            rig.inject(fault)
            rig.send("a")
            rig.cut(pairs, .drop)
            rig.advance(to: 1000)
            #expect(rig.seen() == [])
            rig.heal()
            #expect(rig.connection.isOver)
        }
    }

    @Test func bytesOnTheirWayWhenTheCutComesWaitForHeal() {
        let rig = StreamRig()
        rig.inject(StreamDelayTests.hundred)
        rig.send("a")
        rig.advance(to: 50)
        let cut = rig.cut(Self.forward, .drop)
        rig.advance(to: 500)
        rig.heal()
        #expect(rig.seen() == ["500 a"])
        #expect(cut.crossedBytes.isEmpty)
    }

    // MARK: - reject

    @Test func rejectResetsAndRefusesWhatTheFirstOpened() {
        let rig = StreamRig()
        let cut = rig.cut(Self.forward, .reject)
        #expect(rig.seen() == ["0 reset"])
        #expect(cut.touched == 1 && cut.hits == 1)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .refused)
        #expect(rig.network.listenerPolicy(for: Self.back) == .open)
    }

    @Test func rejectTheOtherWayLeavesTheConnectionAlone() {
        let rig = StreamRig()
        let cut = rig.cut(Self.backward, .reject)
        rig.send("a")
        rig.send("x", .backward)
        #expect(rig.seen() == ["0 a"] && rig.seen(.backward) == ["0 x"])
        #expect(cut.touched == 0 && cut.crossedBytes.isEmpty)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
        #expect(rig.network.listenerPolicy(for: Self.back) == .refused)
    }

    @Test func rejectBothWaysResetsAndRefusesBoth() {
        let rig = StreamRig()
        rig.cut(Self.both, .reject)
        #expect(rig.connection.isOver)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .refused)
        #expect(rig.network.listenerPolicy(for: Self.back) == .refused)
    }

    @Test func rejectResetsAConnectionThatSlippedIn() {
        let rig = StreamRig { network in
            network.cut(
                [DirectedPair("n1", "n2")], text: "", mode: .reject, port: nil, id: "cut",
                origin: .control, at: .start)
        }
        #expect(!rig.connection.passes(1, .forward))
        rig.send("a")
        #expect(rig.seen() == ["0 reset"])
    }

    // MARK: - new-only and established-only

    @Test func newOnlyLeavesEstablishedConnectionsAlone() {
        let rig = StreamRig()
        let cut = rig.cut(Self.both, .newOnly)
        rig.send("a")
        rig.send("x", .backward)
        #expect(rig.seen() == ["0 a"] && rig.seen(.backward) == ["0 x"])
        #expect(cut.touched == 0 && cut.crossedBytes.isEmpty)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .silent)
        rig.network.attemptBlocked(on: StreamRig.link)
        #expect(cut.touched == 1 && cut.hits == 1)
        rig.heal()
        rig.cut(Self.backward, .newOnly)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
    }

    /// Nobody need ask who knocks where the answer would change nothing.
    @Test func attemptsCountAlikeWhereTheyMeetTheSameCuts() {
        let network = Network(seed: Seed(1), nodes: ["n1", "n2", "n3"])
        let links = [Link("n1", "n3", "peer"), Link("n2", "n3", "peer")]
        func cut(_ pairs: [DirectedPair], _ id: String) {
            network.cut(
                pairs, text: "", mode: .drop, port: nil, id: id, origin: .control, at: .start)
        }
        #expect(network.attemptsCountAlike(on: links), "nothing is cut")
        cut([DirectedPair("n1", "n3"), DirectedPair("n2", "n3")], "both")
        #expect(network.attemptsCountAlike(on: links))
        // Its answers are lost, and with them every attempt.
        cut([DirectedPair("n3", "n1")], "answers")
        #expect(!network.attemptsCountAlike(on: links))
        #expect(network.attemptsCountAlike(on: [links[0]]) && network.attemptsCountAlike(on: []))
        cut([DirectedPair("n3", "n2")], "other answers")
        #expect(!network.attemptsCountAlike(on: links), "as many, and others")
    }

    /// That somebody knocked shows that the cuts met somebody, if it does not matter who it was.
    @Test func aProvedAttemptCountsOnceForCutsThatMetNothing() {
        let network = Network(seed: Seed(1), nodes: ["n1", "n2", "n3"])
        let links = [Link("n1", "n3", "peer"), Link("n2", "n3", "peer")]
        func cut(_ pairs: [DirectedPair], _ id: String) -> Cut {
            network.cut(
                pairs, text: "", mode: .drop, port: nil, id: id, origin: .control, at: .start)
        }
        #expect(network.noteAttempt(onOneOf: links), "nobody is in anybody's way")
        let both = cut([DirectedPair("n1", "n3"), DirectedPair("n2", "n3")], "both")
        #expect(network.noteAttempt(onOneOf: links))
        #expect(both.touched == 1 && both.hits == 1)
        #expect(network.noteAttempt(onOneOf: links))
        #expect(both.touched == 1 && both.hits == 1, "it may be the same attempt")
        let answers = cut([DirectedPair("n3", "n1")], "answers")
        #expect(!network.noteAttempt(onOneOf: links), "who it was decides what it met")
        #expect(answers.touched == 0)
        #expect(network.noteAttempt(onOneOf: [links[0]]))
        #expect(answers.touched == 1 && both.touched == 1)
    }

    @Test func newOnlyStallsAConnectionThatSlippedIn() {
        let rig = StreamRig { network in
            network.cut(
                [DirectedPair("n1", "n2")], text: "", mode: .newOnly, port: nil, id: "cut",
                origin: .control, at: .start)
        }
        rig.send("a")
        rig.send("x", .backward)
        #expect(rig.seen() == [] && rig.seen(.backward) == [])
        #expect(rig.connection.isSilent(.opener) && rig.connection.isSilent(.listener))
        rig.heal()
        #expect(rig.seen() == ["0 a"] && rig.seen(.backward) == ["0 x"])
    }

    @Test func establishedOnlyResetsOnceAndLetsNewOnesPass() {
        let rig = StreamRig()
        let cut = rig.cut(Self.forward, .establishedOnly)
        #expect(rig.connection.isOver)
        #expect(cut.touched == 1)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
        let next = Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: rig.now)
        next.setReady(.forward, true)
        next.received(ByteArray([1, 2]), .forward, at: rig.now)
        guard case .write(.forward, let bytes)? = next.nextAction(at: rig.now) else {
            Issue.record("a new connection must pass")
            return
        }
        next.wrote(bytes.count, .forward)
        #expect(cut.crossedBytes.isEmpty && cut.touched == 1)
    }

    @Test func establishedOnlyTheOtherWayLeavesTheConnectionAlone() {
        let rig = StreamRig()
        let cut = rig.cut(Self.backward, .establishedOnly)
        rig.send("a")
        #expect(rig.seen() == ["0 a"] && cut.touched == 0)
    }

    // MARK: - lose

    @Test func loseTakesMessagesAndConnectionsLive() {
        let rig = StreamRig(framing: .lines)
        let cut = rig.cut(Self.forward, .lose)
        rig.send("a\nbb\n")
        rig.send("x\n", .backward)
        #expect(rig.seen() == [] && rig.seen(.backward) == ["0 x\n"])
        #expect(cut.touched == 2 && cut.hits == 2)
        #expect(rig.connection.counters(.forward).lost == 5)
        rig.heal()
        rig.send("c\n")
        rig.end()
        #expect(rig.seen() == ["0 c\n", "0 |"])
        #expect(cut.crossedBytes.isEmpty)
        #expect(
            rig.decisions
                == [2, 3].map { size in
                    #"{"kind":"lose","fault":"cut","link":"n1->n2:peer","connection":0,"#
                        + #""direction":"forward","bytes":\#(size)}"#
                })
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .open)
    }

    @Test func loseNeverTakesHalfAMessage() {
        let rig = StreamRig(framing: .lines)
        rig.send("ab")
        let cut = rig.cut(Self.forward, .lose)
        rig.send("c\nlost\nlo")
        #expect(rig.text() == "abc\n")
        rig.heal()
        rig.send("ng\n")
        #expect(rig.text() == "abc\nlong\n")
        // What crossed belonged to a message that had begun to cross before the cut.
        #expect(cut.crossedBytes.isEmpty)
    }

    /// A connection that ends within a message says no more: what there is of it is lost with the rest.
    @Test func loseTakesWhatTheEndLeavesUnfinished() {
        let rig = StreamRig(framing: .lines)
        let cut = rig.cut(Self.forward, .lose)
        rig.send("a\nb")
        rig.end()
        #expect(rig.seen() == ["0 |"])
        #expect(cut.hits == 2 && cut.crossedBytes.isEmpty)

        let begun = StreamRig(framing: .lines)
        begun.send("a")
        let late = begun.cut(Self.forward, .lose)
        begun.send("b")
        begun.end()
        #expect(begun.text() == "ab")
        #expect(late.hits == 0 && late.crossedBytes.isEmpty)
    }

    @Test func loseTakesWaitingMessagesOneByOne() {
        let rig = StreamRig(framing: .lines)
        rig.setReady(.forward, false)
        rig.send("a\nb\nc\n")
        let cut = rig.cut(Self.forward, .lose)
        #expect(cut.hits == 3)
        rig.heal()
        rig.send("d\ne\n")
        rig.setReady(.forward, true)
        #expect(rig.text() == "d\ne\n")
    }

    @Test func aRateCutsNoMessageThatLoseWouldTakeLater() {
        let rig = StreamRig(framing: .lines)
        rig.setReady(.forward, false)
        rig.send("aaaa\nbbbb\ncccc\n")
        rig.inject(
            .rate(.init(Bandwidth(bitsPerSecond: 80), burst: ByteCount(2))), id: "rate")
        rig.setReady(.forward, true)
        #expect(rig.text() == "aa")
        let cut = rig.cut(Self.forward, .lose)
        rig.advance(to: 10_000)
        #expect(rig.text() == "aaaa\n")
        #expect(cut.hits == 2 && cut.crossedBytes.isEmpty)
    }

    @Test func whatLoseCannotTakeCrossesAndIsCounted() {
        let raw = StreamRig()
        let cut = raw.cut(Self.forward, .lose)
        raw.send("abc")
        #expect(raw.seen() == ["0 abc"])
        #expect(cut.crossedBytes == [StreamRig.link: 3])

        let oversized = StreamRig(framing: .lines, messageLimit: 4)
        let other = oversized.cut(Self.forward, .lose)
        oversized.send("abcdefgh\ni\n")
        #expect(oversized.text() == "abcdefgh\n")
        #expect(other.crossedBytes == [StreamRig.link: 9])
    }

    /// In the lab, where routes keep packets back, `lose` is `drop` to what has no messages.
    @Test func loseDropsWhatHasNoMessagesInTheLab() {
        let rig = StreamRig { $0.dropsWhatHasNoMessages = true }
        rig.inject(StreamDelayTests.hundred)
        rig.send("a")
        rig.advance(to: 50)
        let cut = rig.cut(Self.both, .lose)
        #expect(rig.network.listenerPolicy(for: StreamRig.link) == .silent)
        #expect(rig.connection.isSilent(.opener) && rig.connection.isSilent(.listener))
        rig.advance(to: 500)
        #expect(rig.seen() == [])
        rig.network.attemptBlocked(on: StreamRig.link)
        #expect(cut.hits == 2)
        rig.heal()
        #expect(rig.seen() == ["500 a"])
        #expect(cut.crossedBytes.isEmpty)

        let framed = StreamRig(framing: .lines) { $0.dropsWhatHasNoMessages = true }
        framed.cut(Self.forward, .lose)
        #expect(framed.network.listenerPolicy(for: StreamRig.link) == .open)
        framed.send("a\n")
        framed.heal()
        framed.send("b\n")
        #expect(framed.text() == "b\n")
    }

    @Test func messagesSentBeforeALoseButOnTheirWayVanish() {
        let rig = StreamRig(framing: .lines)
        rig.inject(StreamDelayTests.hundred)
        rig.send("a\n")
        rig.advance(to: 50)
        rig.cut(Self.forward, .lose)
        rig.advance(to: 500)
        rig.heal()
        #expect(rig.seen() == [])
        #expect(rig.connection.counters(.forward).lost == 2)
    }

    // MARK: - Several cuts

    @Test func overlappingCutsHoldUntilTheLastIsHealed() {
        let rig = StreamRig()
        rig.cut(Self.forward, .hold, id: "one")
        rig.cut(Self.both, .drop, id: "two")
        rig.send("a")
        rig.heal("two")
        #expect(rig.seen() == [])
        rig.advance(to: 5)
        rig.heal("one")
        #expect(rig.seen() == ["5 a"])
    }

    @Test func aCutOfOnePortLeavesOthersAlone() {
        let rig = StreamRig()
        rig.cut(Self.both, .drop, port: "client")
        rig.send("a")
        #expect(rig.seen() == ["0 a"])
        rig.heal()
        rig.cut(Self.both, .drop, port: "peer")
        rig.send("b")
        #expect(rig.seen() == ["0 a"])
        #expect(rig.network.listenerPolicy(for: Link("n1", "n2", "client")) == .open)
    }

    @Test func aCutOfOtherNodesLeavesThisConnectionAlone() {
        let rig = StreamRig()
        let cut = rig.cut([("n1", "n3"), ("n3", "n1"), ("n2", "n3")], .reject)
        rig.send("a")
        #expect(rig.seen() == ["0 a"])
        #expect(cut.touched == 0)
    }

    @Test func whatCrossesACutIsCounted() {
        let rig = StreamRig()
        let cut = rig.cut(Self.both, .hold)
        // A driver that writes nevertheless is found out.
        rig.connection.wrote(5, .forward)
        rig.connection.wrote(2, .backward)
        rig.connection.wrote(1, .forward)
        #expect(cut.crossedBytes == [StreamRig.link: 6, Self.back: 2])
    }

    @Test func aConnectionCountsOnceHoweverOftenItLooks() {
        let rig = StreamRig()
        let cut = rig.cut(Self.both, .drop)
        rig.inject(StreamDelayTests.hundred)
        rig.inject(.delay(.init(latency: .zero)))
        #expect(cut.touched == 1)
        let other = Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: rig.now)
        #expect(cut.touched == 2)
        other.closed(at: rig.now)
        _ = Connection<ByteArray>(over: StreamRig.link, in: rig.network, at: rig.now)
        #expect(cut.touched == 3)
    }

    @Test func aCutToggledManyTimesUnderLoadLosesNothing() {
        let rig = StreamRig()
        var sent = 0
        for round in 0..<1000 {
            rig.advance(to: Double(round))
            if round % 2 == 0 { rig.cut(Self.both, .drop) } else { rig.heal() }
            rig.send([UInt8].pattern(10, from: sent))
            sent += 10
        }
        #expect(rig.output() == [UInt8].pattern(10_000))
    }
}
