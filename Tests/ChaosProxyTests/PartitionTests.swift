import ChaosCore
import ChaosEngine
import Glibc
import Testing

@testable import ChaosProxy

// Every mode, both ways and one way, for connections that stand and for new ones. The proxied node n1
// opens all connections; a cut of `n2 -> n1` is the one-way cut as the other opener would see it.

@Suite("Partitions")
struct PartitionTests {
    // MARK: drop

    @Test(arguments: everyDriver, TestWorld.Way.allCases)
    func dropSilencesEstablishedConnections(on driver: TestDriver, _ way: TestWorld.Way)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try opener.send("a")
            #expect(try listener.receiveText(1) == "a")
            try world.cut(.drop, way)
            let ends = [
                (way != .backward, opener, listener), (way != .forward, listener, opener),
            ]
            for (isCut, sender, receiver) in ends where isCut {
                try sender.send("cut")
                // The kernel sends it again and again, and nobody acknowledges it.
                try world.eventually("it is sent again") { sender.retransmissions > 0 }
                #expect(sender.unacknowledged > 0)
                #expect(receiver.hasNothing)
            }
            let touched = try world.heal()
            #expect(touched == (1, 1, 0))
            for (isCut, sender, receiver) in ends where isCut {
                #expect(try receiver.receiveText(3) == "cut")
                try sender.send(" healed")
                #expect(try receiver.receiveText(7) == " healed")
                try world.eventually("it is acknowledged") { sender.unacknowledged == 0 }
            }
        }
    }

    @Test(arguments: everyDriver)
    func oneWayDropDeliversTheOtherWayButLosesItsAcknowledgements(on driver: TestDriver)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.cut(.drop, .forward)
            try listener.send("still comes")
            #expect(try opener.receiveText(11) == "still comes")
            // n1's acknowledgements are lost with all else it sends: after a window nothing comes.
            let sending = Running { try listener.sendPattern(64 << 20) }
            var received = 0
            while opener.waits(for: POLLIN, 1000) {
                received += try opener.receive(atMost: 1 << 20).count
            }
            #expect(received < 64 << 20)
            #expect(!sending.isFinished)
            let crossed = try world.heal().crossed
            #expect(crossed == 0)
            while received < 64 << 20 {
                received += try opener.receive(atMost: 1 << 20).count
            }
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver, TestWorld.Way.allCases)
    func dropLeavesConnectsUnansweredUntilHeal(on driver: TestDriver, _ way: TestWorld.Way)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            try world.cut(.drop, way)
            let opener = try TestSocket.begin(to: proxied)
            // The kernel has tried twice when it has sent again.
            try world.eventually("it is sent again") { opener.retransmissions > 0 }
            #expect(!opener.waits(for: POLLOUT, 0))
            #expect(listener.hasNothing)
            let healed = try world.heal()
            #expect(healed == (1, 1, 0))
            try opener.finishConnecting()
            try opener.send("late")
            #expect(try listener.accept().receiveText(4) == "late")
        }
    }

    @Test(arguments: everyDriver)
    func dropMakesKeepaliveFail(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            opener.set(SOL_SOCKET, SO_KEEPALIVE, 1)
            opener.set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, 1)
            opener.set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, 1)
            opener.set(CInt(IPPROTO_TCP), TCP_KEEPCNT, 2)
            try world.cut(.drop)
            #expect(opener.endError() == ETIMEDOUT)
            #expect(listener.hasNothing)
            try world.heal()
        }
    }

    @Test(arguments: everyDriver, [true, false])
    func endsWaitForHealUnderDrop(on driver: TestDriver, isReset: Bool) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.cut(.drop)
            try opener.send("last")
            if isReset { opener.reset() } else { opener.shutdownWriting() }
            // Several retransmissions later nothing has come.
            #expect(!listener.waits(for: POLLIN, 500))
            try world.heal()
            if isReset {
                // A reset is sent once; it was lost, and the peer finds out when it sends.
                try listener.send("anybody there")
                #expect(listener.endError() == ECONNRESET)
            } else {
                #expect(try listener.receiveAll() == Array("last".utf8))
            }
        }
    }

    @Test(arguments: everyDriver)
    func whatTheProxyHadReadWaitsUnderDrop(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.delay(.init(latency: .milliseconds(150))))
            try opener.send("on its way")
            try world.eventually("it is read") { try world.connections[0].queuedBytes == 10 }
            try world.cut(.drop)
            #expect(!listener.waits(for: POLLIN, 400))
            #expect(try world.heal().crossed == 0)
            #expect(try listener.receiveText(10) == "on its way")
        }
    }

    // MARK: hold

    @Test(arguments: everyDriver, TestWorld.Way.allCases)
    func holdStallsBytesAndStillAccepts(on driver: TestDriver, _ way: TestWorld.Way)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try world.cut(.hold, way)
            try opener.send("there")
            try accepted.send("back")
            let late = try TestSocket.connect(to: proxied)
            try late.send("new")
            if way == .backward {
                #expect(try accepted.receiveText(5) == "there")
                #expect(try listener.accept().receiveText(3) == "new")
            } else {
                #expect(!accepted.waits(for: POLLIN, 200))
                #expect(listener.hasNothing, "a new connection is accepted, but does not cross")
            }
            if way == .forward {
                #expect(try opener.receiveText(4) == "back")
            } else {
                #expect(!opener.waits(for: POLLIN, 200))
            }
            let healed = try world.heal()
            #expect(healed == (2, 2, 0))
            if way != .backward {
                #expect(try accepted.receiveText(5) == "there")
                #expect(try listener.accept().receiveText(3) == "new")
            }
            if way != .forward { #expect(try opener.receiveText(4) == "back") }
        }
    }

    @Test(arguments: everyDriver)
    func endsWaitForReleaseUnderHold(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let (opener2, listener2) = try world.pair(port: "q")
            try world.cut(.hold)
            opener.close()
            opener2.reset()
            #expect(!listener.waits(for: POLLIN, 200))
            #expect(listener2.hasNothing)
            try world.heal()
            #expect(listener.endError() == nil)
            #expect(listener2.endError() == ECONNRESET)
        }
    }

    // MARK: reject

    @Test(arguments: everyDriver, TestWorld.Way.allCases)
    func rejectResetsAndRefusesWhatWasOpenedThatWay(
        on driver: TestDriver, _ way: TestWorld.Way
    ) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try opener.send("a")
            #expect(try accepted.receiveText(1) == "a")
            try world.cut(.reject, way)
            if way == .backward {
                try opener.send("b")
                #expect(try accepted.receiveText(1) == "b")
                _ = try TestSocket.connect(to: proxied)
            } else {
                #expect(opener.endError() == ECONNRESET)
                #expect(accepted.endError() == ECONNRESET)
                #expect(throws: SocketError("connect", ECONNREFUSED)) {
                    try TestSocket.connect(to: proxied)
                }
                #expect(try world.heal() == (1, 1, 0))
            }
            let again = try TestSocket.connect(to: proxied)
            try again.send("again")
            var next = try listener.accept()
            if way == .backward { next = try listener.accept() }
            #expect(try next.receiveText(5) == "again")
        }
    }

    // MARK: new-only, established-only

    @Test(arguments: everyDriver)
    func newOnlyLetsEstablishedConnectionsLive(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try world.cut(.newOnly)
            try opener.send("lives")
            #expect(try accepted.receiveText(5) == "lives")
            try accepted.send("as well")
            #expect(try opener.receiveText(7) == "as well")
            let new = try TestSocket.begin(to: proxied)
            try world.eventually("it is sent again") { new.retransmissions > 0 }
            #expect(!new.waits(for: POLLOUT, 0))
            #expect(try world.heal() == (1, 1, 0))
            try new.finishConnecting()
        }
    }

    @Test(arguments: everyDriver)
    func establishedOnlyResetsOnceAndAllowsNewOnes(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try world.cut(.establishedOnly)
            #expect(opener.endError() == ECONNRESET)
            #expect(accepted.endError() == ECONNRESET)
            let new = try TestSocket.connect(to: proxied)
            try new.send("new")
            #expect(try listener.accept().receiveText(3) == "new")
            #expect(try world.heal() == (1, 1, 0))
        }
    }

    // MARK: lose

    @Test(arguments: everyDriver, TestWorld.Way.allCases)
    func loseTakesMessagesAndLeavesConnections(on driver: TestDriver, _ way: TestWorld.Way)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair(port: "lines")
            try world.cut(.lose, way)
            try opener.send("one\n")
            try listener.send("uno\n")
            let expected = way == .both ? 8 : 4
            try world.eventually("the messages are gone") {
                try world.inspect { $0.activeCuts[0].hits } == expected / 4
            }
            #expect(try world.heal().crossed == 0)
            try opener.send("two\n")
            try listener.send("due\n")
            #expect(
                try listener.receiveText(way == .backward ? 8 : 4)
                    == (way == .backward ? "one\ntwo\n" : "two\n"))
            #expect(
                try opener.receiveText(way == .forward ? 8 : 4)
                    == (way == .forward ? "uno\ndue\n" : "due\n"))
        }
    }

    // MARK: Unix sockets

    @Test(arguments: everyDriver)
    func dropActsAsHoldOnUnixSockets(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let target = world.path("target")
            let listener = try TestSocket.listen(on: target)
            let proxied = try world.link(to: target, listen: world.path("proxied"))
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try world.cut(.drop)
            try opener.send("there")
            let late = try TestSocket.connect(to: proxied)
            try late.send("new")
            late.close()
            #expect(!accepted.waits(for: POLLIN, 200))
            #expect(listener.hasNothing)
            #expect(try world.heal() == (2, 2, 0))
            #expect(try accepted.receiveText(5) == "there")
            #expect(try listener.accept().receiveAll() == Array("new".utf8))
        }
    }

    // MARK: Races with dialling

    @Test(arguments: everyDriver)
    func aCutDuringDiallingIsSilentAndTheCallIsMadeAgain(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            // A listener whose queue is full leaves the proxy's call unanswered.
            let listener = try TestSocket.listen(on: world.anyPort, backlog: 0)
            let filling = [try TestSocket.connect(to: listener.local)]
            let opener = try TestSocket.connect(to: try world.link(to: listener.local))
            try opener.send("hello")
            try world.cut(.drop)
            _ = try listener.accept()
            #expect(!listener.waits(for: POLLIN, 1500), "the target does not see the call")
            try world.heal()
            #expect(try listener.accept().receiveText(5) == "hello")
            withExtendedLifetime(filling) {}
        }
    }

    @Test(arguments: everyDriver)
    func anOpenerThatLeavesDuringDiallingLeavesNothing(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let listener = try TestSocket.listen(on: world.anyPort, backlog: 0)
            let filling = [try TestSocket.connect(to: listener.local)]
            let opener = try TestSocket.connect(to: try world.link(to: listener.local))
            try world.eventually("it is accepted") { try world.connections.count == 1 }
            opener.reset()
            try world.expectAllClosed()
            withExtendedLifetime(filling) {}
        }
    }

    @Test(arguments: everyDriver)
    func aRejectDuringDiallingResetsAtOnce(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let listener = try TestSocket.listen(on: world.anyPort, backlog: 0)
            let filling = [try TestSocket.connect(to: listener.local)]
            let opener = try TestSocket.connect(to: try world.link(to: listener.local))
            try world.eventually("it is accepted") { try world.connections.count == 1 }
            try world.cut(.reject)
            #expect(opener.endError() == ECONNRESET)
            try world.expectAllClosed()
            withExtendedLifetime(filling) {}
        }
    }
}
