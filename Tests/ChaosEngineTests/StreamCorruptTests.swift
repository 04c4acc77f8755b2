import ChaosCore
import ChaosEngine
import Testing

@Suite struct StreamCorruptTests {
    static let always = Fault.Occurrence.random(.one, correlation: .zero)

    static func flipped(_ left: [UInt8], _ right: [UInt8]) -> Int {
        zip(left, right).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
    }

    @Test(arguments: [1, 2, 8, 100])
    func rawBlocksLoseExactlySoManyBits(_ bits: Int) {
        let rig = StreamRig()
        let injection = rig.inject(.corrupt(.init(Self.always, bits: bits)))
        let sent = [UInt8].pattern(10 * 1448)
        rig.send(sent)
        #expect(rig.output().count == sent.count)
        #expect(Self.flipped(rig.output(), sent) == 10 * bits)
        for block in 0..<10 {
            let range = block * 1448..<(block + 1) * 1448
            #expect(Self.flipped(Array(rig.output()[range]), Array(sent[range])) == bits)
        }
        #expect(injection.touched == 10 && injection.hits == 10)
    }

    @Test func theNthBlockOnly() {
        let rig = StreamRig()
        rig.inject(.corrupt(.init(.nth(3))))
        let sent = [UInt8].pattern(5 * 1448)
        rig.send(sent)
        let differing = sent.indices.filter { rig.output()[$0] != sent[$0] }
        #expect(differing.count == 1 && differing.allSatisfy { $0 / 1448 == 2 })
        #expect(rig.decisions.count == 1)
    }

    @Test func aBlockThatEndsBeforeTheBitIsNoHit() {
        var hits = 0
        for seed in 0..<50 as Range<UInt64> {
            let rig = StreamRig(seed: seed)
            let injection = rig.inject(.corrupt(.init(Self.always)))
            rig.send([UInt8].pattern(724))
            #expect(injection.touched == 1)
            #expect(injection.hits == Self.flipped(rig.output(), [UInt8].pattern(724)))
            #expect(rig.decisions.count == injection.hits)
            hits += injection.hits
        }
        #expect((13...37).contains(hits))
    }

    @Test func removedCorruptionSparesTheRestOfABlock() {
        let rig = StreamRig()
        rig.inject(.corrupt(.init(Self.always, bits: 1448 * 8)), id: "bits")
        rig.send([0, 0])
        rig.remove("bits")
        rig.send([0, 0])
        #expect(rig.output() == [255, 255, 0, 0])
    }

    @Test(arguments: [Framing.lines, .length16, .length32, .varint, .resp, .http1])
    func messagesKeepLengthAndFraming(_ framing: Framing) {
        let messages = Self.messages(framing)
        for seed in 0..<30 as Range<UInt64> {
            let rig = StreamRig(framing: framing, seed: seed)
            rig.inject(.corrupt(.init(Self.always, bits: 3)))
            let sent = messages.flatMap { $0 }
            rig.send(sent)
            let output = rig.output()
            #expect(output.count == sent.count)
            var framer = Framer(framing, side: .requests)
            var offset = 0
            for message in messages {
                let range = offset..<offset + message.count
                #expect(framer.next(output.span, from: offset) == .message(end: range.upperBound))
                #expect(Self.flipped(Array(output[range]), message) == 3)
                offset += message.count
            }
        }
    }

    static func messages(_ framing: Framing) -> [[UInt8]] {
        let payload = [UInt8].pattern(20).map { $0 == 10 ? 11 : $0 }
        switch framing {
        // What the frames of HTTP/2 carry is corrupted in tests of its own: not every one carries something.
        case .none, .http2: return []
        case .lines: return [payload + [10], Array("{\"a\":1}\n".utf8)]
        case .length16: return [[0, 20] + payload, [0, 2, 7, 7]]
        case .length32: return [[0, 0, 0, 20] + payload, [0, 0, 0, 2, 7, 7]]
        case .varint: return [[20] + payload, [2, 7, 7]]
        case .resp: return [Array("*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n".utf8)]
        case .http1:
            return [Array("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".utf8)]
        }
    }

    @Test func aMessageWithFewerBitsLosesAllItHas() {
        let rig = StreamRig(framing: .length16)
        rig.inject(.corrupt(.init(Self.always, bits: 64)))
        rig.send([0, 1, 0, 0, 0])
        #expect(rig.output().count == 5)
        #expect(rig.output()[2].nonzeroBitCount >= 7)
        #expect(Array(rig.output().suffix(2)) == [0, 0])
    }
}
