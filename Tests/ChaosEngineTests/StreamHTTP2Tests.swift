import ChaosCore
import Testing

@testable import ChaosEngine

/// Faults on HTTP/2: what is lost is lost as a whole, and what remains is a connection that both sides
/// understand. The rig checks that bytes are conserved.
@Suite struct StreamHTTP2Tests {
    private typealias H = HTTP2Frames

    /// A connection whose sides have greeted each other.
    private func open() -> StreamRig {
        let rig = StreamRig(framing: .http2)
        rig.send(H.preface + H.settings)
        rig.send(H.settings + H.settingsAcknowledgement, .backward)
        return rig
    }

    private func requests(_ rig: StreamRig) -> [String] {
        Array(H.read(rig.output(), .requests).dropFirst(2))
    }

    private func responses(_ rig: StreamRig) -> [String] {
        Array(H.read(rig.output(.backward), .responses).dropFirst(2))
    }

    private let ok: [UInt8] = [0x88]

    @Test func withoutFaultsNothingIsChanged() {
        let rig = self.open()
        let stream = H.headers(1, H.get("/a"), ends: false) + H.data(1, "body") + H.reset(1)
        for byte in stream { rig.send([byte]) }
        #expect(rig.output() == H.preface + H.settings + stream)
    }

    @Test func aLostRequestIsLostAsAWholeAndTheNextOneIsUnderstood() {
        let rig = self.open()
        let fault = rig.inject(.loss(.init(.plain(.nth(1)))))
        rig.send(H.headers(1, H.get("/lost"), ends: false))
        rig.send(H.data(1, "half", ends: false) + H.data(1, "rest"))
        // It refers to what the lost one left in the table.
        rig.send(H.headers(3, H.sameAgain))
        // Nobody names a stream that the other side never saw.
        rig.send(H.reset(1) + H.frame(8, 0, 1, [0, 0, 0, 9]) + H.reset(3))
        #expect(
            self.requests(rig) == [
                "HEADERS 3 :method=GET :scheme=http :path=/lost x-by=a", "RST_STREAM 3",
            ])
        #expect(fault.touched == 2 && fault.hits == 1)
        // What the receiver would have granted anew is granted in front of its next frame.
        rig.send(H.headers(3, self.ok), .backward)
        #expect(self.responses(rig) == ["WINDOW_UPDATE 0 8", "HEADERS 3 :status=200"])
    }

    @Test func aLostResponseIsLostAsAWhole() {
        let rig = self.open()
        rig.inject(.loss(.init(.plain(.nth(1)))), on: "n2->n1")
        rig.send(H.headers(1, H.get("/a")) + H.headers(3, H.sameAgain))
        rig.send(H.headers(1, self.ok, ends: false), .backward)
        rig.send(H.data(1, "12345", ends: false), .backward)
        rig.send(H.headers(3, self.ok, ends: false) + H.data(3, "three"), .backward)
        // Trailers end the lost one.
        rig.send(H.headers(1, H.kept("grpc-status", "0")), .backward)
        rig.send(H.headers(5, [0x88, 0xBE]), .backward)
        #expect(
            self.responses(rig) == [
                "HEADERS 3 :status=200", "DATA 3 three", "HEADERS 5 :status=200 grpc-status=0",
            ])
        rig.send(H.reset(1))
        #expect(
            self.requests(rig).suffix(2) == ["WINDOW_UPDATE 0 5", "RST_STREAM 1"])
    }

    @Test func matchesLookIntoHeaderBlocks() {
        let rig = self.open()
        let fault = rig.inject(
            .loss(
                .init(
                    .plain(.random(Ratio(percent: 100), correlation: .zero)),
                    match: .init(type: "GET", fields: [.init(path: "path", value: "/b")]))))
        rig.send(H.headers(1, H.get("/a")) + H.headers(3, H.get("/b")) + H.headers(5, H.get("/c")))
        #expect(
            self.requests(rig).map { $0.split(separator: " ")[1] } == ["1", "5"])
        #expect(fault.touched == 1 && fault.hits == 1)
    }

    @Test func whatTheConnectionNeedsIsNeverLost() {
        let rig = self.open()
        rig.inject(.loss(.init(.plain(.random(Ratio(percent: 100), correlation: .zero)))))
        let ping = H.frame(6, 0, 0, Array(repeating: 1, count: 8))
        rig.send(H.settingsAcknowledgement + ping + H.headers(1, H.get("/")) + H.data(1, "x"))
        #expect(self.requests(rig) == ["SETTINGS 0", "PING 0"])
    }

    @Test func delaysKeepTheOrderOfFrames() {
        let rig = self.open()
        rig.inject(
            .delay(
                .init(
                    latency: .milliseconds(20),
                    match: .init(fields: [.init(path: "path", value: "/slow")]))))
        rig.send(H.headers(1, H.get("/slow"), ends: false) + H.data(1, "a"))
        rig.send(H.headers(3, H.sameAgain))
        #expect(self.requests(rig).isEmpty)
        rig.advance(to: 20)
        #expect(
            self.requests(rig).map { $0.prefix(9) } == ["HEADERS 1", "DATA 1 a", "HEADERS 3"])
    }

    @Test func corruptionStaysInsideOfData() {
        let rig = self.open()
        rig.inject(.corrupt(.init(.random(Ratio(percent: 100), correlation: .zero), bits: 8)))
        rig.send(H.headers(1, H.get("/a"), ends: false) + H.data(1, "abcd"))
        let output = self.requests(rig)
        #expect(output[0] == "HEADERS 1 :method=GET :scheme=http :path=/a x-by=a")
        #expect(output.count == 2 && output[1].hasPrefix("DATA 1 ") && output[1] != "DATA 1 abcd")
    }

    @Test func anUnacknowledgedRequestIsKnownByItsStream() {
        let rig = self.open()
        rig.inject(.ackLoss(.init(.nth(2))))
        rig.send(H.headers(1, H.get("/a")) + H.headers(3, H.sameAgain))
        // The answers come in another order.
        rig.send(H.headers(1, self.ok), .backward)
        #expect(self.responses(rig) == ["HEADERS 1 :status=200"])
        rig.send(H.headers(3, self.ok), .backward)
        #expect(rig.seen(.backward).last == "0 reset")
        #expect(self.requests(rig).count == 2)
    }

    /// The connection of a client whose every fault is drawn stays one that a server understands.
    @Test(arguments: UInt64(0)..<40)
    func whateverIsLostTheRestIsUnderstood(seed: UInt64) {
        let rig = StreamRig(framing: .http2, seed: seed)
        var random = Seed(seed).derived("http2").generator
        rig.inject(.loss(.init(.plain(.random(Ratio(percent: 30), correlation: .zero)))))
        rig.inject(
            .loss(.init(.plain(.random(Ratio(percent: 30), correlation: .zero)))), on: "n2->n1")
        rig.inject(.delay(.init(latency: .milliseconds(5), jitter: .milliseconds(5))))
        rig.send(H.preface + H.settings)
        rig.send(H.settings, .backward)
        var asked: [String] = []
        for number in 0..<30 {
            let stream = 2 * number + 1
            let hasBody = random.next(below: 2) == 0
            let block =
                number == 0 || random.next(below: 2) == 0 ? H.get("/\(number)") : H.sameAgain
            asked.append("\(stream)")
            rig.send(H.headers(stream, block, ends: !hasBody))
            if hasBody { rig.send(H.data(stream, "body \(number)")) }
            rig.send(H.headers(stream, [0x88] + H.kept("n", "\(number)"), ends: false), .backward)
            rig.send(H.data(stream, "answer \(number)"), .backward)
            if random.next(below: 3) == 0 { rig.advance(3) }
        }
        rig.advance(100)
        let requests = self.requests(rig).filter { $0.hasPrefix("HEADERS") }
        let heard = requests.map { String($0.split(separator: " ")[1]) }
        #expect(heard == asked.filter(heard.contains) && heard.count < 30 && heard.count > 5)
        for line in self.requests(rig) + self.responses(rig) {
            let isKnown = ["HEADERS ", "DATA ", "WINDOW_UPDATE 0 "].contains { line.hasPrefix($0) }
            #expect(isKnown, "\(line)")
        }
        // Bodies come only with their requests.
        for line in self.requests(rig) where line.hasPrefix("DATA") {
            #expect(heard.contains(String(line.split(separator: " ")[1])))
        }
    }
}
