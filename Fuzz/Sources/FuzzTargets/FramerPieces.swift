import ChaosCore
import ChaosEngine

/// What a framer made of a stretch of a stream.
package enum Piece: Hashable, CustomStringConvertible {
    /// A whole message, held until its end.
    case message([UInt8])
    /// A whole message that passed through.
    case passed([UInt8])
    /// The bytes of a message that the stream's end cut off.
    case unfinished([UInt8])
    /// Everything from the message on in which sync was lost.
    case rest([UInt8])

    /// The piece's bytes.
    package var bytes: [UInt8] {
        switch self {
        case .message(let bytes), .passed(let bytes), .unfinished(let bytes), .rest(let bytes):
            bytes
        }
    }

    package var description: String {
        let name =
            switch self {
            case .message: "message"
            case .passed: "passed"
            case .unfinished: "unfinished"
            case .rest: "rest"
            }
        let text = self.bytes.prefix(200).map { byte in
            byte >= 0x20 && byte < 0x7F
                ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16)
        }
        return "\(name)(\(text.joined())\(self.bytes.count > 200 ? "…" : ""))"
    }

    package static func message(_ text: String) -> Piece { .message(Array(text.utf8)) }
    package static func passed(_ text: String) -> Piece { .passed(Array(text.utf8)) }
    package static func unfinished(_ text: String) -> Piece { .unfinished(Array(text.utf8)) }
    package static func rest(_ text: String) -> Piece { .rest(Array(text.utf8)) }
}

extension Framer {
    /// Shows a whole stream to the framer, in reads that are cut at the given offsets, and then its
    /// end.
    package mutating func pieces(of stream: [UInt8], cutAt cuts: [Int] = []) -> [Piece] {
        var pieces: [Piece] = []
        var current: [UInt8] = []
        var passes = false
        var start = 0
        for cut in cuts + [stream.count] {
            let read = Array(stream[start..<cut])
            start = cut
            var offset = 0
            while offset < read.count {
                let before = offset
                switch self.next(read.span, from: offset) {
                case .more:
                    current += read[offset...]
                    offset = read.count
                case .message(let end):
                    pieces.append(.message(current + read[offset..<end]))
                    current = []
                    offset = end
                case .oversized(let end, let finished), .streamed(let end, let finished):
                    current += read[offset..<end]
                    passes = true
                    offset = end
                    if finished {
                        pieces.append(.passed(current))
                        current = []
                        passes = false
                    }
                case .unsynchronised:
                    pieces.append(.rest(current + read[offset...] + stream[cut...]))
                    return pieces
                }
                precondition(offset > before, "a step takes at least one byte")
            }
        }
        switch self.end() {
        case .clean: precondition(current.isEmpty, "a clean end leaves nothing")
        case .message: pieces.append(passes ? .passed(current) : .message(current))
        case .unfinished: pieces.append(.unfinished(current))
        }
        return pieces
    }

    /// The pieces of a stream of text, which must be the same however it is cut: whole, into single
    /// bytes, and into two at every place.
    package static func pieces(
        _ framing: Framing, _ side: StreamSide, of text: String, limit: Int = Framer.limitDefault,
        requests: [String] = []
    ) -> [Piece] {
        Self.pieces(framing, side, of: Array(text.utf8), limit: limit, requests: requests)
    }

    package static func pieces(
        _ framing: Framing, _ side: StreamSide, of stream: [UInt8],
        limit: Int = Framer.limitDefault, requests: [String] = []
    ) -> [Piece] {
        func pieces(_ cuts: [Int]) -> [Piece] {
            var framer = Framer(framing, side: side, limit: limit)
            for method in requests { framer.noteRequest(method: method) }
            return framer.pieces(of: stream, cutAt: cuts)
        }
        let whole = pieces([])
        var others = [pieces(Array(0..<stream.count))]
        for cut in 0..<stream.count { others.append(pieces([cut])) }
        precondition(others.allSatisfy { $0 == whole }, "the cuts change the pieces: \(whole)")
        return whole
    }

    /// Why a framer loses sync on a text.
    package static func reason(_ framing: Framing, _ side: StreamSide, _ text: String) -> String? {
        var framer = Framer(framing, side: side)
        _ = framer.pieces(of: Array(text.utf8))
        return framer.desynchronised
    }
}
