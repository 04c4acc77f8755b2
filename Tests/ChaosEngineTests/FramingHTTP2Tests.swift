import ChaosCore
import FuzzTargets
import Testing

@testable import ChaosEngine

@Suite("Framing of HTTP/2") struct FramingHTTP2Tests {
    private typealias H = HTTP2Frames

    private func pieces(_ messages: [[UInt8]], _ side: StreamSide = .requests) -> [Piece] {
        Framer.pieces(.http2, side, of: messages.flatMap { $0 })
    }

    private func reason(_ bytes: [UInt8], _ side: StreamSide = .responses) -> String? {
        var framer = Framer(.http2, side: side)
        _ = framer.pieces(of: bytes)
        return framer.desynchronised
    }

    @Test func eachFrameIsAMessageAndAHeaderBlockIsOne() {
        let block = H.get("/a")
        let split =
            H.frame(1, 1, 3, Array(block.prefix(5))) + H.frame(9, 0, 3, Array(block[5..<9]))
            + H.frame(9, 4, 3, Array(block[9...]))
        let messages = [
            H.preface, H.settings, H.settingsAcknowledgement, H.headers(1, block, ends: false),
            H.data(1, "hello"), split, H.frame(6, 0, 0, Array(repeating: 7, count: 8)),
            H.frame(0x7F, 0xFF, 9, [1, 2, 3]), H.data(5, ""),
        ]
        #expect(self.pieces(messages) == messages.map { .message($0) })
        #expect(self.pieces(Array(messages.dropFirst()), .responses).count == messages.count - 1)
    }

    @Test func headerBlocksAreReadWithWhatThoseBeforeThemLeft() {
        let stream = [
            H.preface, H.settings, H.headers(1, H.get("/a?b=c")), H.headers(3, H.sameAgain),
            // Padded, with a priority, and a change of the table's size in front.
            H.frame(1, 0x2C, 5, [2, 0, 0, 0, 0, 16] + [0x3F, 0xE1, 0x1F] + H.sameAgain + [0, 0]),
        ].flatMap { $0 }
        #expect(
            H.read(stream, .requests) == [
                "PREFACE", "SETTINGS 0",
                "HEADERS 1 :method=GET :scheme=http :path=/a?b=c x-by=a",
                "HEADERS 3 :method=GET :scheme=http :path=/a?b=c x-by=a",
                "HEADERS 5 :method=GET :scheme=http :path=/a?b=c x-by=a",
            ])
    }

    @Test func aMessageTellsWhatItIs() throws {
        var framer = Framer(.http2, side: .requests)
        let stream = H.preface + H.settings + H.headers(1, H.get("/a?b"), ends: false)
        var offset = 0
        var types: [String?] = []
        var last: MessageView?
        while case .message(let end) = framer.next(stream.span, from: offset), offset < stream.count
        {
            let bytes = Array(stream[offset..<end])
            let view = MessageView(
                framing: .http2, side: .requests, bytes: bytes.span, fields: framer.takeFields())
            types.append(view.type)
            last = view
            offset = end
        }
        #expect(types == ["PREFACE", "SETTINGS", "GET"])
        let request = try #require(last)
        #expect(request.field("path") == "/a")
        #expect(request.field("target") == "/a?b")
        #expect(request.field("header.X-By") == "a")
        #expect(request.field("frame") == "HEADERS")
        #expect(request.field("stream") == 1)
        #expect(request.field("status") == nil)
        #expect(request.correlation.messageID == 1)
        #expect(request.bitToFlip(5) == nil)
        #expect(
            request.preview(160)
                == "HEADERS stream 1 :method: GET, :scheme: http, :path: /a?b, x-by: a")
        let data = MessageView(
            framing: .http2, side: .responses, bytes: H.frame(0, 8, 1, [1, 65, 9]))
        #expect(data.type == "DATA")
        #expect(data.preview(160) == "DATA stream 1 A" && data.preview(4) == "DATA")
        #expect(data.payloadRanges == [10..<11])
        #expect(data.correlation.inReplyTo == 1)
    }

    @Test func whatIsNoHTTP2IsNotUnderstood() {
        let requests = Array("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n".utf8)
        #expect(
            self.reason(requests, .requests)
                == "an HTTP/2 connection begins with 'PRI * HTTP/2.0', found 'G'")
        #expect(
            self.reason(Array("HTTP/1.1 101 Switching Protocols\r\n".utf8))
                == "the first frame of each side is SETTINGS, found 0x50")
        #expect(
            self.reason(H.settingsAcknowledgement)
                == "the first frame of each side is SETTINGS, found SETTINGS")
        let open = H.settings + H.frame(1, 0, 1, [0x88])
        #expect(
            self.reason(open + H.data(1, "x"))
                == "a header block goes on with CONTINUATION, found DATA")
        #expect(
            self.reason(H.settings + H.frame(9, 4, 1, []))
                == "CONTINUATION follows an unfinished header block")
        #expect(self.reason(H.settings + H.data(0, "x")) == "DATA belongs to a stream")
        #expect(
            self.reason(H.settings + H.frame(6, 0, 1, Array(repeating: 0, count: 8)))
                == "PING belongs to no stream")
        // An entry of a table that is empty.
        #expect(
            self.reason(H.settings + H.headers(1, [0xBE]))
                == "a header block can be decompressed")
        #expect(
            self.reason(H.settings + H.frame(1, 0xC, 1, [9, 0x88]))
                == "the padding of HEADERS is shorter than the frame")
    }

    @Test func anEndlessHeaderBlockIsNotKept() {
        var stream = H.settings + H.frame(1, 0, 1, [0x88])
        let more = H.frame(9, 0, 1, Array(repeating: 0x88, count: 16_000))
        while stream.count <= HTTP2Scanner.blockMax { stream += more }
        #expect(self.reason(stream) == "a header block has at most 1048576 bytes")
    }

    @Test func aBlockWrittenAnewNeedsNothingAndStaysWhatItWas() throws {
        let long = String(repeating: "v", count: 20_000)
        let fields = HTTP2Fields(
            all: [
                .init(name: ":method", value: "GET", isSecret: false),
                .init(name: "x-long", value: long, isSecret: false),
                .init(name: "cookie", value: "é=1", isSecret: true),
            ], sizeUpdates: [])
        var flow = HTTP2Flow()
        flow.skip(HTTP2Fields(all: [], sizeUpdates: [0x20]))
        let frame = H.frame(1, 0x2D, 7, [1, 0, 0, 0, 0, 16] + [0x82] + [0])
        let head = HTTP2FrameHead(frame)
        let bytes = flow.rewritten(head, frame, fields)
        #expect(
            H.read(H.settings + bytes, .responses).last
                == "HEADERS 7 :method=GET x-long=\(long) cookie=é=1")
        // The priority stays, the padding goes; the end of the stream is told once, that of the block last.
        let first = HTTP2FrameHead(bytes)
        #expect(first.flags == [.endStream, .priority] && first.length == 16_384)
        #expect(Array(bytes[9..<15]) == [0, 0, 0, 0, 16, 0x20])
        let second = HTTP2FrameHead(bytes[(9 + 16_384)...])
        #expect(second.kind == .continuation && second.flags == .endHeaders)
        // The change of the table's size is told once.
        #expect(flow.rewritten(head, frame, fields)[14] == 0)
    }
}
