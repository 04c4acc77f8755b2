import ChaosCore
import ChaosEngine

extension FuzzTarget {
    /// Streams: the first byte says which framing, side and limit, the second how they are cut.
    static let framing = FuzzTarget(
        "framing", "messages in streams: lines, lengths, varint, resp, http1, http2",
        seedBytes: framings.indices.flatMap { framing in
            streams.flatMap { stream in
                [0, 1].map { side in seed(framing, UInt8(side), stream) }
            }
        }
    ) { bytes in
        guard bytes.count >= 2 else { return }
        let framing = framings[Int(bytes[0] >> 1) % framings.count]
        let side: StreamSide = bytes[0] & 1 == 0 ? .requests : .responses
        let limit = bytes[0] & 0x80 == 0 ? Framer.limitDefault : 40
        try readStream(framing, side, limit: limit, cut: bytes[1], Array(bytes.dropFirst(2)))
    }

    private static let framings = Framing.allCases.filter { $0 != .none }
    private static func seed(_ framing: Int, _ side: UInt8, _ stream: String) -> [UInt8] {
        let head: [UInt8] = [UInt8(framing) << 1 | side, UInt8(3 * framing) + side]
        return head + Array(stream.utf8)
    }

    private static let streams = [
        "{\"type\":\"echo\",\"body\":{\"type\":\"a\",\"msg_id\":1}}\nline\r\n\nlast",
        "\u{0}\u{3}abc",
        "\u{0}\u{0}\u{0}\u{3}abc", "\u{3}abc\u{1}x",
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING a\r\n+OK\r\n:12\r\n%1\r\n+a\r\n_\r\n$?\r\n;2\r\nab\r\n;0\r\n",
        "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n"
            + "HTTP/1.1 204 No\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2,
        http2,
        "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    ]

    /// SETTINGS, HEADERS with a block in two frames that leaves something in the table, HEADERS that does not, DATA
    /// with padding.
    private static let http2 =
        "\0\0\0\u{4}\0\0\0\0\0" + "\0\0\u{1}\u{1}\0\0\0\0\u{1}@"
        + "\0\0\u{4}\u{9}\u{4}\0\0\0\u{1}\u{1}a\u{1}b"
        + "\0\0\u{5}\u{1}\u{4}\0\0\0\u{3}\0\u{1}c\u{1}d"
        + "\0\0\u{3}\0\u{8}\0\0\0\u{1}\u{1}x\0"

    private static func readStream(
        _ framing: Framing, _ side: StreamSide, limit: Int, cut: UInt8, _ stream: [UInt8]
    ) throws {
        func pieces(_ cuts: [Int]) -> (pieces: [Piece], isLost: Bool) {
            var framer = Framer(framing, side: side, limit: limit)
            return (framer.pieces(of: stream, cutAt: cuts), framer.desynchronised != nil)
        }
        let whole = pieces([])
        try requireSame(whole.pieces.flatMap(\.bytes), stream, "the bytes of all pieces")
        var generator = Seed(UInt64(cut)).generator
        let cuts = (0..<generator.next(below: 8)).map { _ in
            generator.next(below: stream.count + 1)
        }.sorted()
        for others in [cuts, Array(0..<stream.count)] {
            let again = pieces(others)
            try requireSame(again.pieces, whole.pieces, "the pieces, cut at \(others.prefix(20))")
            try requireSame(again.isLost, whole.isLost, "sync, cut at \(others.prefix(20))")
        }
        for case .message(let message) in whole.pieces {
            try readMessage(framing, side, limit: limit, message, random: generator.next())
        }
    }

    /// A message is looked into, and corrupted: it must stay one message of its length.
    private static func readMessage(
        _ framing: Framing, _ side: StreamSide, limit: Int, _ bytes: [UInt8], random: UInt64
    ) throws {
        let view = MessageView(framing: framing, side: side, bytes: bytes)
        _ = view.type
        _ = view.correlation
        for path in ["body.type", "arg.1", "key", "command", "header.host", "path", "status"] {
            _ = view.field(path)
        }
        guard let flip = view.bitToFlip(random) else { return }
        try require(view.canFlip(offset: flip.offset, bit: flip.bit), "\(flip) may not be flipped")
        var corrupted = bytes
        corrupted[flip.offset] ^= 1 << UInt8(flip.bit)
        // A frame of HTTP/2 means nothing without those before it: its head must stay what it was.
        if framing == .http2 {
            return try require(flip.offset >= 9, "\(flip) is in the head of a frame")
        }
        var framer = Framer(framing, side: side, limit: limit)
        // Alone a message may be followed by nothing that its sender promised: only its length counts.
        let pieces = framer.pieces(of: corrupted)
        try requireSame(pieces, [.message(corrupted)], "a message with \(flip) flipped")
    }
}
