#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Glibc
    import Testing

    @testable import ChaosProxy

    @Suite("Datagrams through the proxy", .serialized)
    struct DatagramTests {
        @Test(arguments: everyDriver)
        func passThereAndBack(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                try sender.send("hello")
                let (bytes, from) = try target.receive()
                #expect(String(decoding: bytes, as: UTF8.self) == "hello")
                try target.send("answer", to: from)
                #expect(try sender.text() == "answer")
                let counts = try world.inspect { network in
                    [Link("n1", "n2", "u"), Link("n2", "n1", "u")].map { link in
                        let state = network.state(of: link)
                        return [state.messagesSeen, state.bytesReceived, state.bytesDelivered]
                    }
                }
                #expect(counts == [[1, 5, 5], [1, 6, 6]])
                #expect(try world.connections.map(\.link) == [Link("n1", "n2", "u")])
            }
        }

        @Test(arguments: everyDriver)
        func passOverIPv6(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let any = Endpoint.tcp(host: "::1", port: 0)
                let target = try TestDatagrams(on: any)
                let proxied = try world.datagramLink(to: target.local, listen: any)
                let sender = try TestDatagrams(on: any)
                try sender.connect(to: proxied)
                try sender.send("six")
                let (bytes, from) = try target.receive()
                #expect(bytes == Array("six".utf8))
                try target.send("answer", to: from)
                #expect(try sender.text() == "answer")
            }
        }

        /// Both families meet at one port, as they do with Toxiproxy.
        @Test(arguments: everyDriver)
        func passFromOneFamilyToTheOther(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let target = try TestDatagrams(on: .tcp(host: "::1", port: 0))
                let proxied = try world.datagramLink(
                    to: target.local, listen: .tcp(host: "::", port: 0))
                guard case .tcp(_, let port) = proxied else { return }
                for host in ["127.0.0.3", "::1"] {
                    let sender = try TestDatagrams(
                        on: .tcp(host: host == "::1" ? "::1" : "127.0.0.4", port: 0))
                    // A connected socket hears only the very address that it sent to.
                    try sender.connect(to: .tcp(host: host, port: port))
                    try sender.send(host)
                    let (bytes, from) = try target.receive()
                    #expect(String(decoding: bytes, as: UTF8.self) == host)
                    try target.send("answer", to: from)
                    #expect(try sender.text() == "answer")
                }
            }
        }

        @Test(arguments: everyDriver)
        func haveAnySizeThereIs(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, _) = try world.datagrams()
                for size in [0, 1, 1500, 65_507] {
                    let sent = size == 0 ? [] : Pattern.bytes(at: size, count: size)
                    try sender.send(sent)
                    let (bytes, from) = try target.receive()
                    #expect(bytes == sent)
                    try target.send(bytes, to: from)
                    #expect(try sender.receive().bytes == sent)
                }
                // The same when they have to wait.
                try world.inject(.delay(Fault.Delay(latency: .milliseconds(1))))
                for size in [0, 65_507] {
                    try sender.send([UInt8](repeating: 7, count: size))
                    #expect(try target.receive().bytes.count == size)
                }
            }
        }

        @Test(arguments: everyDriver)
        func leaveFromTheAddressAskedFor(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let target = try TestDatagrams(on: world.anyPort)
                let proxied = try world.datagramLink(to: target.local, source: "127.98.7.6")
                let sender = try TestDatagrams(on: world.anyPort)
                try sender.send("x", to: proxied)
                guard case .tcp(let host, _) = try target.receive().from else { return }
                #expect(host == "127.98.7.6")
            }
        }

        @Test(arguments: everyDriver)
        func eachSenderHasItsOwnAnswers(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let target = try TestDatagrams(on: world.anyPort)
                let proxied = try world.datagramLink(to: target.local)
                let echo = target.echo()
                let senders = try (0..<50).map { _ in try TestDatagrams(on: world.anyPort) }
                for round in 0..<3 {
                    for (number, sender) in senders.enumerated() {
                        try sender.send("\(number) \(round)", to: proxied)
                    }
                    for (number, sender) in senders.enumerated() {
                        let (bytes, from) = try sender.receive()
                        #expect(String(decoding: bytes, as: UTF8.self) == "\(number) \(round)")
                        #expect(from == proxied)
                    }
                }
                #expect(try world.connections.map(\.ordinal) == Array(0..<50))
                try senders[0].send("end", to: target.local)
                #expect(try echo.wait() == 150)
            }
        }

        @Test(arguments: everyDriver)
        func thousandsOfSendersAreServed(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let target = try TestDatagrams(on: world.anyPort)
                let proxied = try world.datagramLink(to: target.local)
                let echo = target.echo()
                let count = 2000
                let senders = try (0..<count).map { _ in try TestDatagrams(on: world.anyPort) }
                for batch in stride(from: 0, to: count, by: 100) {
                    for number in batch..<batch + 100 {
                        try senders[number].send("\(number)", to: proxied)
                    }
                    for number in batch..<batch + 100 {
                        #expect(try senders[number].text() == "\(number)")
                    }
                }
                #expect(try world.connections.count == count)
                try senders[0].send("end", to: target.local)
                #expect(try echo.wait() == count)
            }
        }

        /// Two nodes that talk from their own sockets see each other where each would send to the
        /// other, as memberlist and other gossips need it.
        @Test(arguments: everyDriver)
        func nodesSeeEachOtherWhereTheyWouldSend(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let one = try TestDatagrams(on: world.anyPort)
                let two = try TestDatagrams(on: world.anyPort)
                let wayToTwo = try world.datagramLink(to: two.local, from: "n1", "n2")
                let wayToOne = try world.datagramLink(to: one.local, from: "n2", "n1")
                try one.send("to two", to: wayToTwo)
                let (first, from) = try two.receive()
                #expect(String(decoding: first, as: UTF8.self) == "to two")
                #expect(from == wayToOne)
                // An answer, and something that two says of itself.
                for text in ["answer", "news"] {
                    try two.send(text, to: wayToOne)
                    let (bytes, from) = try one.receive()
                    #expect(String(decoding: bytes, as: UTF8.self) == text)
                    #expect(from == wayToTwo)
                }
                #expect(try world.connections.map(\.link) == [Link("n1", "n2", "u")])
                let counts = try world.inspect { network in
                    [Link("n1", "n2", "u"), Link("n2", "n1", "u")].map {
                        network.state(of: $0).messagesSeen
                    }
                }
                #expect(counts == [1, 2])
                // A socket that a node has beside is a client like any other.
                let beside = try TestDatagrams(on: world.anyPort)
                try beside.send("beside", to: wayToTwo)
                let (_, besideFrom) = try two.receive()
                #expect(besideFrom != wayToOne)
                try two.send("to beside", to: besideFrom)
                #expect(try beside.text() == "to beside")
            }
        }

        /// Who dials the address of another one's link is told apart by where he sends from.
        @Test(arguments: everyDriver)
        func aNodeAtAnAddressOfAnothersLinkIsRecognised(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let nodes = try (0..<3).map { _ in try TestDatagrams(on: world.anyPort) }
                let names: [NodeName] = ["n1", "n2", "n3"]
                var ways: [String: Endpoint] = [:]
                for (from, to) in [(0, 1), (1, 0), (2, 1), (1, 2)] {
                    ways["\(from)\(to)"] = try world.datagramLink(
                        to: nodes[to].local, from: names[from], names[to])
                }
                let own = try #require(ways["01"])
                let others = try #require(ways["21"])
                try nodes[0].send("own", to: own)
                #expect(try nodes[1].receive().from == ways["10"])
                // The same node a second time, past the address that is his.
                try nodes[0].send("others", to: others)
                let (_, from) = try nodes[1].receive()
                #expect(!ways.values.contains(from))
                try nodes[1].send("answer", to: from)
                let (bytes, answered) = try nodes[0].receive()
                #expect(bytes == Array("answer".utf8) && answered == others)
                #expect(
                    Set(try world.connections.map(\.link)) == [Link("n1", "n2", "u")])
                let remarks = world.journal.filter { $0.event == "opener" }
                #expect(remarks.map { $0.details["state"]?.stringValue } == ["mismatch"])
            }
        }

        @Test(arguments: everyDriver)
        func aClosedLinkIsGone(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let (sender, target, proxied) = try world.datagrams()
                try sender.send("x")
                #expect(try target.text() == "x")
                try world.wait { try await $0.close([Link("n1", "n2", "u")]) }
                #expect(try world.connections.isEmpty)
                try sender.send("y")
                #expect(throws: SocketError("recvfrom", ECONNREFUSED)) { try sender.receive() }
                // The address is free again.
                let again = try world.datagramLink(to: target.local, listen: proxied)
                #expect(again == proxied)
                try sender.send("z")
                #expect(try target.text() == "z")
            }
        }

        @Test(arguments: everyDriver)
        func anAddressInUseIsAnErrorAndNothingStaysOpen(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let taken = try TestDatagrams(on: world.anyPort)
                let free = try TestDatagrams(on: world.anyPort).local
                let specs = [free, taken.local].enumerated().map { index, listen in
                    ProxiedLink(
                        link: Link("n1", "n2", PortName("u\(index)")), listen: listen,
                        upstream: free, transport: .datagrams)
                }
                #expect {
                    try world.wait { try await $0.open(specs) }
                } throws: { error in
                    "\(error)"
                        == "proxy n1->n2:u1: cannot listen on \(taken.local): address already in "
                        + "use (errno 98)"
                }
                _ = try TestDatagrams(on: free)
            }
        }

        @Test(arguments: everyDriver)
        func streamsAndDatagramsShareANumber(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let stream = try TestSocket.listen(on: world.anyPort)
                let target = try TestDatagrams(on: stream.local)
                let listen = try TestDatagrams(on: world.anyPort).local
                let specs = [ProxiedLink.Transport.stream, .datagrams].enumerated().map {
                    index, transport in
                    ProxiedLink(
                        link: Link("n1", "n2", PortName("p\(index)")), listen: listen,
                        upstream: stream.local, transport: transport)
                }
                #expect(try world.wait { try await $0.open(specs) } == [listen, listen])
                let opener = try TestSocket.connect(to: listen)
                try opener.send(Array("stream".utf8))
                #expect(try stream.accept().receive(exactly: 6) == Array("stream".utf8))
                let sender = try TestDatagrams(on: world.anyPort)
                try sender.send("datagram", to: listen)
                #expect(try target.text() == "datagram")
            }
        }

        // MARK: - Sessions

        @Test(arguments: everyDriver)
        func whoIsQuietIsForgotten(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver, idleTime: .milliseconds(50)) { world in
                let (sender, target, _) = try world.datagrams()
                try sender.send("one")
                let (_, first) = try target.receive()
                try world.eventually("the session is forgotten") { try world.connections.isEmpty }
                try sender.send("two")
                let (bytes, second) = try target.receive()
                #expect(bytes == Array("two".utf8))
                #expect(first != second)
                try world.eventually("both were written down") {
                    let opened = world.journal.filter { $0.details["state"] == "opened" }
                    return opened.compactMap { $0.details["connection"]?.intValue } == [0, 1]
                }
            }
        }

        // MARK: - Who is not there

        @Test(arguments: everyDriver)
        func aMissingTargetIsRefusedUntilItIsThere(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let place = try TestDatagrams(on: world.anyPort).local
                let proxied = try world.datagramLink(to: place)
                let sender = try TestDatagrams(on: world.anyPort)
                try sender.connect(to: proxied)
                try sender.send("into the void")
                // What comes next is refused by the kernel, as it would be without a proxy.
                try world.eventually("the sender is refused") {
                    do {
                        try sender.send("again")
                        return false
                    } catch let error as SocketError {
                        return error.number == ECONNREFUSED
                    }
                }
                let told = world.journal.filter { $0.details["state"] == "unreachable" }
                #expect(
                    told.map { $0.details["why"]?.stringValue } == [
                        "connection refused (errno 111)"
                    ])
                let target = try TestDatagrams(on: place)
                try world.eventually("the target is reached") {
                    try? sender.send("here?")
                    return (try? target.receive(isPatient: false)) != nil
                }
            }
        }

        /// Between two nodes the same: the way to the dead one refuses, the way to the living does not.
        @Test(arguments: everyDriver)
        func aDeadNodeIsRefusedAndALivingIsNot(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let one = try TestDatagrams(on: world.anyPort)
                let dead = try TestDatagrams(on: world.anyPort).local
                let wayToDead = try world.datagramLink(to: dead, from: "n1", "n2")
                let wayToOne = try world.datagramLink(to: one.local, from: "n2", "n1")
                let beside = try TestDatagrams(on: world.anyPort)
                try beside.connect(to: wayToDead)
                try one.send("are you there?", to: wayToDead)
                try world.eventually("others are refused too") {
                    do {
                        try beside.send("and now?")
                        return false
                    } catch { return true }
                }
                let two = try TestDatagrams(on: dead)
                try two.send("I am back", to: wayToOne)
                let (bytes, from) = try one.receive()
                #expect(String(decoding: bytes, as: UTF8.self) == "I am back")
                #expect(from == wayToDead)
                try world.eventually("the node is reached") {
                    try one.send("good", to: wayToDead)
                    return (try? two.receive(isPatient: false)) != nil
                }
            }
        }

        @Test(arguments: everyDriver)
        func aSenderThatIsGoneIsRefusedToItsTarget(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let target = try TestDatagrams(on: world.anyPort)
                let proxied = try world.datagramLink(to: target.local)
                var from = target.local
                do {
                    let sender = try TestDatagrams(on: world.anyPort)
                    try sender.send("x", to: proxied)
                    from = try target.receive().from
                }
                try target.connect(to: from)
                try world.eventually("the target is refused") {
                    do {
                        try target.send("are you there?")
                        return false
                    } catch let error as SocketError {
                        return error.number == ECONNREFUSED
                    }
                }
                #expect(try world.connections.isEmpty)
            }
        }

        @Test(arguments: everyDriver)
        func aTargetWithoutAnAddressIsUnreachable(driver: TestDriver) async throws {
            try await TestWorld.run(on: driver) { world in
                let proxied = try world.datagramLink(to: .tcp(host: "nowhere.invalid", port: 1))
                let sender = try TestDatagrams(on: world.anyPort)
                try sender.send("x", to: proxied)
                try world.eventually("it was told") {
                    world.journal.contains { $0.details["state"] == "unreachable" }
                }
            }
        }
    }
#endif
