import ChaosCore
import ChaosEngine
import FuzzTargets
import Testing

@Suite("Message views")
struct FramingMessageTests {
    private static let echo =
        #"{"src":"n1","dest":"n2","body":{"type":"echo","msg_id":7,"in_reply_to":3,"ok":true}}"#

    private static func view(
        _ framing: Framing, side: StreamSide = .requests, _ text: String
    ) -> MessageView {
        MessageView(framing: framing, side: side, bytes: Array(text.utf8))
    }

    private static func type(
        _ framing: Framing, side: StreamSide = .requests, _ text: String
    ) -> String? {
        let view = self.view(framing, side: side, text)
        return view.type
    }

    private static func fields(
        _ framing: Framing, side: StreamSide = .requests, _ text: String, _ paths: [String]
    ) -> [JSONValue?] {
        let view = self.view(framing, side: side, text)
        return paths.map { view.field($0) }
    }

    @Test(arguments: [
        (Framing.lines, [UInt8](), [UInt8]([0x0D, 0x0A])), (.lines, [], [0x0A]), (.lines, [], []),
        (.length16, [0, 84], []), (.length32, [0, 0, 0, 84], []), (.varint, [84], []),
        (.varint, [0xD4, 0x80, 0x00], []),
    ])
    func readsMaelstromEnvelopesInsideTheirFraming(
        framing: Framing, prefix: [UInt8], suffix: [UInt8]
    ) {
        let view = MessageView(
            framing: framing, side: .requests, bytes: prefix + Array(Self.echo.utf8) + suffix)
        let type = view.type
        #expect(type == "echo")
        let fields = ["dest", "body.ok", "body.none"].map { view.field($0) }
        #expect(fields == ["n2", true, nil])
        let correlation = view.correlation
        #expect(correlation == MessageCorrelation(messageID: 7, inReplyTo: 3))
    }

    @Test func theTypeIsInTheBodyOrElseOutside() {
        #expect(Self.type(.lines, #" {"type":"outer"}"# + "\n") == "outer")
        #expect(Self.type(.lines, #"{"type":"outer","body":{"type":"inner"}}"#) == "inner")
        #expect(Self.type(.lines, #"{"type":5}"#) == nil)
        #expect(Self.type(.lines, "plain text\n") == nil)
        #expect(Self.type(.lines, #"{"type":"cut"#) == nil)
        #expect(Self.type(.lines, #"["type"]"#) == nil)
        #expect(Self.type(.length32, "") == nil)
        #expect(Self.type(.none, Self.echo) == nil)
        let view = Self.view(.lines, "x\n")
        let correlation = view.correlation
        #expect(correlation == MessageCorrelation(messageID: nil, inReplyTo: nil))
    }

    @Test func respCommandsHaveAKeyAndArguments() {
        let set = "*3\r\n$3\r\nsEt\r\n$5\r\nk\r\n:1\r\n$0\r\n\r\n"
        #expect(Self.type(.resp, set) == "SET")
        #expect(
            Self.fields(
                .resp, set, ["command", "key", "arg.1", "arg.2", "arg.3", "arg.0", "arg.x"])
                == ["SET", "k\r\n:1", "k\r\n:1", "", nil, nil, nil])
        #expect(
            Self.fields(.resp, "get  k1\tk2\r\n", ["command", "key", "arg.2"]) == [
                "GET", "k1", "k2",
            ])
        #expect(Self.type(.resp, "*0\r\n") == nil)
        #expect(Self.type(.resp, "\r\n") == nil)
    }

    @Test(arguments: [
        ("+OK\r\n", "simple"), ("-ERR\r\n", "error"), (":1\r\n", "integer"),
        ("$1\r\nx\r\n", "bulk"),
        ("$-1\r\n", "null"), ("*-1\r\n", "null"), ("*1\r\n$1\r\nx\r\n", "array"), ("_\r\n", "null"),
        ("#t\r\n", "boolean"), (",1\r\n", "double"), ("(1\r\n", "bignumber"),
        ("!1\r\nx\r\n", "bulkerror"), ("=5\r\ntxt:a\r\n", "verbatim"),
        ("%1\r\n+a\r\n+b\r\n", "map"),
        ("~1\r\n+a\r\n", "set"), (">1\r\n+a\r\n", "push"), ("$?\r\n;1\r\nx\r\n;0\r\n", "bulk"),
        ("*?\r\n:1\r\n.\r\n", "array"),
        ("|1\r\n*2\r\n:1\r\n:2\r\n%1\r\n+a\r\n+b\r\n:5\r\n", "integer"), ("|0\r\n+x\r\n", "simple"),
    ])
    func respRepliesHaveAKind(reply: String, kind: String) {
        #expect(Self.type(.resp, side: .responses, reply) == kind)
        #expect(Self.fields(.resp, side: .responses, reply, ["command", "key"]) == [nil, nil])
    }

    @Test func httpMessagesHaveTheirStartLineAndHeaders() {
        let get = "GET /a/b?c=d HTTP/1.1\r\nHost: h\r\nX-Two: 1\r\nx-two:2 \r\n\r\n"
        #expect(Self.type(.http1, get) == "GET")
        #expect(
            Self.fields(
                .http1, get,
                [
                    "method", "path", "target", "status", "header.HOST", "header.X-Two",
                    "header.no", "x",
                ])
                == ["GET", "/a/b", "/a/b?c=d", nil, "h", "1, 2", nil, nil])
        let response = "HTTP/1.1 404 Not Found\r\nRetry-After: 3\r\n\r\n"
        #expect(Self.type(.http1, side: .responses, response) == "404")
        #expect(
            Self.fields(
                .http1, side: .responses, response,
                ["status", "header.retry-after", "method", "path"])
                == [404, "3", nil, nil])
        #expect(Self.fields(.http1, "GET http://h:1/p?q HTTP/1.1\r\n\r\n", ["path"]) == ["/p"])
        #expect(Self.fields(.http1, "GET http://h HTTP/1.1\r\n\r\n", ["path"]) == ["/"])
        #expect(Self.fields(.http1, "\r\nOPTIONS * HTTP/1.1\r\n\r\n", ["path"]) == ["*"])
    }

    @Test func brokenBytesHaveNoTypeAndNoFields() {
        var random = Seed(1).generator
        for framing in Framing.allCases {
            for side in [StreamSide.requests, .responses] {
                for _ in 0..<200 {
                    let stream = RandomStream(garbageFor: framing, side, &random)
                    let bytes = Array(stream.bytes.prefix(random.next(below: 60)))
                    let view = MessageView(framing: framing, side: side, bytes: bytes)
                    _ = view.type
                    _ = view.correlation
                    _ = ["body.type", "key", "path", "header.x", "arg.2"].map { view.field($0) }
                    if let bit = view.bitToFlip(random.next()) {
                        let isAllowed = view.canFlip(offset: bit.offset, bit: bit.bit)
                        #expect(isAllowed)
                    }
                }
            }
        }
    }
}

@Suite("Matching messages")
struct FramingMatchTests {
    private static func matches(
        _ match: MessageMatch, _ framing: Framing, side: StreamSide = .requests, _ text: String
    ) -> Bool {
        let view = MessageView(framing: framing, side: side, bytes: Array(text.utf8))
        return match.matchesContent(of: view)
    }

    @Test func anEmptyMatchTakesEverything() {
        #expect(Self.matches(MessageMatch(), .lines, "no JSON\n"))
    }

    @Test func typesMustBeEqual() {
        let message = #"{"body":{"type":"read"}}"#
        #expect(Self.matches(MessageMatch(type: "read"), .lines, message))
        #expect(!Self.matches(MessageMatch(type: "READ"), .lines, message))
        #expect(!Self.matches(MessageMatch(type: "read"), .lines, "read"))
        #expect(Self.matches(MessageMatch(type: "get"), .resp, "GET k\r\n"))
        #expect(Self.matches(MessageMatch(type: "simple"), .resp, side: .responses, "+OK\r\n"))
        #expect(!Self.matches(MessageMatch(type: "get"), .http1, "GET / HTTP/1.1\r\n\r\n"))
        #expect(
            Self.matches(
                MessageMatch(type: "204"), .http1, side: .responses, "HTTP/1.1 204\r\n\r\n"))
    }

    @Test(arguments: [
        ("body.key", "5", true), ("body.key", "5.0", false), ("body.key", "\"5\"", false),
        ("body.text", "5", true), ("body.flag", "false", true), ("body.nothing", "null", true),
        ("body.list", "[1,\"a\"]", true), ("body.missing", "null", false),
        ("body.ratio", "0.5", true),
    ])
    func fieldsCompareByTheirText(path: String, value: String, expected: Bool) {
        let message =
            #"{"body":{"key":5,"text":"5","flag":false,"nothing":null,"list":[1,"a"],"ratio":0.5}}"#
        let field = MessageMatch.FieldEquals(path: path, value: value)
        #expect(Self.matches(MessageMatch(fields: [field]), .lines, message) == expected)
    }

    @Test func typeAndAllFieldsMustMatch() {
        let fields = [
            MessageMatch.FieldEquals(path: "path", value: "/a"),
            MessageMatch.FieldEquals(path: "header.host", value: "h"),
        ]
        let match = MessageMatch(type: "GET", fields: fields)
        #expect(Self.matches(match, .http1, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(!Self.matches(match, .http1, "PUT /a HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(!Self.matches(match, .http1, "GET /a HTTP/1.1\r\nHost: g\r\n\r\n"))
    }
}

@Suite("Corrupting messages")
struct FramingCorruptionTests {
    private static func ranges(
        _ framing: Framing, side: StreamSide = .requests, _ text: String
    ) -> [Range<Int>] {
        let view = MessageView(framing: framing, side: side, bytes: Array(text.utf8))
        return view.payloadRanges
    }

    @Test func onlyPayloadsMayBeFlipped() {
        #expect(Self.ranges(.none, "abc") == [])
        #expect(Self.ranges(.lines, "abc\n") == [0..<3])
        #expect(Self.ranges(.lines, "abc\r\n") == [0..<3])
        #expect(Self.ranges(.lines, "\r\n") == [])
        #expect(Self.ranges(.length16, "\u{0}\u{1}x") == [2..<3])
        #expect(Self.ranges(.length16, "\u{0}\u{0}") == [])
        #expect(Self.ranges(.length32, "\u{0}\u{0}\u{0}\u{1}x") == [4..<5])
        #expect(Self.ranges(.varint, "\u{2}xy") == [1..<3])
        #expect(Self.ranges(.resp, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") == [8..<11, 17..<18])
        #expect(Self.ranges(.resp, "GET k\r\n") == [])
        #expect(
            Self.ranges(.resp, side: .responses, "*2\r\n+OK\r\n*1\r\n$2\r\nab\r\n") == [17..<19])
        #expect(Self.ranges(.resp, side: .responses, "$0\r\n\r\n") == [])
        #expect(
            Self.ranges(.http1, "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nok") == [37..<39])
        #expect(Self.ranges(.http1, "GET / HTTP/1.1\r\n\r\n") == [])
        #expect(
            Self.ranges(
                .http1, "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
                == [])
        #expect(Self.ranges(.http1, side: .responses, "HTTP/1.1 200 OK\r\n\r\nuntil close") == [])
    }

    @Test func noByteOfALineBecomesANewline() {
        // 0x4A and 0x0B are one bit from 0x0A.
        let line = MessageView(framing: .lines, side: .requests, bytes: [0x4A, 0x0B, 0x41, 0x0A])
        func canFlip(_ offset: Int, _ bit: Int) -> Bool { line.canFlip(offset: offset, bit: bit) }
        #expect(!canFlip(0, 6))
        #expect(canFlip(0, 5))
        #expect(!canFlip(1, 0))
        #expect(!canFlip(3, 0))
        #expect(!canFlip(4, 0))
        let bits = Self.middles(of: 24).map { line.bitToFlip($0) }
        #expect(!bits.contains(MessageBit(offset: 0, bit: 6)))
        #expect(!bits.contains(MessageBit(offset: 1, bit: 0)))
        #expect(Set(bits).count == 22)
        let counted = MessageView(framing: .length16, side: .requests, bytes: [0, 1, 0x4A])
        let isFree = counted.canFlip(offset: 2, bit: 6)
        #expect(isFree)
    }

    /// The middle of each share, when all 64-bit numbers are parted in so many.
    private static func middles(of count: UInt64) -> [UInt64] {
        (0..<count).map { UInt64.max / (2 * count) * (2 * $0 + 1) }
    }

    @Test func randomNumbersReachEveryBitOfEveryPayload() {
        let command = Array("*2\r\n$1\r\nA\r\n$2\r\nBC\r\n".utf8)
        let view = MessageView(framing: .resp, side: .requests, bytes: command)
        let seen = Set(Self.middles(of: 24).compactMap { view.bitToFlip($0) })
        #expect(seen.count == 24)
        #expect(Set(seen.map(\.offset)) == [8, 15, 16])
        let inline = MessageView(framing: .resp, side: .requests, bytes: Array("PING\r\n".utf8))
        let none = inline.bitToFlip(5)
        #expect(none == nil)
    }

    @Test(
        arguments: [Framing.lines, .length16, .length32, .varint, .resp, .http1],
        [StreamSide.requests, .responses])
    func aFlippedBitLeavesTheFramingWhole(framing: Framing, side: StreamSide) {
        var flipped = 0
        for seed in UInt64(0)..<60 {
            var random = Seed(seed).derived("flip", framing.rawValue, "\(side)").generator
            let stream = RandomStream(framing, side, &random)
            let corrupted = stream.messages.map { bytes -> [UInt8] in
                let view = MessageView(framing: framing, side: side, bytes: bytes)
                guard let bit = view.bitToFlip(random.next()) else { return bytes }
                var bytes = bytes
                bytes[bit.offset] ^= 1 << UInt8(bit.bit)
                flipped += 1
                return bytes
            }
            var framer = Framer(framing, side: side)
            for method in stream.answeredMethods { framer.noteRequest(method: method) }
            let pieces = framer.pieces(of: corrupted.flatMap { $0 })
            #expect(pieces == corrupted.map { .message($0) }, "seed \(seed)")
        }
        #expect(flipped > 50)
    }
}
