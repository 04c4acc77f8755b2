import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamMatchTests {
    static func message(_ type: String, _ number: Int) -> String {
        #"{"body":{"type":"\#(type)","key":"k\#(number)","msg_id":\#(number)}}"# + "\n"
    }

    static func keys(_ rig: StreamRig, _ direction: Direction = .forward) -> [String] {
        rig.text(direction).split(separator: "\n").map {
            String($0.split(separator: ":\"k", maxSplits: 1).last?.prefix { $0.isNumber } ?? "?")
        }
    }

    static func lossRig(_ match: MessageMatch, _ occurrence: Fault.Occurrence? = nil) -> StreamRig {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .loss(
                .init(.plain(occurrence ?? .random(.one, correlation: .zero)), match: match)))
        for number in 1...6 { rig.send(Self.message(number % 2 == 0 ? "write" : "read", number)) }
        return rig
    }

    @Test func byType() {
        #expect(Self.keys(Self.lossRig(MessageMatch(type: "write"))) == ["1", "3", "5"])
    }

    @Test func byField() {
        let match = MessageMatch(fields: [.init(path: "body.key", value: "k4")])
        #expect(Self.keys(Self.lossRig(match)) == ["1", "2", "3", "5", "6"])
    }

    @Test func byTypeAndField() {
        let match = MessageMatch(type: "read", fields: [.init(path: "body.key", value: "k4")])
        #expect(Self.keys(Self.lossRig(match)) == ["1", "2", "3", "4", "5", "6"])
    }

    @Test func theNthThatMatchesOtherwise() {
        let match = MessageMatch(type: "write", nth: 2)
        #expect(Self.keys(Self.lossRig(match)) == ["1", "2", "3", "5", "6"])
    }

    @Test func theFirstSoMany() {
        let match = MessageMatch(type: "write", first: 2)
        #expect(Self.keys(Self.lossRig(match)) == ["1", "3", "5", "6"])
    }

    @Test func thoseAfterSoMany() {
        let match = MessageMatch(type: "write", after: 2)
        #expect(Self.keys(Self.lossRig(match)) == ["1", "2", "3", "4", "5"])
    }

    @Test func anNthFaultCountsMatchingMessages() {
        let rig = Self.lossRig(MessageMatch(type: "write"), .nth(3))
        #expect(Self.keys(rig) == ["1", "2", "3", "4", "5"])
    }

    @Test func byDirection() {
        let rig = StreamRig(framing: .lines)
        let loss = Fault.loss(
            .init(
                .plain(.random(.one, correlation: .zero)),
                match: MessageMatch(direction: .reply)))
        rig.inject(loss, on: "n1<->n2")
        rig.send(Self.message("read", 1))
        rig.send(Self.message("read_ok", 1), .backward)
        #expect(Self.keys(rig) == ["1"])
        #expect(Self.keys(rig, .backward) == [])
    }

    @Test func aMatchedDelayHoldsBackItsMessagesAndThoseBehind() {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .delay(.init(latency: .milliseconds(70), match: MessageMatch(type: "write"))))
        rig.send(Self.message("read", 1) + Self.message("write", 2) + Self.message("read", 3))
        rig.advance(to: 10)
        rig.end()
        rig.advance(to: 1000)
        #expect(rig.times() == [0, 70])
        #expect(rig.seen().last == "70 |")
        #expect(
            rig.decisions == [
                #"{"kind":"delay","fault":"f1","link":"n1->n2:peer","connection":0,"#
                    + #""direction":"forward","message":1,"delay_us":70000}"#
            ])
    }

    @Test func matchedDuplicatesAndReorderings() {
        let rig = StreamRig(framing: .lines)
        rig.inject(
            .duplicate(
                .init(.random(.one, correlation: .zero), match: MessageMatch(type: "write"))))
        rig.inject(
            .reorder(.init(.random(.one, correlation: .zero), match: MessageMatch(type: "cas"))))
        rig.send(Self.message("cas", 1) + Self.message("write", 2) + Self.message("read", 3))
        #expect(Self.keys(rig) == ["2", "1", "2", "3"])
    }

    @Test func onlyMatchingMessagesAreTouched() {
        let rig = StreamRig(framing: .lines)
        let injection = rig.inject(
            .loss(
                .init(
                    .plain(.random(.zero, correlation: .zero)),
                    match: MessageMatch(type: "write"))))
        for number in 1...6 { rig.send(Self.message(number % 2 == 0 ? "write" : "read", number)) }
        #expect(injection.touched == 3 && injection.hits == 0)
    }
}
