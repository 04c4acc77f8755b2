import ChaosCore
import ChaosEngine
import ChaosSockets
import Dispatch
import Glibc
import NIOCore
import Testing

@testable import ChaosProxy
@testable import ChaosSockets

@Suite("Control and evidence")
struct ControlTests {
    @Test(arguments: everyDriver)
    func changesAnswerWhileAReaderIsStalled(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let sending = Running { try opener.sendPattern(64 << 20) }
            try world.eventually("the reader's pipe is full") {
                try world.connections[0].bufferedBytes > 0
            }
            try world.inject(.delay(.init(latency: .milliseconds(1))))
            try world.cut(.hold)
            #expect(!sending.isFinished)
            try world.heal()
            try world.removeFault()
            #expect(!sending.isFinished)
            #expect(try listener.receivePattern() == 64 << 20)
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver)
    func changesTakeEffectInTheirOrder(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            _ = try world.target()
            try world.wait { proxy in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            try await proxy.change { network, now in
                                network.cut(
                                    TestWorld.Way.both.pairs, text: "", mode: .drop, port: nil,
                                    id: "c", origin: .control, at: now)
                                return
                            }
                            try await proxy.change { network, _ in
                                network.heal { _ in true }
                                return
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try world.inspect { $0.activeCuts.count } == 0)
        }
    }

    @Test(arguments: everyDriver)
    func aChangeThatThrowsChangesNothingElse(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            #expect(throws: SocketError("mistake", EINVAL)) {
                try world.change { (_, _) -> Int in throw SocketError("mistake", EINVAL) }
            }
            let cuts = try world.inspect { $0.activeCuts.count }
            #expect(cuts == 0)
        }
    }

    @Test(arguments: everyDriver)
    func closingTwiceIsClosingOnce(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.wait { await $0.close() }
            try world.wait { await $0.close() }
            #expect(opener.endError() == ECONNRESET)
            #expect(listener.endError() == ECONNRESET)
            let error = #expect(throws: ProxyError.self) {
                try world.wait { try await $0.connections() }
            }
            #expect(error?.description == "the proxy is closed")
        }
    }

    @Test(arguments: everyDriver)
    func aProxyThatIsForgottenClosesItsSockets(on driver: TestDriver) async throws {
        let target = try TestSocket.listen(on: .tcp(host: "127.0.0.1", port: 0))
        var proxy: Proxy? = try await Proxy(
            clock: RunClock(), driver: driver.kind, threads: driver.threads,
            makeNetwork: { Network(seed: Seed(1), nodes: ["n1", "n2"]) },
            journal: { _ in })
        let proxied = try #require(
            try await proxy?.open([
                ProxiedLink(
                    link: Link("n1", "n2", "p"), listen: .tcp(host: "127.0.0.1", port: 0),
                    upstream: target.local)
            ])[0])
        let opener = try TestSocket.connect(to: proxied)
        proxy = nil
        #expect(try await onThread { opener.endError() } == ECONNRESET)
    }

    // MARK: Attempts that nobody answers

    @Test(arguments: everyDriver)
    func attemptsAtASilentListenerAreCountedOnceEach(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (_, proxied) = try world.target()
            try world.cut(.drop, .forward)
            let attempts = try (0..<3).map { _ in try TestSocket.begin(to: proxied) }
            try world.eventually("they are seen") {
                try world.inspect { $0.activeCuts[0].touched } == 3
            }
            let one = try TestSocket.begin(to: proxied)
            #expect(try world.heal() == (4, 4, 0))
            withExtendedLifetime((attempts, one)) {}
        }
    }

    /// Faster than anybody looks through the kernel's sockets.
    @Test(arguments: everyDriver)
    func cutsOneAfterTheOtherKnowThatTheyMetSomebody(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (_, proxied) = try world.target()
            var attempts: [TestSocket] = []
            for round in 0..<20 {
                if round % 4 == 3 { attempts = [] }
                try world.cut(.drop, .forward)
                if round % 4 == 3 {
                    #expect(try world.heal() == (0, 0, 0), "nobody tried in round \(round)")
                    continue
                }
                attempts.append(try TestSocket.begin(to: proxied))
                let met = try world.heal()
                #expect(met.touched >= 1 && met.hits == met.touched && met.crossed == 0)
            }
        }
    }

    /// While silence lasts, everybody who tries is looked for every 100 ms: a heal may come before, during or
    /// behind that.
    @Test(arguments: everyDriver)
    func aHealDuringALookStillCountsWhoIsBeingLookedFor(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (_, proxied) = try world.target()
            for round in 0..<24 {
                try world.cut(.drop, .forward)
                let cutAt = DispatchTime.now()
                let attempt = try TestSocket.begin(to: proxied)
                // The moments of the heal, from just before the look to behind it.
                let moment = cutAt + .microseconds(98_000 + 500 * round)
                while DispatchTime.now() < moment { usleep(100) }
                #expect(try world.heal().touched >= 1, "round \(round)")
                withExtendedLifetime(attempt) {}
            }
        }
    }

    @Test(arguments: everyDriver)
    func anAttemptOutlivesWhatIsAddedBeforeTheHeal(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (_, proxied) = try world.target()
            try world.cut(.drop, .forward)
            let attempt = try TestSocket.begin(to: proxied)
            try world.change(addsOnly: true) { network, now in
                network.cut(
                    TestWorld.Way.forward.pairs, text: "again", mode: .drop, port: nil, id: "again",
                    origin: .control, at: now)
                return
            }
            #expect(try world.heal() == (1, 1, 0))
            withExtendedLifetime(attempt) {}
        }
    }

    @Test(arguments: everyDriver)
    func aCutThatNobodyMeetsCountsNothing(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            _ = try world.target()
            try world.cut(.drop)
            #expect(try world.heal() == (0, 0, 0))
        }
    }

    @Test func aSocketThatConnectsIsFoundByTheEndAtWhichSomebodyListens() throws {
        func end(_ host: String, _ port: UInt16) throws -> SocketEnd {
            try #require(SocketEnd(host: host, port: port))
        }
        let own = try end("127.0.0.2", 50000)
        let four = SocketPair(local: own, remote: try end("127.99.2.1", 80))
        #expect(four.isConnecting(to: try end("127.99.2.1", 80)))
        #expect(!four.isConnecting(to: try end("127.99.2.1", 81)))
        #expect(!four.isConnecting(to: try end("127.99.2.2", 80)))
        #expect(four.isConnecting(to: try end("0.0.0.0", 80)))
        #expect(four.isConnecting(to: try end("::", 80)))
        let mapped = SocketPair(local: own, remote: try end("::ffff:127.99.2.1", 80))
        #expect(mapped.isConnecting(to: try end("127.99.2.1", 80)))
        let six = SocketPair(local: own, remote: try end("::1", 80))
        #expect(six.isConnecting(to: try end("::1", 80)))
        #expect(!six.isConnecting(to: try end("0.0.0.0", 80)))
    }

    @Test func theKernelsCountersAreUnderstood() {
        let counts = "Tcp: ActiveOpens PassiveOpens AttemptFails\nTcp: 5 6 7\nUdp: 1\n"
        #expect(FailedAttempts.count(in: Array(counts.utf8)) == 7)
        #expect(FailedAttempts.count(in: Array("Udp: 1\n".utf8)) == nil)
    }

    // MARK: A cut that comes and goes

    @Test(arguments: everyDriver, [PartitionMode.hold, .drop, .lose])
    func aThousandTogglesUnderLoadLoseNothingUnaccounted(
        on driver: TestDriver, _ mode: PartitionMode
    ) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair(port: mode == .lose ? "lines" : "p")
            let isDone = Flag()
            let sending = Running {
                var lines = 0
                while !isDone.isSet {
                    // Under `drop` TCP's own backoff decides when bytes flow again.
                    try opener.send("\(lines)\n", within: 60_000)
                    lines += 1
                    // A load that leaves the machine to others, not a wait for anything.
                    usleep(200)
                }
                opener.shutdownWriting()
                return lines
            }
            let receiving = Running { try listener.receiveAll(within: 60_000) }
            var crossed = 0
            var lost = 0
            for _ in 0..<(mode == .drop ? 20 : 1000) {
                try world.cut(mode)
                let cut = try world.heal()
                crossed += cut.crossed
                lost += mode == .lose ? cut.hits : 0
            }
            isDone.set()
            let sent = try sending.wait()
            let lines = try receiving.wait().split(separator: 0x0a)
                .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
            #expect(crossed == 0)
            #expect(lines.count == sent - lost)
            #expect(zip(lines, lines.dropFirst()).allSatisfy { $0 < $1 })
            opener.close()
            listener.close()
            try world.expectAllClosed()
            try world.expectJournal(received: sent, lost: lost)
        }
    }

    @Test(arguments: everyDriver)
    func aThousandRejectsEndEveryConnectionAndListenAgain(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            for _ in 0..<1000 {
                try world.cut(.reject)
                try world.heal()
            }
            let opener = try TestSocket.connect(to: proxied)
            try opener.send("x")
            #expect(try listener.accept().receiveText(1) == "x")
        }
    }
}
