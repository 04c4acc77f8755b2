#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosScenario
    import Foundation
    import Testing

    // The same tests with an address for each pair and with one that everybody uses: what a fault or cut
    // of one link does, and that it does nothing to any other.

    /// One of the worlds in which every test runs.
    struct WorldKind: Sendable, CustomTestStringConvertible {
        let addresses: Addresses
        let transport: Transport
        let driver: ProxyDriverKind

        var testDescription: String { "\(self.addresses) \(self.transport) \(self.driver)" }

        static let all: [WorldKind] = ProxyDriverKind.available.flatMap { driver in
            Transport.allCases.flatMap { transport in
                Addresses.allCases.map {
                    WorldKind(addresses: $0, transport: transport, driver: driver)
                }
            }
        }

        func run(_ body: (OpenerWorld) async throws -> Void) async throws {
            try await OpenerWorld.with(self.addresses, self.transport, on: self.driver, body)
        }
    }

    @Suite("One address for everybody, and one for each pair")
    struct BothAddressesTests {
        /// What becomes of a connection while its link is cut, and when it is healed.
        private enum Fate {
            /// It goes on as if nothing were.
            case lives
            /// Nothing comes, until healed: then everything does.
            case stalls
            /// What was sent is gone; what is sent after heal comes.
            case loses
            /// It is reset or refused.
            case breaks
        }

        private struct Case {
            let mode: PartitionMode
            let pairs: [DirectedPair]
            /// What becomes of a connection from n1 to n2 that existed before, and of a new one.
            let fates: (old: Fate, new: Fate)
            /// How often the cut was touched by the old connection, and by both.
            let touched: (old: Int, both: Int)
        }

        private static let forward = DirectedPair("n1", "n2")
        private static let backward = DirectedPair("n2", "n1")

        /// All modes in all directions, as seen by connections that n1 opens to n2.
        private static func cases(in world: OpenerWorld) -> [Case] {
            let shapes = [[forward], [backward], [forward, backward]]
            // At an address of its own a refused attempt leaves no trace.
            let seen = world.addresses == .advertised ? 1 : 0
            return shapes.flatMap { pairs -> [Case] in
                let isForward = pairs.contains(forward)
                func both(_ mode: PartitionMode, _ fate: Fate) -> Case {
                    Case(mode: mode, pairs: pairs, fates: (fate, fate), touched: (1, 2))
                }
                func forwardOnly(
                    _ mode: PartitionMode, _ old: Fate, _ new: Fate, _ touched: (Int, Int)
                ) -> Case {
                    isForward
                        ? Case(mode: mode, pairs: pairs, fates: (old, new), touched: touched)
                        : Case(mode: mode, pairs: pairs, fates: (.lives, .lives), touched: (0, 0))
                }
                return [
                    both(.drop, .stalls), both(.hold, .stalls), both(.lose, .loses),
                    forwardOnly(.reject, .breaks, .breaks, (1, 1 + seen)),
                    forwardOnly(.newOnly, .lives, .stalls, (0, 1)),
                    forwardOnly(.establishedOnly, .breaks, .lives, (1, 1)),
                ]
            }
        }

        @Test(arguments: WorldKind.all)
        func everyCutMeetsItsOwnLinkOnly(_ kind: WorldKind) async throws {
            try await kind.run { world in
                let n1 = try await world.start("n1")
                let n2 = try await world.start("n2")
                let others = [try await world.start("n3"), try await world.start(.client)]
                for other in others {
                    let to = world.address(of: "n2", for: other.name)
                    try other.dial("c", to, "hello")
                    try await other.waitFor(
                        "c got \(world.answer(of: "n2", to: other.name, "hello"))")
                }
                let there = world.address(of: "n2", for: "n1")
                func got(_ tag: String, _ text: String) -> String {
                    "\(tag) got \(world.answer(of: "n2", to: "n1", text))"
                }
                for (index, one) in Self.cases(in: world).enumerated() {
                    let (old, new) = ("old\(index)", "new\(index)")
                    let name = "\(one.mode.rawValue) \(one.pairs)"
                    try n1.dial(old, there, "hello")
                    try await n1.waitFor(got(old, "hello"))
                    try await world.proxy.change { network, now in
                        _ = network.cut(
                            one.pairs, text: name, mode: one.mode, port: nil, id: "p\(index)",
                            origin: .control, at: now)
                    }
                    try n1.tell("say \(old) during")
                    if one.fates.old == .lives { try await n1.waitFor(got(old, "during")) }
                    if one.fates.old == .breaks { try await n1.waitFor("\(old) over") }
                    if one.fates.old == .loses {
                        // What was lost is known to be lost when the cut has counted it.
                        try await world.waitForTouch(of: "p\(index)", 1)
                    }
                    #expect(try await world.touched("p\(index)") == one.touched.old, "\(name)")
                    try n1.dial(new, there, "first")
                    if one.fates.new == .lives { try await n1.waitFor(got(new, "first")) }
                    if one.fates.new == .breaks { try await n1.waitFor("\(new) over") }
                    if one.fates.new == .stalls || one.fates.new == .loses {
                        try await world.waitForTouch(of: "p\(index)", one.touched.both)
                    }
                    for other in others {
                        let text = "besides\(index)"
                        try other.tell("say c \(text)")
                        try await other.waitFor(
                            "c got \(world.answer(of: "n2", to: other.name, text))")
                    }
                    #expect(
                        !n1.hasSaid(got(old, "during")) || one.fates.old == .lives, "\(name)")
                    #expect(!n1.hasSaid(got(new, "first")) || one.fates.new == .lives, "\(name)")
                    #expect(try await world.touched("p\(index)") == one.touched.both, "\(name)")
                    let crossed = try await world.proxy.change { network, _ in
                        network.heal { _ in true }.map { $0.crossedBytes.values.reduce(0, +) }
                    }
                    #expect(crossed == [0], "\(name)")
                    for (tag, fate) in [(old, one.fates.old), (new, one.fates.new)]
                    where fate != .breaks {
                        if fate == .stalls {
                            try await n1.waitFor(got(tag, tag == old ? "during" : "first"))
                        }
                        try n1.tell("say \(tag) after")
                        try await n1.waitFor(got(tag, "after"))
                        #expect(
                            fate != .loses
                                || !n1.hasSaid(got(tag, "during"))
                                    && !n1.hasSaid(got(tag, "first")),
                            "\(name)")
                        try n1.tell("close \(tag)")
                    }
                    try await world.waitForConnections(others.count)
                }
                // Every connection was on the link of the one who opened it.
                let opened = try await world.opened()
                #expect(opened.keys.sorted() == ["client->n2:main", "n1->n2:main", "n3->n2:main"])
                #expect(opened["client->n2:main"] == 1 && opened["n3->n2:main"] == 1)
                // An attempt that is refused opens none, at whichever address.
                let refused = Self.cases(in: world).count { $0.fates.new == .breaks }
                #expect(opened["n1->n2:main"] == 2 * Self.cases(in: world).count - refused)
                #expect(world.journal.all("opener").isEmpty)
                withExtendedLifetime(n2) {}
            }
        }

        /// One example of each kind of fault.
        private static let faults: [FaultKind: String] = [
            .delay: "delay=1ms", .loss: "loss=nth:2", .duplicate: "duplicate=nth:2",
            .reorder: "reorder=nth:2", .corrupt: "corrupt=nth:2", .rate: "rate=1mbit",
            .slicer: "slicer=2B", .limitData: "limit_data=9B", .slowClose: "slow_close=1ms",
            .resetPeer: "reset_peer=1ms", .timeout: "timeout=1ms", .acceptDelay: "accept_delay=1ms",
            .refuse: "refuse", .ackLoss: "ack_loss=nth:2", .coalesce: "coalesce=1ms",
        ]

        @Test(arguments: WorldKind.all)
        func everyFaultMeetsItsOwnLinkOnly(_ kind: WorldKind) async throws {
            try await kind.run { world in
                let agents = [
                    try await world.start("n1"), try await world.start("n3"),
                    try await world.start(.client),
                ]
                let n2 = try await world.start("n2")
                for kind in FaultKind.allCases {
                    let text = try #require(Self.faults[kind], "an example of '\(kind)'")
                    let fault = try #require(try FaultText.parse([text]).first)
                    try await world.proxy.change { network, now in
                        let links = LinkPattern(NodePattern("n1"), NodePattern("n2"))
                        network.inject(fault, on: links, id: "f", origin: .control, at: now)
                    }
                    let tag = kind.rawValue
                    func dial(_ agent: Agent) throws {
                        try agent.dial(tag, world.address(of: "n2", for: agent.name), "1")
                    }
                    // Whoever is not n1 notices nothing.
                    for agent in agents where agent.name != "n1" {
                        try dial(agent)
                        for number in 1...4 {
                            let answer = world.answer(of: "n2", to: agent.name, "\(number)")
                            try await agent.waitFor("\(tag) got \(answer)")
                            if number < 4 { try agent.tell("say \(tag) \(number + 1)") }
                        }
                        try agent.tell("close \(tag)")
                        try await agent.waitFor("\(tag) over")
                    }
                    try await world.waitForConnections(0)
                    #expect(try await world.faultTouched() == 0, "\(kind)")
                    // n1 meets it.
                    try dial(agents[0])
                    for number in 2...4 { try agents[0].tell("say \(tag) \(number)") }
                    if kind == .refuse && world.addresses == .perPair {
                        // The kernel refuses, and tells nobody.
                        try await agents[0].waitFor("\(tag) over")
                        #expect(try await world.faultTouched() == 0)
                    } else if kind == .refuse || kind == .timeout || kind == .resetPeer {
                        try await agents[0].waitFor("\(tag) over")
                        #expect(try await world.faultTouched() > 0, "\(kind)")
                    } else {
                        if kind == .slowClose {
                            let last = world.answer(of: "n2", to: "n1", "4")
                            try await agents[0].waitFor("\(tag) got \(last)")
                            try agents[0].tell("close \(tag)")
                        }
                        try await world.waitForFault()
                        try agents[0].tell("close \(tag)")
                    }
                    try await world.proxy.change { network, _ in
                        network.removeInjections { _ in true }
                        return
                    }
                    try await world.waitForConnections(0)
                }
                #expect(world.journal.all("opener").isEmpty)
                withExtendedLifetime(n2) {}
            }
        }

        @Test(arguments: WorldKind.all)
        func aNodeThatStartsAgainIsCutAsBefore(_ kind: WorldKind) async throws {
            try await kind.run { world in
                var n1 = try await world.start("n1")
                var n2 = try await world.start("n2")
                let n3 = try await world.start("n3")
                try await world.proxy.change { network, now in
                    _ = network.cut(
                        [Self.forward, Self.backward], text: "n1 / n2", mode: .hold, port: nil,
                        id: "p", origin: .control, at: now)
                }
                for round in 1...2 {
                    let tag = "round\(round)"
                    try n1.dial(tag, world.address(of: "n2", for: "n1"), "x")
                    try await world.waitForTouch(of: "p", round)
                    try n3.dial(tag, world.address(of: "n2", for: "n3"), "x")
                    let answer = "\(tag) got \(world.answer(of: "n2", to: "n3", "x"))"
                    try await n3.waitFor(answer)
                    #expect(n1.heard(on: tag).isEmpty)
                    for agent in [n1, n2] {
                        try await world.host.send(.kill, to: agent.process)
                        _ = await agent.process.exitStatus()
                    }
                    // Under `hold` not even an end crosses: only the other one is gone.
                    try await world.waitForConnections(round)
                    n2 = try await world.start("n2")
                    n1 = try await world.start("n1")
                }
                try await world.proxy.change { network, _ in
                    #expect(network.heal { _ in true }.map(\.crossedBytes.isEmpty) == [true])
                }
                try n1.dial("healed", world.address(of: "n2", for: "n1"), "x")
                try await n1.waitFor("healed got \(world.answer(of: "n2", to: "n1", "x"))")
                #expect(
                    try await world.opened() == ["n1->n2:main": 3, "n3->n2:main": 2])
                withExtendedLifetime(n2) {}
            }
        }
    }
#endif
