import ChaosCore
import ChaosEngine
import FuzzTargets
import Testing

@Suite("HTTP/1.1 framing")
struct FramingHTTP1Tests {
    private static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    private static let post = "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\nhello"
    private static let chunked =
        "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"
        + "5;name=\"v\"\r\nhello\r\n00A \r\n0123\r\n\r\n89\r\n0\r\nTrailer: x\r\n\r\n"

    @Test func pipelinedRequestsArePartedWhateverTheirBodies() {
        #expect(
            Framer.pieces(
                .http1, .requests, of: Self.get + Self.post + Self.chunked + Self.get + "GET")
                == [
                    .message(Self.get), .message(Self.post), .message(Self.chunked),
                    .message(Self.get), .unfinished("GET"),
                ])
    }

    @Test func emptyLinesAndBareNewlinesAreAccepted() {
        let sloppy = "\r\n\nGET / HTTP/1.0\nA: b\n\n"
        #expect(
            Framer.pieces(.http1, .requests, of: Self.post + sloppy + Self.get)
                == [.message(Self.post), .message(sloppy), .message(Self.get)])
    }

    @Test func responsesAreFramedByWhatTheyAnswer() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
        let stream = [
            head,  // to HEAD: no body
            head + "body",
            "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103\r\nLink: x\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            head + "rest",
        ]
        #expect(
            Framer.pieces(
                .http1, .responses, of: stream.joined(),
                requests: ["HEAD", "GET", "PUT", "GET", "DELETE"])
                == stream.map { .message($0) })
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nTransfer-Encoding: identity\r\n\r\n",
    ])
    func aResponseWithoutALengthLastsUntilTheEnd(head: String) {
        if head.contains("chunked, gzip") {
            #expect(
                Framer.reason(.http1, .responses, head) == "'chunked' is the last transfer coding")
        } else {
            #expect(
                Framer.pieces(.http1, .responses, of: head + "body\r\nHTTP/1.1 200 OK\r\n\r\n")
                    == [.message(head + "body\r\nHTTP/1.1 200 OK\r\n\r\n")])
            #expect(Framer.pieces(.http1, .responses, of: head) == [.message(head)])
        }
    }

    @Test func aBodyThatEndsEarlyIsUnfinished() {
        #expect(
            Framer.pieces(.http1, .requests, of: String(Self.post.dropLast()))
                == [.unfinished(String(Self.post.dropLast()))])
    }

    @Test func behindConnectAndUpgradeNothingIsFramed() {
        let connect = "CONNECT h:1 HTTP/1.1\r\n\r\n"
        #expect(
            Framer.pieces(.http1, .requests, of: connect + Self.get)
                == [.message(connect), .rest(Self.get)])
        #expect(Framer.reason(.http1, .requests, connect) == "CONNECT opens a tunnel")
        let switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
        #expect(
            Framer.pieces(.http1, .responses, of: switching + "\u{1}x")
                == [.message(switching), .rest("\u{1}x")])
        #expect(
            Framer.reason(.http1, .responses, switching)
                == "status 101 switches to another protocol")
        let established = "HTTP/1.1 200 OK\r\n\r\n"
        #expect(
            Framer.pieces(.http1, .responses, of: established + "x", requests: ["CONNECT"])
                == [.message(established), .rest("x")])
        let refused = "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx"
        #expect(
            Framer.pieces(.http1, .responses, of: refused + refused, requests: ["CONNECT"])
                == [.message(refused), .message(refused)])
    }

    @Test(arguments: [
        ("\u{16}\u{03}\u{01}", "a request starts with a method, found '\\x16\\x03\\x01'"),
        (" GET / HTTP/1.1\r\n", "a request starts with a method, found ' GET / HTTP/1.1'"),
        (
            String(repeating: "A", count: 33),
            "a request starts with a method, found 'AAAAAAAAAAAAAAAAAAAAAAAA…'"
        ),
        ("GET /\r\n", "a request is 'METHOD target HTTP/1.1', found 'GET /'"),
        ("GET / HTTP/2.0\r\n", "a request is 'METHOD target HTTP/1.1', found 'GET / HTTP/2.0'"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the connection speaks HTTP/2"),
        ("GET / HTTP/1.1\r\nno colon\r\n", "a field is 'name: value', found 'no colon'"),
        ("GET / HTTP/1.1\r\nName : v\r\n", "a field is 'name: value', found 'Name : v'"),
        ("GET / HTTP/1.1\r\n: v\r\n", "a field is 'name: value', found ': v'"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "a message has either a content length or a transfer coding, not both"
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "a message has one content length, found '1' and '2'"
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n",
            "a message has one content length, found '1' and '2'"
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
            "a content length is a number below 10^18, found '+1'"
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n", "a framing field has one line"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "the last transfer coding of a request is 'chunked'"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "'chunked' is the last transfer coding"
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 has no transfer codings"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "a chunk size is hexadecimal, found 'xyz'"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 2\r\n",
            "a chunk size is hexadecimal, found '1 2'"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
            "a chunk size has at most 15 digits"
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
            "a line's end follows a chunk, found 'y'"
        ),
    ])
    func requestsLoseSync(text: String, reason: String) {
        #expect(Framer.reason(.http1, .requests, text) == reason)
    }

    @Test(arguments: [
        ("SSH-2.0-x\r\n", "a response starts with 'HTTP/1.', found 'SSH-2.0-x'"),
        ("HTTP/1.1 20\r\n", "a response is 'HTTP/1.1 status reason', found 'HTTP/1.1 20'"),
        ("HTTP/1.1 2000\r\n", "a response is 'HTTP/1.1 status reason', found 'HTTP/1.1 2000'"),
        ("HTTP/1.1 -20 x\r\n", "a response is 'HTTP/1.1 status reason', found 'HTTP/1.1 -20 x'"),
        ("\r\nHTTP/1.1 200\r\n", "a response is 'HTTP/1.1 status reason', found ''"),
        ("\rx", "a response starts with 'HTTP/1.', found '\\x0dx'"),
    ])
    func responsesLoseSync(text: String, reason: String) {
        #expect(Framer.reason(.http1, .responses, text) == reason)
    }

    @Test func aLineWithoutEndLosesSync() {
        let line = "GET /" + String(repeating: "a", count: 65_532)
        let reason = "a line of a head has at most 65536 bytes"
        #expect(Framer.reason(.http1, .requests, line) == reason)
        #expect(Framer.reason(.http1, .requests, String(line.dropLast())) == nil)
    }

    @Test func methodsAreTokens() {
        for byte in UInt8.min...UInt8.max where byte != 0x0A && byte != 0x20 {
            var framer = Framer(.http1, side: .requests)
            _ = framer.pieces(of: [byte] + Array(" / HTTP/1.1\r\n\r\n".utf8))
            let character = Character(UnicodeScalar(byte))
            let isToken =
                character.isASCII && (character.isLetter || character.isNumber)
                || "!#$%&'*+-.^_`|~".contains(character)
            #expect((framer.desynchronised == nil) == isToken, "byte \(byte)")
        }
    }

    @Test func theSameLengthTwiceIsOneLength() {
        let post = "POST / HTTP/1.1\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok"
        #expect(
            Framer.pieces(.http1, .requests, of: post + Self.get)
                == [.message(post), .message(Self.get)])
    }

    @Test func messagesOverTheLimitPassAndSyncIsKept() {
        let big =
            "POST / HTTP/1.1\r\nContent-Length: 60\r\n\r\n" + String(repeating: "x", count: 60)
        #expect(
            Framer.pieces(.http1, .requests, of: Self.get + big + Self.get, limit: 60)
                == [.message(Self.get), .passed(big), .message(Self.get)])
        let endless = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 60)
        #expect(Framer.pieces(.http1, .responses, of: endless, limit: 60) == [.passed(endless)])
    }

    @Test func messagesThatMustNotBeHeldAreStreamed() {
        let waiting = "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nok"
        #expect(
            Framer.pieces(.http1, .requests, of: waiting + Self.get)
                == [.passed(waiting), .message(Self.get)])
        let events =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n0\r\n\r\n"
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        let empty = "HTTP/1.1 204 OK\r\n\r\n"
        #expect(
            Framer.pieces(
                .http1, .responses, of: events + head + empty, requests: ["GET", "HEAD", "GET"])
                == [.passed(events), .message(head), .message(empty)])
        var framer = Framer(.http1, side: .requests)
        let read = Array(waiting.dropLast().utf8)
        #expect(framer.next(read.span, from: 0) == .streamed(end: read.count, finished: false))
    }

    @Test func methodsAreKnownOnceTheFirstLineIsThere() {
        var framer = Framer(.http1, side: .requests)
        _ = framer.pieces(of: Array("GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\nA:".utf8))
        #expect(framer.takeRequestMethods() == ["GET", "HEAD"])
        #expect(framer.takeRequestMethods() == [])
        var responses = Framer(.http1, side: .responses)
        _ = responses.pieces(of: Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        #expect(responses.takeRequestMethods() == [])
    }
}
