import ChaosCore
import ChaosEngine
import Testing

/// ack_loss: the request is delivered, its reply is not, and the connection is reset.
@Suite struct StreamAckLossTests {
    static func request(_ id: Int) -> String { #"{"body":{"type":"w","msg_id":\#(id)}}"# + "\n" }

    static func reply(_ id: Int) -> String { #"{"body":{"in_reply_to":\#(id)}}"# + "\n" }

    @Test func theReplyIsKnownByItsNumber() {
        let rig = StreamRig(framing: .lines)
        let injection = rig.inject(.ackLoss(.init(.nth(2))))
        rig.send(Self.request(11) + Self.request(12) + Self.request(13))
        rig.send(Self.reply(13) + Self.reply(11), .backward)
        #expect(!rig.connection.isOver)
        rig.send(Self.reply(12) + Self.reply(14), .backward)
        #expect(rig.text() == Self.request(11) + Self.request(12) + Self.request(13))
        #expect(rig.seen(.backward) == ["0 " + Self.reply(13) + Self.reply(11), "0 reset"])
        #expect(rig.connection.counters(.backward).lost == Self.reply(12).utf8.count)
        #expect(injection.touched == 3 && injection.hits == 1)
    }

    @Test func elsewhereRepliesComeInOrder() {
        let rig = StreamRig(framing: .resp)
        rig.inject(.ackLoss(.init(.nth(2))))
        rig.send("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINCR\r\n")
        // What the server pushes answers nothing.
        rig.send("+PONG\r\n>1\r\n+news\r\n:1\r\n", .backward)
        #expect(rig.seen(.backward) == ["0 +PONG\r\n>1\r\n+news\r\n", "0 reset"])
    }

    @Test func requestsThatWereLostOrSentTwiceShiftTheOrderOfReplies() {
        let rig = StreamRig(framing: .resp)
        rig.inject(.ackLoss(.init(.nth(3))))
        rig.inject(.loss(.init(.plain(.nth(1)))))
        rig.inject(.duplicate(.init(.nth(2))))
        rig.send("*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n")
        #expect(rig.text() == "*1\r\n$1\r\nB\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n")
        rig.send("+b\r\n", .backward)
        rig.send("+b\r\n", .backward)
        rig.send("+c\r\n", .backward)
        #expect(rig.seen(.backward) == ["0 +b\r\n+b\r\n", "0 reset"])
    }

    @Test func reorderedRequestsAreAnsweredInTheirNewOrder() {
        let rig = StreamRig(framing: .resp)
        rig.inject(.ackLoss(.init(.nth(1))))
        rig.inject(.reorder(.init(.nth(1))))
        rig.send("*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n")
        rig.send("+b\r\n+a\r\n", .backward)
        #expect(rig.seen(.backward) == ["0 +b\r\n", "0 reset"])
    }

    @Test func coalescedRequestsKeepTheirNumbers() {
        let rig = StreamRig(framing: .resp)
        rig.inject(.ackLoss(.init(.nth(2))))
        rig.inject(.coalesce(hold: .milliseconds(10)))
        for name in ["A", "B", "C"] { rig.send("*1\r\n$1\r\n\(name)\r\n") }
        rig.advance(to: 20)
        #expect(rig.sizes().count == 1)
        rig.send("+a\r\n+b\r\n", .backward)
        #expect(rig.seen(.backward) == ["20 +a\r\n", "20 reset"])
    }

    @Test func theResetComesBehindEarlierRepliesThatAreStillOnTheirWay() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.ackLoss(.init(.nth(2))))
        rig.inject(StreamDelayTests.hundred, on: "n2->n1")
        rig.send(Self.request(1) + Self.request(2))
        rig.send(Self.reply(1), .backward)
        rig.advance(to: 10)
        rig.send(Self.reply(2), .backward)
        #expect(!rig.connection.wantsInput(.backward))
        rig.advance(to: 1000)
        #expect(rig.seen(.backward) == ["100 " + Self.reply(1), "110 reset"])
    }

    @Test func httpRepliesComeInOrderAndInterimOnesDoNotCount() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.ackLoss(.init(.nth(1))))
        rig.send("PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
        rig.send("HTTP/1.1 102 Processing\r\n\r\n", .backward)
        #expect(rig.text(.backward) == "HTTP/1.1 102 Processing\r\n\r\n")
        rig.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .backward)
        #expect(rig.seen(.backward).last == "0 reset")
        #expect(rig.text() == "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
    }

    @Test func withoutAReplyNothingIsReset() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.ackLoss(.init(.nth(1))))
        rig.send(Self.request(1))
        rig.end()
        rig.end(.backward)
        #expect(rig.seen(.backward) == ["0 |", "0 close"])
    }

    @Test func onlyRequestsLoseTheirReplies() {
        let rig = StreamRig(framing: .lines)
        let injection = rig.inject(
            .ackLoss(.init(.random(.one, correlation: .zero))), on: "n2->n1")
        rig.send(Self.reply(1), .backward)
        rig.send(Self.reply(1))
        #expect(!rig.connection.isOver && injection.touched == 0)
    }

    @Test func aRemovedAckLossStillTakesTheReplyItDecidedOn() {
        let rig = StreamRig(framing: .lines)
        rig.inject(.ackLoss(.init(.nth(1))), id: "ack")
        rig.send(Self.request(1))
        rig.remove("ack")
        rig.send(Self.reply(1), .backward)
        #expect(rig.seen(.backward) == ["0 reset"])
    }
}
