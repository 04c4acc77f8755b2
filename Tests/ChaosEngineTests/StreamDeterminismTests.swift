import ChaosCore
import ChaosEngine
import Testing

/// Same seed, same schedule, same decisions for the same bytes, whatever else happens.
@Suite struct StreamDeterminismTests {
    static func random(_ percent: Int, _ correlation: Int = 0) -> Fault.Occurrence {
        .random(Ratio(percent: percent), correlation: Ratio(percent: correlation))
    }

    static let rawFaults: [(String, Fault)] = [
        ("loss", .loss(.init(.plain(random(5, 25))))),
        (
            "delay",
            .delay(
                .init(
                    latency: .milliseconds(20), jitter: .milliseconds(5), distribution: .normal,
                    correlation: Ratio(percent: 25)))
        ), ("corrupt", .corrupt(.init(random(10), bits: 2))),
    ]

    static let messageFaults: [(String, Fault)] =
        rawFaults + [
            ("duplicate", .duplicate(.init(random(10, 30)))),
            ("reorder", .reorder(.init(random(10), gap: 2))),
        ]

    struct Outcome: Equatable {
        var fingerprints: [UInt64]
        var decisions: [String]
        var output: [UInt8]
    }

    static let lines = Array((0..<400).map { "message \($0) of this stream\n" }.joined().utf8)

    /// Sends 40 000 bytes cut into reads of random sizes below a bound.
    static func outcome(
        _ framing: Framing, reads: Int, cutSeed: UInt64 = 1, seed: UInt64 = 42,
        other: (StreamRig) -> Void = { _ in }
    ) -> Outcome {
        let rig = StreamRig(framing: framing, seed: seed)
        let faults = framing == .none ? Self.rawFaults : Self.messageFaults
        for (id, fault) in faults { rig.inject(fault, id: id) }
        let bytes = framing == .none ? [UInt8].pattern(20_000) : Self.lines
        var generator = Seed(cutSeed).generator
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = min(rest.count, 1 + generator.next(below: reads))
            other(rig)
            rig.send(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        rig.end()
        rig.advance(to: 1e9)
        return Outcome(
            fingerprints: [rig.connection.fingerprint(.forward)],
            decisions: rig.decisions.filter {
                $0.contains(#""connection":0,"direction":"forward""#)
            },
            output: rig.output())
    }

    @Test(arguments: [Framing.none, .lines], [1, 10, 1000, 5000])
    func theReadsDoNotMatter(_ framing: Framing, _ reads: Int) {
        let whole = Self.outcome(framing, reads: 100_000)
        #expect(Self.outcome(framing, reads: reads) == whole)
        #expect(Self.outcome(framing, reads: reads, cutSeed: 2) == whole)
        #expect(whole.decisions.count > 2)
    }

    @Test(arguments: [Framing.none, .lines])
    func theSeedMatters(_ framing: Framing) {
        #expect(
            Self.outcome(framing, reads: 1000).decisions
                != Self.outcome(framing, reads: 1000, seed: 43).decisions)
    }

    @Test(arguments: [Framing.none, .lines])
    func otherConnectionsAndLinksDoNotMatter(_ framing: Framing) {
        let alone = Self.outcome(framing, reads: 1000)
        var others: [Connection<ByteArray>] = []
        let crowded = Self.outcome(framing, reads: 1000) { rig in
            if others.isEmpty {
                for link in [StreamRig.link, StreamRig.link.reversed, Link("n3", "n2", "peer")] {
                    others.append(Connection(over: link, in: rig.network, at: rig.now))
                }
            }
            for other in others {
                other.received(ByteArray(Array("noise\nnoise\n".utf8)), .forward, at: rig.now)
                other.received(ByteArray([1, 2, 3, 10]), .backward, at: rig.now)
            }
        }
        #expect(crowded == alone)
    }

    @Test(arguments: [Framing.none, .lines])
    func otherFaultsShiftNoDecisions(_ framing: Framing) {
        func decisions(_ kinds: Set<String>) -> [String: [String]] {
            let rig = StreamRig(framing: framing, seed: 42)
            for (id, fault) in Self.messageFaults where kinds.contains(id) {
                rig.inject(fault, id: id)
            }
            if kinds.contains("slicer") {
                rig.inject(.slicer(.init(averageSize: ByteCount(500))), id: "slicer")
            }
            rig.send(framing == .none ? [UInt8].pattern(60_000) : Self.lines)
            rig.end()
            rig.advance(to: 1e9)
            return Dictionary(grouping: rig.decisions) { decision in
                String(decision.dropFirst(9).prefix { $0 != "\"" })
            }
        }
        let all = decisions(["loss", "delay", "corrupt", "duplicate", "reorder", "slicer"])
        let more = framing == .none ? [] : ["duplicate", "reorder"]
        for kind in ["loss", "corrupt"] + more {
            #expect(decisions([kind])[kind] == all[kind])
            #expect(all[kind]?.isEmpty == false)
        }
    }

    @Test func delaysAreTheSameWhateverElseIsDecided() {
        func times(_ withLoss: Bool) -> [Double] {
            let rig = StreamRig(framing: .lines, seed: 7)
            rig.inject(
                .delay(
                    .init(
                        latency: .milliseconds(50), jitter: .milliseconds(50),
                        correlation: Ratio(percent: 20))), id: "delay")
            if withLoss { rig.inject(.loss(.init(.plain(.nth(2)))), id: "loss") }
            for number in 0..<20 {
                rig.advance(to: Double(number * 1000))
                rig.send("\(number)\n")
            }
            rig.advance(to: 1e6)
            return rig.times()
        }
        var expected = times(false)
        expected.remove(at: 1)
        #expect(times(true) == expected)
    }

    @Test func aFaultRemovedAndPutBackDrawsTheSame() {
        func decisions(_ interrupted: Bool) -> [String] {
            let rig = StreamRig(framing: .lines, seed: 3)
            let fault = Fault.loss(.init(.plain(Self.random(20))))
            rig.inject(fault, id: "loss")
            for number in 0..<100 {
                if interrupted && number == 50 {
                    rig.remove("loss")
                    rig.inject(fault, id: "loss")
                }
                rig.send("\(number)\n")
            }
            return rig.decisions
        }
        #expect(decisions(true) == decisions(false))
    }

    @Test func connectionsOfALinkDecideApart() {
        let network = Network(seed: Seed(5), nodes: ["n1", "n2"], framing: ["peer": .lines])
        network.inject(
            .loss(.init(.plain(Self.random(50)))), on: .betweenNodes, id: "f", origin: .control,
            at: .start)
        let fingerprints = (0..<4).map { _ in
            let connection = Connection<ByteArray>(over: StreamRig.link, in: network, at: .start)
            connection.received(ByteArray(Self.lines), .forward, at: .start)
            connection.received(ByteArray(Self.lines), .backward, at: .start)
            return [connection.fingerprint(.forward), connection.fingerprint(.backward)]
        }
        #expect(Set(fingerprints.flatMap { $0 }).count == 8)
    }

    /// These numbers were drawn once. If they change, old seeds no longer repeat old runs.
    @Test func theDrawsStayWhatTheyAre() {
        let raw = Self.outcome(.none, reads: 1000)
        let framed = Self.outcome(.lines, reads: 1000)
        #expect(raw.fingerprints.map { String($0, radix: 16) } == ["820ae5db58606f66"])
        #expect(framed.fingerprints.map { String($0, radix: 16) } == ["f1af4cee4457b43"])
        #expect(Self.summary(raw) == ["corrupt 2", "corrupt 7", "corrupt 8"])
        #expect(
            Self.summary(framed).prefix(6) == [
                "corrupt 2", "corrupt 7", "corrupt 8", "reorder 12", "reorder 15", "corrupt 17",
            ])
    }

    private static func summary(_ outcome: Outcome) -> [String] {
        outcome.decisions.compactMap { try? JSONValue(parsing: Array($0.utf8)) }.map { decision in
            let place = decision["block"] ?? decision["message"] ?? .null
            return "\(decision["kind"]?.stringValue ?? "?") \(place.text)"
        }
    }
}
