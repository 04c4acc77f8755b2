import ChaosCore
import ChaosEngine
import Glibc
import Testing

@testable import ChaosProxy

@Suite("A proxy without faults is transparent")
struct TransparencyTests {
    @Test(arguments: everyDriver)
    func bytesGoBothWays(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try opener.send("hello")
            #expect(try listener.receiveText(5) == "hello")
            try listener.send("welcome")
            #expect(try opener.receiveText(7) == "welcome")
            opener.close()
            #expect(listener.endError() == nil)
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aReplyArrivesAfterTheOpenersEnd(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try opener.send("request")
            opener.shutdownWriting()
            #expect(try listener.receiveAll() == Array("request".utf8))
            try listener.send("reply")
            #expect(try opener.receiveText(5) == "reply")
            listener.close()
            #expect(opener.endError() == nil)
            opener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aRequestArrivesAfterTheListenersEnd(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try listener.send("banner")
            listener.shutdownWriting()
            #expect(try opener.receiveAll() == Array("banner".utf8))
            try opener.send("late")
            #expect(try listener.receiveText(4) == "late")
            opener.close()
            #expect(listener.endError() == nil)
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func anEndWithoutAnyByteArrives(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            opener.shutdownWriting()
            let accepted = try listener.accept()
            #expect(try accepted.receiveAll() == [])
            try accepted.send("reply")
            accepted.close()
            #expect(try opener.receiveAll() == Array("reply".utf8))
        }
    }

    @Test(arguments: everyDriver)
    func bytesAndEndSentBeforeTheTargetAnswersArrive(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            try world.inject(.acceptDelay(.milliseconds(50)))
            let opener = try TestSocket.connect(to: proxied)
            try opener.send("early")
            opener.shutdownWriting()
            let accepted = try listener.accept()
            #expect(try accepted.receiveAll() == Array("early".utf8))
            try accepted.send("reply")
            accepted.close()
            #expect(try opener.receiveAll() == Array("reply".utf8))
        }
    }

    @Test(arguments: everyDriver, [true, false])
    func aResetArrivesAsAReset(on driver: TestDriver, byOpener: Bool) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let (resetting, other) = byOpener ? (opener, listener) : (listener, opener)
            try resetting.send("x")
            #expect(try other.receiveText(1) == "x")
            resetting.reset()
            #expect(other.endError() == ECONNRESET)
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver, [true, false])
    func aResetArrivesBehindBytesThatNobodyReadsYet(on driver: TestDriver, byOpener: Bool)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let (resetting, other) = byOpener ? (opener, listener) : (listener, opener)
            _ = try resetting.sendUntilFull()
            resetting.reset()
            // The other one stops reading until the reset has been seen by the proxy.
            #expect(other.endError() == ECONNRESET)
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aResetAfterAHalfCloseArrivesAsAReset(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            opener.shutdownWriting()
            #expect(try listener.receiveAll() == [])
            try listener.send("x")
            #expect(try opener.receiveText(1) == "x")
            opener.reset()
            try world.eventually("the writer is told") {
                do { try listener.send("more") } catch { return true }
                return false
            }
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aTargetThatRefusesResetsAtOnce(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let listener = try TestSocket.listen(on: world.anyPort)
            let target = listener.local
            listener.close()
            let link = try world.link(to: target)
            // The reset may come before connect(2) has returned, and is then its answer.
            do {
                let opener = try TestSocket.connect(to: link)
                #expect(opener.endError() == ECONNRESET)
            } catch {
                #expect("\(error)".contains("(\(ECONNRESET))"))
            }
            try world.expectAllClosed()
            let entry = world.journal.first { $0.details["state"] == "unreachable" }
            #expect(entry?.details["why"] == "connection refused (errno 111)")
        }
    }

    @Test(arguments: everyDriver)
    func aTargetThatDoesNotAnswerResetsAfterTheTimeout(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            // A listener whose queue is full does not answer.
            let listener = try TestSocket.listen(on: world.anyPort, backlog: 0)
            let filling = try (0..<3).map { _ in try TestSocket.begin(to: listener.local) }
            let opener = try TestSocket.connect(to: try world.link(to: listener.local))
            #expect(opener.hasNothing)
            #expect(opener.endError() == ECONNRESET)
            try world.expectAllClosed()
            let entry = world.journal.first { $0.details["state"] == "unreachable" }
            #expect(entry?.details["why"] == "no answer within 10s")
            withExtendedLifetime(filling) {}
        }
    }

    @Test(arguments: everyDriver, [true, false])
    func aLargeTransferIsExact(on driver: TestDriver, byOpener: Bool) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let (sender, receiver) = byOpener ? (opener, listener) : (listener, opener)
            let sending = Running { try sender.sendPattern(64 << 20) }
            #expect(try receiver.receivePattern() == 64 << 20)
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver)
    func transfersBothWaysAtOnceAreExact(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let sending = [
                Running { try opener.sendPattern(24 << 20) },
                Running { try listener.sendPattern(24 << 20) },
            ]
            let receiving = Running { try opener.receivePattern() }
            #expect(try listener.receivePattern() == 24 << 20)
            #expect(try receiving.wait() == 24 << 20)
            for sending in sending { try sending.wait() }
            opener.close()
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aStalledReaderStopsTheWriterWithLittleMemory(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            opener.set(SOL_SOCKET, SO_SNDBUF, 8192)
            let sent = try opener.sendUntilFull()
            // The writer blocks: what is on the way is in kernels, and a little in the proxy.
            #expect(sent < 64 << 20)
            var held = try #require(try world.connections.first?.heldBytes)
            #expect(held <= 400 << 10)
            opener.close()
            while held >= 0 {
                let bytes = try listener.receive(atMost: 64 << 10)
                if bytes.isEmpty { break }
                held = max(held, try #require(try world.connections.first?.heldBytes))
            }
            #expect(held <= 1 << 20)
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func aWriterThatClosesBeforeAStalledReaderTakesLittleMemory(on driver: TestDriver)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            var sent = 0
            try world.eventually("the way to the reader is full") {
                if opener.waits(for: POLLOUT, 0) {
                    sent += try opener.sendUntilFull(quietFor: 1, atMost: 64 << 10)
                }
                return try world.connections[0].bufferedBytes > 0
            }
            // At the end of a stream NIO takes in what the kernel holds, whatever waits. Enough must
            // go into the kernel, but not so much that the end does not.
            try opener.send(Pattern.bytes(at: 0, count: 128 << 10))
            sent += 128 << 10
            opener.close()
            if driver.kind == .nio {
                try world.eventually("the rest is taken in") {
                    try world.connections[0].queuedBytes >= 64 << 10
                }
            }
            #expect(try world.connections[0].heldBytes <= 1 << 20)
            #expect(try listener.receiveAll().count == sent)
            listener.close()
            try world.expectAllClosed()
        }
    }
}

extension ConnectionStatus {
    var heldBytes: Int { self.queuedBytes + self.bufferedBytes }
}
