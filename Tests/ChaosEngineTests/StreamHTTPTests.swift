import ChaosCore
import ChaosEngine
import Testing

/// HTTP/1.1, where what a response is depends on the request it answers.
@Suite struct StreamHTTPTests {
    static let head = "HEAD / HTTP/1.1\r\n\r\n"
    static let get = "GET / HTTP/1.1\r\n\r\n"
    static let headAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    static let getAnswer = headAnswer + "hello"

    /// Counts the responses that the rig's engine finds.
    static func responses(_ rig: StreamRig) -> Int {
        rig.network.state(of: StreamRig.link.reversed).messagesSeen
    }

    @Test func responsesAreReadByTheMethodsOfTheirRequests() {
        let rig = StreamRig(framing: .http1)
        rig.send(Self.head + Self.get)
        rig.send(Self.headAnswer + Self.getAnswer, .backward)
        #expect(Self.responses(rig) == 2)
        #expect(rig.text(.backward) == Self.headAnswer + Self.getAnswer)
        #expect(rig.warnings == [])
    }

    @Test func aLostRequestHasNoResponse() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.loss(.init(.plain(.nth(1)))))
        rig.send(Self.head + Self.get)
        rig.send(Self.getAnswer + Self.getAnswer, .backward)
        #expect(Self.responses(rig) == 2)
        #expect(rig.warnings == [])
    }

    @Test func aDuplicatedRequestHasTwoResponses() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.duplicate(.init(.nth(1))))
        rig.send(Self.head + Self.get)
        #expect(rig.text() == Self.head + Self.head + Self.get)
        rig.send(Self.headAnswer + Self.headAnswer + Self.getAnswer, .backward)
        #expect(Self.responses(rig) == 3)
        #expect(rig.warnings == [])
    }

    @Test func reorderedRequestsAreAnsweredInTheirNewOrder() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.reorder(.init(.nth(1))))
        rig.send(Self.head + Self.get)
        #expect(rig.text() == Self.get + Self.head)
        rig.send(Self.getAnswer + Self.headAnswer + Self.getAnswer, .backward)
        #expect(Self.responses(rig) == 3)
        #expect(rig.warnings == [])
    }

    @Test func aBodyThatIsStillArrivingHasItsMethodKnown() {
        let rig = StreamRig(framing: .http1)
        rig.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        rig.send("HTTP/1.1 100 Continue\r\n\r\n", .backward)
        rig.send("abc" + Self.head)
        rig.send(Self.getAnswer + Self.headAnswer + Self.getAnswer, .backward)
        #expect(Self.responses(rig) == 4)
        #expect(rig.warnings == [])
    }

    @Test func aTunnelPassesUntouched() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.loss(.init(.plain(.nth(3)))), on: "n1<->n2")
        rig.send("GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        rig.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}", .backward)
        rig.send("\u{3}\u{4}\r\n\r\n\u{5}")
        #expect(rig.text().hasSuffix("\u{3}\u{4}\r\n\r\n\u{5}"))
        #expect(rig.text(.backward).hasSuffix("\u{1}\u{2}"))
        #expect(rig.warnings.count == 2)
    }

    @Test func aResponseThatOnlyTheEndFinishesMeetsItsFaults() {
        let rig = StreamRig(framing: .http1)
        rig.inject(.loss(.init(.plain(.nth(1)))), on: "n2->n1")
        rig.send(Self.get)
        rig.send("HTTP/1.1 200 OK\r\n\r\nhello", .backward)
        #expect(rig.text(.backward) == "")
        rig.end(.backward)
        #expect(rig.seen(.backward) == ["0 |"])
        #expect(rig.connection.counters(.backward).lost == 24)
    }

    @Test func anEndlessStreamOfEventsIsDelayedButNotHeld() {
        let rig = StreamRig(framing: .http1)
        rig.inject(StreamDelayTests.hundred, on: "n2->n1")
        rig.inject(.loss(.init(.plain(.nth(5)))), on: "n2->n1")
        rig.send(Self.get)
        rig.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n", .backward)
        rig.advance(to: 50)
        rig.send("data: 2\n\n", .backward)
        rig.advance(to: 1000)
        #expect(rig.times(.backward) == [100, 150])
    }
}
