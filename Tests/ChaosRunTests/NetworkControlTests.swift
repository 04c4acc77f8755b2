import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosRun
import ChaosScenario
import Synchronization
import Testing

/// A network control over a proxy that has links but no listeners.
private final class ControlledNetwork: Sendable {
    let control: NetworkControl
    let proxy: Proxy
    private let journal = JournalBox()

    static let links = [
        Link("n1", "n2", "main"), Link("n2", "n1", "main"), Link("n1", "n20", "main"),
        Link("n2", "n20", "raw"), Link("client", "n1", "main"),
    ]

    init(reserved: Set<String> = [], mode: PartitionMode? = nil) async throws {
        let nodes: [NodeName] = ["n1", "n2", "n20"]
        let journal = self.journal
        self.proxy = try await Proxy(
            clock: RunClock(), makeNetwork: { Network(seed: Seed(1), nodes: nodes) },
            journal: { journal.add($0) })
        var spec = NetworkSpec()
        spec.framing["main"] = .lines
        spec.partitionMode = mode
        self.control = NetworkControl(
            proxy: self.proxy, nodes: nodes, ports: ["main", "raw", "news"], network: spec,
            seed: Seed(1),
            datagramPorts: ["news"], reserved: reserved)
        try await self.proxy.inspect { network, _ in
            for link in Self.links { _ = network.state(of: link) }
        }
    }

    /// What was written down, without times.
    var lines: [String] {
        self.journal.entries.map { "\($0.event) \(JSONValue.object($0.details).text)" }
    }

    func active() async throws -> [String] {
        try await self.proxy.inspect { network, _ in
            network.activeInjections.map(\.id) + network.activeCuts.map(\.id)
        }
    }
}

/// Cannot do what it is asked first, and can undo it.
private final class UnableCompanion: NetworkCompanion {
    struct Failure: Error, CustomStringConvertible { let description = "too much" }

    private let calls = Mutex(0)

    /// How often it was told of a change.
    var count: Int { self.calls.withLock { $0 } }

    func catchUp() {}

    func networkChanged() throws {
        let number = self.calls.withLock { calls in
            calls += 1
            return calls
        }
        if number % 2 == 1 { throw Failure() }
    }
}

private final class JournalBox: Sendable {
    private let state = Mutex<[JournalEntry]>([])
    func add(_ entries: [JournalEntry]) { self.state.withLock { $0 += entries } }
    var entries: [JournalEntry] { self.state.withLock { $0 } }
}

private func rule(_ links: String, _ faults: String...) throws -> FaultRule {
    FaultRule(links: try LinkPattern(parsing: links), faults: try FaultText.parse(faults))
}

/// What is done to a network: ids, records, ends.
@Suite struct NetworkControlTests {
    @Test func idsCountByLetterAndPassOverThoseOfTheScenario() async throws {
        let network = try await ControlledNetwork(reserved: ["p1", "f2"])
        let control = network.control
        #expect(await control.makeID("p") == "p2")
        #expect(await control.makeID("f") == "f1")
        #expect(await control.makeID("f") == "f3")
        await network.proxy.close()
    }

    @Test func oneRecordStandsForAllItsFaultsAndEndsThemTogether() async throws {
        let network = try await ControlledNetwork()
        let record = try await network.control.inject(
            [try rule("n1->n2", "delay=10ms", "loss=1%"), try rule("n2->n1", "delay=1ms")],
            id: "a.b[0]", origin: .schedule)
        #expect(record.text == "n1->n2 delay 10ms loss 1%; n2->n1 delay 1ms")
        // Neither a part of the name nor a longer name belongs to it.
        _ = try await network.control.inject(
            [try rule("n1->n2", "rate=1mbit")], id: "a", origin: .control)
        _ = try await network.control.inject(
            [try rule("n1->n2", "slicer=100B")], id: "a.b[0].c", origin: .control)
        #expect(try await network.control.end("a.b[0]")?.id == "a.b[0]")
        #expect(try await network.active() == ["a.rate", "a.b[0].c.slicer"])
        #expect(try await network.control.end("a")?.id == "a")
        #expect(try await network.active() == ["a.b[0].c.slicer"])
        await network.proxy.close()
    }

    @Test func theRecordOfAnEnginesInjectionIsWhatStandsBeforeTheLastDot() {
        #expect(InjectionRecord.id(ofEngine: "f1.delay") == "f1")
        #expect(InjectionRecord.id(ofEngine: "f10.delay") == "f10")
        #expect(InjectionRecord.id(ofEngine: "schedule[1]#2.loss") == "schedule[1]#2")
        #expect(InjectionRecord.id(ofEngine: "v1.2.loss") == "v1.2")
    }

    @Test func anInjectionEndsOnceAndTheSecondWhoAsksWaitsForIt() async throws {
        let network = try await ControlledNetwork()
        for round in 1...50 {
            let id = "p\(round)"
            _ = try await network.control.cut(
                [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: .drop, port: nil, id: id,
                origin: .control)
            async let one = network.control.end(id)
            async let two = network.control.end(id)
            let ended = try await [one, two].compactMap(\.self)
            #expect(ended.map(\.id) == [id])
            // Whoever came second saw its effect all the same.
            #expect(try await network.active() == [])
        }
        #expect(try await network.control.end("p1") == nil)
        #expect(try await network.control.end("nothing") == nil)
        await network.proxy.close()
    }

    /// What cannot be carried out everywhere is nowhere: neither in the network nor in the records.
    @Test func whatFailsIsTakenBack() async throws {
        let network = try await ControlledNetwork()
        _ = try await network.control.inject(
            [try rule("n1->n2", "delay=10ms")], id: "f1", origin: .control)
        let companion = UnableCompanion()
        network.proxy.accompany(companion)
        await #expect(throws: UnableCompanion.Failure.self) {
            try await network.control.inject(
                [try rule("n1->n2", "loss=10%")], id: "f2", origin: .control)
        }
        await #expect(throws: UnableCompanion.Failure.self) {
            try await network.control.cut(
                [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: .drop, port: nil, id: "p1",
                origin: .control)
        }
        #expect(try await network.active() == ["f1.delay"])
        #expect(await network.control.activeRecords.map(\.id) == ["f1"])
        // Each time it was told of what came, and that it is gone.
        #expect(companion.count == 4)
        network.proxy.accompany(nil)
        await network.proxy.close()
        #expect(
            network.lines.suffix(2) == [
                #"partition {"id":"p1","state":"begin","text":"n1 -> n2","origin":"control","mode":"drop","places":["n1->n2"]}"#,
                #"partition {"id":"p1","state":"end","text":"n1 -> n2","origin":"control","mode":"drop","places":["n1->n2"],"error":"too much"}"#,
            ])
    }

    @Test func severalEndAtOnceInTheOrderGiven() async throws {
        let network = try await ControlledNetwork()
        for id in ["f1", "f2", "f3"] {
            _ = try await network.control.inject(
                [try rule("n1->n2", "delay=\(id.dropFirst())ms")], id: id, origin: .control)
        }
        _ = try await network.control.cut(
            [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: .hold, port: nil, id: "p1",
            origin: .control)
        // What is named twice ends once, and what there is not is passed over.
        let ended = try await network.control.end(["p1", "f3", "nothing", "f1", "p1"])
        #expect(ended.map(\.id) == ["p1", "f3", "f1"])
        #expect(Set(ended.map(\.end)).count == 1)
        #expect(try await network.active() == ["f2.delay"])
        #expect(try await network.control.end("f2")?.id == "f2")
        #expect(try await network.active() == [])
        await network.proxy.close()
    }

    @Test func beginsAndEndsStandInTheJournalWithoutTimes() async throws {
        let network = try await ControlledNetwork()
        _ = try await network.control.cut(
            [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: .reject, port: "main", id: "p1",
            origin: .control, lasting: .seconds(3))
        _ = try await network.control.end("p1")
        #expect(
            network.lines == [
                #"partition {"id":"p1","state":"begin","text":"n1 -> n2","origin":"control","#
                    + #""mode":"reject","port":"main","places":["n1->n2"]}"#,
                #"partition {"id":"p1","state":"end","text":"n1 -> n2","origin":"control","#
                    + #""mode":"reject","port":"main","places":["n1->n2"],"touched":0,"hits":0}"#,
            ])
        await network.proxy.close()
    }

    @Test func aLeaseIsCountedFromTheEffect() async throws {
        let network = try await ControlledNetwork()
        let record = try await network.control.cut(
            [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: nil, port: nil, id: "p1",
            origin: .control, lasting: .seconds(3))
        #expect(record.mode == .drop)
        #expect(record.until == record.begin + .seconds(3))
        await network.proxy.close()
    }

    @Test func recordsOfCutsProveEveryLinkThatTheyCover() async throws {
        let network = try await ControlledNetwork()
        _ = try await network.control.cut(
            [DirectedPair("n1", "n2"), DirectedPair("n2", "n1")], text: "n1 / n2", mode: .hold,
            port: nil, id: "p1", origin: .schedule)
        let records = try await network.control.currentRecords()
        #expect(
            records.first?.crossings == [
                .init(link: Link("n1", "n2", "main"), bytes: 0),
                .init(link: Link("n2", "n1", "main"), bytes: 0),
            ])
        await network.proxy.close()
    }

    @Test func aSelectionOfLinksMeansWhatIsOnNoOthers() async throws {
        let network = try await ControlledNetwork()
        let one = try await network.control.inject(
            [try rule("n1->n2", "delay=10ms")], id: "f1", origin: .control)
        let long = try await network.control.inject(
            [try rule("n1->n20", "delay=10ms")], id: "f2", origin: .control)
        let both = try await network.control.inject(
            [try rule("n1<->n2", "delay=10ms")], id: "f3", origin: .control)
        let links = ControlledNetwork.links
        let exact = [try LinkPattern(parsing: "n1->n2")]
        #expect(one.isWithin(exact, among: links))
        #expect(!long.isWithin(exact, among: links))
        #expect(!both.isWithin(exact, among: links))
        let wide = [try LinkPattern(parsing: "n1->*")]
        #expect(one.isWithin(wide, among: links))
        #expect(long.isWithin(wide, among: links))
        #expect(!both.isWithin(wide, among: links))
        #expect(both.isWithin([try LinkPattern(parsing: "*->*")], among: links))
        await network.proxy.close()
    }

    @Test func datagramsHaveTheFaultsAndCutsOfPackets() async throws {
        let network = try await ControlledNetwork()
        for fault in ["duplicate=1%", "reorder=1%", "loss=1%", "delay=1s", "rate=1mbit"] {
            _ = try await network.control.inject(
                [try rule("n1->n2:news", fault)], id: "f", origin: .control)
            try await network.control.end("f")
        }
        let slicer = await #expect(throws: InputError.self) {
            _ = try await network.control.inject(
                [try rule("n1->n2:news", "slicer=10B")], id: "f", origin: .control)
        }
        #expect(
            slicer?.sentence.hasPrefix("'slicer' is for streams, and port 'news' is udp") == true)
        _ = try await network.control.cut(
            [DirectedPair("n1", "n2")], text: "n1 -> n2", mode: .lose, port: "news", id: "p1",
            origin: .control)
        await network.proxy.close()
    }

    @Test func whatNeedsMessagesIsRefusedWhereThereAreNone() async throws {
        let network = try await ControlledNetwork()
        let fault = await #expect(throws: InputError.self) {
            _ = try await network.control.inject(
                [try rule("n2->n20:raw", "duplicate=1%")], id: "f1", origin: .control)
        }
        #expect(
            fault?.description
                == """
                'duplicate' needs messages, and port 'raw' has no framing
                hint: name one under 'network: framing:' in the scenario
                """)
        let cut = await #expect(throws: InputError.self) {
            _ = try await network.control.cut(
                [DirectedPair("n2", "n20")], text: "n2 -> n20", mode: .lose, port: "raw", id: "p1",
                origin: .control)
        }
        #expect(cut?.sentence == "mode 'lose' needs messages, and port 'raw' has no framing")
        let lab = await #expect(throws: InputError.self) {
            _ = try await network.control.cut(
                [DirectedPair("n2", "n20")], text: "x", mode: .unreachable, port: nil, id: "p1",
                origin: .control)
        }
        #expect(
            lab?.sentence
                == "mode 'unreachable' needs the lab, and this run has the backend 'proxy'")
        #expect(await network.control.allRecords.isEmpty)
        await network.proxy.close()
    }

    @Test func aPartitionThatCutsNothingIsRefused() async throws {
        let network = try await ControlledNetwork()
        let partition = try Partition(parsing: "n1 n2 n20 / n1 n2 n20")
        let error = await #expect(throws: InputError.self) {
            _ = try await network.control.cuts(of: partition, id: "p1")
        }
        #expect(
            error?.sentence
                == "a partition cuts at least one link of the cluster, found '\(partition)'")
        await network.proxy.close()
    }

    @Test func aRandomShapeIsTheSameAgainForTheSameSeedAndID() async throws {
        let one = try await ControlledNetwork()
        let two = try await ControlledNetwork()
        let shape = try Partition(parsing: "random-halves")
        let first = try await one.control.cuts(of: shape, id: "p1")
        _ = await two.control.makeID("p")
        #expect(try await two.control.cuts(of: shape, id: "p1") == first)
        await one.proxy.close()
        await two.proxy.close()
    }
}
