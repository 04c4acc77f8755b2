#if os(Linux) && Netlink
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import Testing

    /// What only an address for everybody, or the wrong one, can show.
    @Suite("One address for everybody")
    struct OneAddressTests {
        private static let advertised = WorldKind.all.filter { $0.addresses == .advertised }

        @Test(arguments: advertised)
        func aNodeThatDialsItselfIsOnNoLink(_ kind: WorldKind) async throws {
            try await kind.run { world in
                let n1 = try await world.start("n1")
                try await world.proxy.change { network, now in
                    network.inject(
                        .delay(.init(latency: .seconds(1000))), on: .betweenNodes, id: "f",
                        origin: .control, at: now)
                    let pairs = [
                        DirectedPair("n1", "n2"), DirectedPair("n2", "n1"),
                        DirectedPair("n1", "n3"), DirectedPair("n3", "n1"),
                    ]
                    _ = network.cut(
                        pairs, text: "n1 / rest", mode: .drop, port: nil, id: "p",
                        origin: .control, at: now)
                }
                try n1.dial("self", world.address(of: "n1", for: "n1"), "x")
                try await n1.waitFor("self got \(world.answer(of: "n1", to: "n1", "x"))")
                #expect(try await world.touched("p") == 0)
                #expect(try await world.faultTouched() == 0)
                // It is no link, so it is in no list of links.
                #expect(try await world.opened() == [:])
                #expect(world.journal.all("opener").isEmpty)
            }
        }

        @Test(arguments: WorldKind.all.filter { $0.addresses == .perPair })
        func theOwnerOfTheSocketDecidesAtAnothersAddressToo(_ kind: WorldKind) async throws {
            try await kind.run { world in
                let n2 = try await world.start("n2")
                let n3 = try await world.start("n3")
                let ofN1 = world.address(of: "n2", for: "n1")
                try n3.dial("wrong", ofN1, "x")
                try await n3.waitFor("wrong got \(world.answer(of: "n2", to: "n3", "x"))")
                #expect(try await world.opened() == ["n3->n2:main": 1])
                #expect(
                    world.journal.all("opener").map(\.details) == [
                        [
                            "state": "mismatch", "link": "n3->n2:main",
                            "dialled": .string(ofN1.description), "of": "n1->n2:main",
                        ]
                    ])
                withExtendedLifetime(n2) {}
            }
        }

        @Test(arguments: advertised.filter { $0.transport != .unix })
        func whereEveryLinkIsCutAttemptsCountForTheLinkOfWhoTries(_ kind: WorldKind) async throws {
            try await kind.run { world in
                let n1 = try await world.start("n1")
                let n2 = try await world.start("n2")
                let n3 = try await world.start("n3")
                try await world.proxy.change { network, now in
                    for source in [NodeName("n1"), "n3", .client] {
                        _ = network.cut(
                            [DirectedPair(source, "n2")], text: "", mode: .drop, port: nil,
                            id: source.text, origin: .control, at: now)
                    }
                }
                // Nobody may come in, so the listener itself keeps silent.
                try n1.dial("a", world.address(of: "n2", for: "n1"), "x")
                try await world.waitForTouch(of: "n1", 1)
                try n3.dial("b", world.address(of: "n2", for: "n3"), "x")
                try await world.waitForTouch(of: "n3", 1)
                #expect(try await world.touched("client") == 0)
                #expect(try await world.touched("n1") == 1)
                #expect(try await world.proxy.connections().isEmpty)
                try await world.proxy.change { network, _ in _ = network.heal { _ in true } }
                try await n1.waitFor("a got \(world.answer(of: "n2", to: "n1", "x"))")
                try await n3.waitFor("b got \(world.answer(of: "n2", to: "n3", "x"))")
                withExtendedLifetime(n2) {}
            }
        }
    }
#endif
