import ChaosCore
import ChaosEngine
import FuzzTargets
import Testing

/// Streams of random messages, cut into random reads: the messages must come out as they went in.
/// Bytes that are no messages must come out too, all of them, whatever the framer makes of them.
@Suite("Framing of random streams")
struct FramingFuzzTests {
    private static let framings = Framing.allCases.filter { $0 != .none }

    private static func framer(_ stream: RandomStream, limit: Int = Framer.limitDefault) -> Framer {
        var framer = Framer(stream.framing, side: stream.side, limit: limit)
        for method in stream.answeredMethods { framer.noteRequest(method: method) }
        return framer
    }

    @Test(arguments: framings, [StreamSide.requests, .responses])
    func validMessagesComeOutWhole(framing: Framing, side: StreamSide) {
        for seed in UInt64(0)..<60 {
            var random = Seed(seed).derived(framing.rawValue, "\(side)").generator
            let stream = RandomStream(framing, side, &random)
            let expected = stream.messages.map { Piece.message($0) }
            for _ in 0..<4 {
                var framer = Self.framer(stream)
                let pieces = framer.pieces(of: stream.bytes, cutAt: stream.cuts(&random))
                #expect(pieces == expected, "seed \(seed)")
                #expect(framer.desynchronised == nil, "seed \(seed)")
            }
        }
    }

    @Test(arguments: framings, [StreamSide.requests, .responses])
    func messagesOverTheLimitPassAndTheOthersDoNot(framing: Framing, side: StreamSide) {
        for seed in UInt64(100)..<140 {
            var random = Seed(seed).derived(framing.rawValue, "\(side)").generator
            let stream = RandomStream(framing, side, &random)
            let limit = 1 + random.next(below: 120)
            let expected = stream.messages.map { bytes -> Piece in
                bytes.count > limit ? .passed(bytes) : .message(bytes)
            }
            var framer = Self.framer(stream, limit: limit)
            let pieces = framer.pieces(of: stream.bytes, cutAt: stream.cuts(&random))
            #expect(pieces == expected, "seed \(seed)")
        }
    }

    @Test(arguments: framings, [StreamSide.requests, .responses])
    func damagedStreamsKeepTheirBytesWhateverTheCuts(framing: Framing, side: StreamSide) {
        for seed in UInt64(200)..<320 {
            var random = Seed(seed).derived(framing.rawValue, "\(side)").generator
            var stream = RandomStream(framing, side, &random)
            stream.damage(&random)
            Self.expectSame(stream, limit: 1 + random.next(below: 400), seed, &random)
        }
    }

    @Test(arguments: framings, [StreamSide.requests, .responses])
    func garbageKeepsItsBytesWhateverTheCuts(framing: Framing, side: StreamSide) {
        for seed in UInt64(400)..<520 {
            var random = Seed(seed).derived(framing.rawValue, "\(side)").generator
            let garbage = RandomStream(garbageFor: framing, side, &random)
            Self.expectSame(garbage, limit: 1 + random.next(below: 400), seed, &random)
        }
    }

    private static func expectSame(
        _ stream: RandomStream, limit: Int, _ seed: UInt64, _ random: inout Generator
    ) {
        var whole = Self.framer(stream, limit: limit)
        let expected = whole.pieces(of: stream.bytes)
        #expect(expected.flatMap(\.bytes) == stream.bytes, "seed \(seed)")
        for _ in 0..<4 {
            var framer = Self.framer(stream, limit: limit)
            let pieces = framer.pieces(of: stream.bytes, cutAt: stream.cuts(&random))
            #expect(pieces == expected, "seed \(seed), limit \(limit)")
            let isLost = framer.desynchronised != nil
            #expect(isLost == (whole.desynchronised != nil), "seed \(seed)")
        }
    }
}
