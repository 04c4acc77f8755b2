import ChaosCore
import ChaosEngine
import Foundation
import Glibc
import NIOConcurrencyHelpers
import Testing

@testable import ChaosProxy

@Suite("Faults on real sockets")
struct FaultTests {
    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test(arguments: everyDriver)
    func delayKeepsOrderAndIsNeverEarly(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.delay(.init(latency: .milliseconds(50), jitter: .milliseconds(20))))
            let begin = Self.now()
            let sending = Running { try opener.sendPattern(4 << 20) }
            _ = listener.waits(for: POLLIN)
            #expect(Self.now() - begin >= 0.030)
            #expect(try listener.receivePattern() == 4 << 20)
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver)
    func removingDelayReleasesWhatWaits(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.delay(.init(latency: .seconds(600))))
            try opener.send("waits")
            try world.eventually("it is read") { try world.connections[0].queuedBytes == 5 }
            try world.removeFault()
            #expect(try listener.receiveText(5) == "waits")
        }
    }

    @Test(arguments: everyDriver)
    func lossOnARawStreamOnlyDelays(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.loss(.init(.plain(.random(Ratio(percent: 3), correlation: .zero)))))
            let sending = Running { try opener.sendPattern(1 << 20) }
            #expect(try listener.receivePattern() == 1 << 20)
            try sending.wait()
            #expect(try world.inspect { $0.activeInjections[0].hits } > 0)
        }
    }

    @Test(arguments: everyDriver)
    func rateSlowsTheWriterDown(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.rate(.init(Bandwidth(bitsPerSecond: 16_000_000))))
            let begin = Self.now()
            let sending = Running { try opener.sendPattern(1 << 20) }
            #expect(try listener.receivePattern() == 1 << 20)
            // 2 MB/s: half a second, less the first burst.
            #expect(Self.now() - begin >= 0.5)
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver)
    func slicerGivesSeparateReads(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(
                .slicer(.init(averageSize: ByteCount(10), delay: .milliseconds(40))))
            try opener.send(Pattern.bytes(at: 0, count: 50))
            var sizes: [Int] = []
            while sizes.reduce(0, +) < 50 { sizes.append(try listener.receive().count) }
            // A reader that is late finds two pieces at once, but never all of them.
            #expect(sizes.count > 1)
            #expect(sizes.allSatisfy { $0 % 10 == 0 })
        }
    }

    @Test(arguments: everyDriver)
    func limitDataIsExactAndEndsBothSides(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.limitData(ByteCount(100_000)))
            let sending = Running { try? opener.sendPattern(1 << 20) }
            let bytes = try listener.receiveAll()
            #expect(bytes.count == 100_000)
            #expect(Pattern.isAt(0, bytes))
            #expect(opener.waits(for: POLLIN))
            _ = try sending.wait()
            opener.close()
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func slowCloseKeepsTheEndBack(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.slowClose(.milliseconds(200)))
            let begin = Self.now()
            try opener.send("x")
            opener.close()
            #expect(try listener.receiveAll() == [UInt8(ascii: "x")])
            #expect(Self.now() - begin >= 0.2)
        }
    }

    @Test(arguments: everyDriver)
    func resetPeerResetsBothSides(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.resetPeer(after: .milliseconds(20)))
            try opener.send("x")
            #expect(opener.endError() == ECONNRESET)
            #expect(listener.endError() == ECONNRESET)
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func timeoutSwallowsAndThenCloses(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            try world.inject(.timeout(after: .milliseconds(100)))
            try opener.send("x")
            #expect(try listener.receiveAll() == [])
            #expect(opener.endError() == nil)
            opener.close()
            listener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func coalesceJoinsWrites(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            opener.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
            try world.inject(.coalesce(hold: .milliseconds(300)))
            for _ in 0..<3 {
                try opener.send("abc")
                let count = try world.inspect { $0.linkStates[0].bytesDelivered }
                try world.eventually("it is read, or all is through") {
                    try count > 0 || world.connections[0].queuedBytes > 0
                }
            }
            #expect(try listener.receiveText(9) == "abcabcabc")
        }
    }

    @Test(arguments: everyDriver)
    func acceptDelayHoldsNewConnectionsBack(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            try world.inject(.acceptDelay(.milliseconds(200)))
            let begin = Self.now()
            let opener = try TestSocket.connect(to: proxied)
            try opener.send("x")
            #expect(try listener.accept().receiveText(1) == "x")
            #expect(Self.now() - begin >= 0.2)
        }
    }

    @Test(arguments: everyDriver)
    func removingAcceptDelayLetsThemGo(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            try world.inject(.acceptDelay(.seconds(600)))
            let opener = try TestSocket.connect(to: proxied)
            try opener.send("x")
            try world.eventually("it is accepted") { try world.connections.count == 1 }
            try world.removeFault()
            #expect(try listener.accept().receiveText(1) == "x")
        }
    }

    @Test(arguments: everyDriver)
    func refuseIsARefusalAndListensAgainAfterwards(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            let before = try #require(FailedAttempts.now())
            try world.inject(.refuse)
            #expect(throws: SocketError("connect", ECONNREFUSED)) {
                try TestSocket.connect(to: proxied)
            }
            let after = try #require(FailedAttempts.now())
            #expect(after.growth(since: before) >= 1)
            // Nobody else gets the port meanwhile.
            let error = #expect(throws: SocketError.self) { try TestSocket.listen(on: proxied) }
            #expect(error?.number == EADDRINUSE)
            try opener.send("lives")
            #expect(try accepted.receiveText(5) == "lives")
            try world.removeFault()
            let again = try TestSocket.connect(to: proxied)
            try again.send("again")
            #expect(try listener.accept().receiveText(5) == "again")
        }
    }

    /// A child of this process has its descriptors from its fork to its exec, so whatever held the port is not
    /// gone when it is closed.
    @Test(arguments: everyDriver)
    func refuseGetsItsPortBackWhileProcessesAreStarted(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let isOver = NIOLockedValueBox(false)
            let starting = Running {
                var count = 0
                while !isOver.withLockedValue({ $0 }) {
                    try Process.run(URL(fileURLWithPath: "/bin/true"), arguments: [])
                        .waitUntilExit()
                    count += 1
                }
                return count
            }
            defer { isOver.withLockedValue { $0 = true } }
            for _ in 0..<300 {
                try world.inject(.refuse)
                #expect(throws: SocketError("connect", ECONNREFUSED)) {
                    try TestSocket.connect(to: proxied)
                }
                try world.removeFault()
                _ = try TestSocket.connect(to: proxied)
                _ = try listener.accept()
            }
            isOver.withLockedValue { $0 = true }
            #expect(try starting.wait() > 0)
        }
    }

    @Test(arguments: everyDriver)
    func messageFaultsWorkOnLines(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair(port: "lines")
            try world.inject(.duplicate(.init(.nth(2))), id: "d")
            try world.inject(.loss(.init(.plain(.nth(3)))), id: "l")
            try opener.send("one\ntwo\nthree\nfour\n")
            opener.shutdownWriting()
            #expect(
                String(decoding: try listener.receiveAll(), as: UTF8.self)
                    == "one\ntwo\ntwo\nfour\n")
        }
    }

    @Test(arguments: everyDriver)
    func aMessageOverTheReadLimitArrivesWholeUnderAMessageFault(on driver: TestDriver)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair(port: "lines")
            try world.inject(.duplicate(.init(.nth(1))))
            let line = [UInt8](repeating: 0x61, count: 2 << 20) + [0x0a]
            let sending = Running { try opener.send(line) }
            #expect(try listener.receive(exactly: 2 * line.count) == line + line)
            try sending.wait()
        }
    }

    @Test(arguments: everyDriver)
    func allConservingFaultsTogetherConserve(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let faults: [Fault] = [
                .delay(.init(latency: .milliseconds(2), jitter: .milliseconds(1))),
                .loss(.init(.plain(.random(Ratio(billionths: 500_000), correlation: .zero)))),
                .rate(.init(Bandwidth(bitsPerSecond: 400_000_000))),
                .slicer(.init(averageSize: ByteCount(9000), sizeVariation: ByteCount(4000))),
                .coalesce(hold: .milliseconds(1)), .slowClose(.milliseconds(1)),
            ]
            for (number, fault) in faults.enumerated() {
                try world.inject(fault, on: "n1<->n2", id: "f\(number)")
            }
            let sending = [
                Running { try opener.sendPattern(8 << 20) },
                Running { try listener.sendPattern(8 << 20) },
            ]
            let receiving = Running { try opener.receivePattern() }
            #expect(try listener.receivePattern() == 8 << 20)
            #expect(try receiving.wait() == 8 << 20)
            for sending in sending { try sending.wait() }
        }
    }
}
