#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc
    import Testing

    @testable import ChaosProxy

    /// What each fault and cut does to datagrams on real sockets. The senders send one after the other,
    /// so what arrives is exact.
    @Suite("Faults and cuts of datagrams", .serialized)
    struct DatagramFaultTests {
        private func sending(
            _ texts: [String], under fault: Fault, receiving count: Int, on driver: TestDriver,
            _ check: @escaping @Sendable ([String]) -> Void
        ) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try world.inject(fault)
                for (number, text) in texts.enumerated() {
                    try sender.send(text)
                    try world.awaitDatagrams(number + 1)
                }
                check(try (0..<count).map { _ in try target.text() })
                // Behind everything else; nothing more was on its way.
                try world.removeFault()
                try sender.send("last")
                #expect(try target.text() == "last")
                #expect(target.drain() == 0)
            }
        }

        @Test(arguments: everyDriver)
        func loss(driver: TestDriver) async throws {
            try await self.sending(
                ["a", "b", "c"], under: .loss(Fault.Loss(.plain(.nth(2)))), receiving: 2, on: driver
            ) { #expect($0 == ["a", "c"]) }
        }

        @Test(arguments: everyDriver)
        func duplicate(driver: TestDriver) async throws {
            try await self.sending(
                ["a", "b"], under: .duplicate(Fault.MessageFault(.nth(1))), receiving: 3, on: driver
            ) { #expect($0 == ["a", "a", "b"]) }
        }

        @Test(arguments: everyDriver)
        func reorder(driver: TestDriver) async throws {
            try await self.sending(
                ["a", "b", "c"],
                under: .reorder(Fault.Reorder(.nth(1), gap: 1, hold: .seconds(60))), receiving: 3,
                on: driver
            ) { #expect($0 == ["b", "a", "c"]) }
        }

        @Test(arguments: everyDriver)
        func corrupt(driver: TestDriver) async throws {
            try await self.sending(
                ["aaaa", "bbbb"], under: .corrupt(Fault.Corrupt(.nth(1), bits: 3)), receiving: 2,
                on: driver
            ) { texts in
                #expect(texts[1] == "bbbb")
                let flipped = zip(texts[0].unicodeScalars, "aaaa".unicodeScalars)
                    .map { ($0.value ^ $1.value).nonzeroBitCount }
                // Bytes above 127 are no text; three bits of ASCII may still be flipped there.
                #expect(texts[0] != "aaaa" && flipped.reduce(0, +) > 0)
            }
        }

        @Test(arguments: everyDriver)
        func delayIsNeverEarly(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try world.inject(.delay(Fault.Delay(latency: .milliseconds(30))))
                for _ in 0..<20 {
                    let begin = ContinuousClock.now
                    try sender.send("x")
                    _ = try target.receive()
                    #expect(ContinuousClock.now - begin >= .milliseconds(30))
                }
            }
        }

        @Test(arguments: everyDriver)
        func manyAreOnTheirWayAtOnce(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try world.inject(.delay(Fault.Delay(latency: .milliseconds(300))))
                for number in 0..<500 {
                    try sender.send("\(number)")
                    if number % 100 == 99 { try world.awaitDatagrams(number + 1) }
                }
                for number in 0..<500 { #expect(try target.text() == "\(number)") }
            }
        }

        @Test(arguments: everyDriver)
        func rate(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                // 100 kB/s; what does not pass at once needs 10 ms each.
                try world.inject(
                    .rate(Fault.Rate(Bandwidth(bitsPerSecond: 800_000), burst: ByteCount(1000))))
                let begin = ContinuousClock.now
                for _ in 0..<11 { try sender.send([UInt8](repeating: 0, count: 1000)) }
                for _ in 0..<11 { _ = try target.receive() }
                #expect(ContinuousClock.now - begin >= .milliseconds(100))
            }
        }

        // MARK: - Cuts

        @Test(arguments: everyDriver, TestWorld.Way.allCases)
        func dropLosesOneWayOrBoth(driver: TestDriver, way: TestWorld.Way) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try sender.send("before")
                let (_, from) = try target.receive()
                try world.cut(.drop, way)
                try sender.send("there")
                try world.awaitDatagrams(2)
                try target.send("back", to: from)
                try world.eventually("the answer was seen") {
                    try world.inspect { $0.state(of: Link("n2", "n1", "u")).messagesSeen } == 1
                }
                let healed = try world.heal()
                #expect(healed.crossed == 0)
                #expect(healed.touched == (way == .both ? 2 : 1))
                try sender.send("after")
                try target.send("after", to: from)
                #expect(try target.text() == (way == .backward ? "there" : "after"))
                #expect(try sender.text() == (way == .forward ? "back" : "after"))
            }
        }

        @Test(arguments: everyDriver)
        func holdDeliversWhenHealed(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try world.cut(.hold)
                for number in 1...3 {
                    try sender.send("\(number)")
                    try world.awaitDatagrams(number)
                }
                #expect(target.drain() == 0)
                let healed = try world.heal()
                #expect(healed.touched == 3 && healed.crossed == 0)
                #expect(try (1...3).map { _ in try target.text() } == ["1", "2", "3"])
            }
        }

        @Test(arguments: everyDriver)
        func rejectRefusesTheSender(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try sender.send("before")
                let (_, from) = try target.receive()
                try world.cut(.reject, .forward)
                try sender.send("refused")
                #expect(throws: SocketError("recvfrom", ECONNREFUSED)) { try sender.receive() }
                // The other way is as it was.
                try target.send("back", to: from)
                #expect(try sender.text() == "back")
                // Whoever was there met the cut.
                let healed = try world.heal()
                #expect(healed.touched == 1 && healed.crossed == 0)
                try sender.send("after")
                #expect(try target.text() == "after")
            }
        }

        @Test(arguments: everyDriver)
        func newOnlyLetsThoseGoOnWhoWereThere(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (old, target, proxied) = try world.datagrams()
                try old.send("old")
                #expect(try target.text() == "old")
                try world.cut(.newOnly, .forward)
                let new = try TestDatagrams(on: world.anyPort)
                try new.send("new", to: proxied)
                try world.awaitDatagrams(2)
                try old.send("old again")
                #expect(try target.text() == "old again")
                let healed = try world.heal()
                #expect(healed.touched == 1 && healed.crossed == 0)
            }
        }

        @Test(arguments: everyDriver)
        func establishedOnlyForgetsThoseWhoWereThere(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try sender.send("one")
                let (_, first) = try target.receive()
                try world.cut(.establishedOnly, .forward)
                #expect(try world.connections.isEmpty)
                try sender.send("two")
                let (_, second) = try target.receive()
                #expect(first != second)
                let healed = try world.heal()
                #expect(healed.touched == 1 && healed.crossed == 0)
            }
        }

        /// When a cut has been confirmed nothing more crosses it, whatever is under way.
        @Test(arguments: everyDriver, [PartitionMode.drop, .hold, .lose])
        func aConfirmedCutIsInEffect(driver: TestDriver, mode: PartitionMode) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                let stop = Flag()
                let flood = Running {
                    while !stop.isSet {
                        try sender.send("x")
                        usleep(20)
                    }
                }
                for _ in 0..<5 {
                    _ = try target.receive()
                    try world.cut(mode)
                    // What came before the confirmation is in the target's socket by now.
                    _ = target.drain()
                    let seen = try world.datagramsSeen
                    try world.awaitDatagrams(seen + 200)
                    #expect(target.drain() == 0)
                    let healed = try world.heal()
                    #expect(healed.crossed == 0 && healed.touched >= 200)
                }
                stop.set()
                try flood.wait()
            }
        }

        @Test(arguments: everyDriver)
        func cutsBetweenNodesAreDirected(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let one = try TestDatagrams(on: world.anyPort)
                let two = try TestDatagrams(on: world.anyPort)
                let wayToTwo = try world.datagramLink(to: two.local, from: "n1", "n2")
                let wayToOne = try world.datagramLink(to: one.local, from: "n2", "n1")
                try world.cut(.drop, .forward)
                try one.send("lost", to: wayToTwo)
                try two.send("arrives", to: wayToOne)
                #expect(try one.text() == "arrives")
                try world.awaitDatagrams(1)
                #expect(try world.heal().touched == 1)
                // One who is refused is still heard.
                try world.cut(.reject, .forward)
                try one.connect(to: wayToTwo)
                try one.send("refused")
                #expect(throws: SocketError("recvfrom", ECONNREFUSED)) { try one.receive() }
                try two.send("arrives too", to: wayToOne)
                #expect(try one.text() == "arrives too")
                #expect(try world.heal().crossed == 0)
            }
        }

        @Test(arguments: everyDriver)
        func decisionsAreInTheJournal(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try world.inject(.loss(Fault.Loss(.plain(.nth(1)))))
                try sender.send("a")
                try sender.send("b")
                #expect(try target.text() == "b")
                try world.eventually("it is written down") {
                    world.journal.contains { $0.event == "decision" }
                }
                let decision = try #require(world.journal.first { $0.event == "decision" })
                #expect(
                    JSONValue.object(decision.details).text
                        == #"{"kind":"loss","fault":"f","link":"n1->n2:u","connection":0,"#
                        + #""direction":"forward","packet":0}"#)
            }
        }
    }
#endif
