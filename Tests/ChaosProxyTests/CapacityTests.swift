import ChaosCore
import ChaosEngine
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import ChaosProxy

@Suite("Many connections")
struct CapacityTests {
    /// Answers each connection's bytes until it ends.
    private static func echo(_ listener: TestSocket, connections: Int) throws {
        var requests = (0..<connections).map { _ in pollfd() }
        var sockets: [TestSocket] = []
        for index in 0..<connections {
            sockets.append(try listener.accept())
            requests[index] = sockets[index].pollRequest
        }
        var open = connections
        while open > 0 {
            if poll(&requests, nfds_t(connections), TestSocket.patience) <= 0 {
                throw SocketError("poll", ETIMEDOUT)
            }
            for index in requests.indices where requests[index].revents != 0 {
                let bytes = try sockets[index].receive()
                if bytes.isEmpty {
                    sockets[index].close()
                    requests[index].fd = -1
                    open -= 1
                } else {
                    try sockets[index].send(bytes)
                }
            }
        }
    }

    @Test(arguments: everyDriver)
    func aThousandConnectionsAtOnceAreEchoed(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let echoing = Running { try Self.echo(listener, connections: 1000) }
            let openers = try (0..<1000).map { _ in try TestSocket.begin(to: proxied) }
            for opener in openers { try opener.finishConnecting() }
            try world.eventually("all are there") { try world.connections.count == 1000 }
            for (number, opener) in openers.enumerated() { try opener.send("hello \(number)\n") }
            for (number, opener) in openers.enumerated() {
                #expect(try opener.receiveText(7 + "\(number)".count) == "hello \(number)\n")
            }
            // Control answers while all of them are open.
            try world.cut(.drop)
            try world.heal()
            for opener in openers { opener.close() }
            try echoing.wait()
            try world.expectAllClosed()
            #expect(try world.inspect { $0.linkStates.map(\.connectionsOpen).reduce(0, +) } == 0)
        }
    }

    @Test(arguments: everyDriver)
    func stormsOfShortConnectionsLeaveNothing(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let answering = Running {
                for _ in 0..<2000 {
                    let accepted = try listener.accept()
                    try accepted.send(try accepted.receiveAll())
                }
            }
            for _ in 0..<40 {
                let openers = try (0..<50).map { _ in try TestSocket.begin(to: proxied) }
                for opener in openers {
                    try opener.finishConnecting()
                    try opener.send("x")
                    opener.shutdownWriting()
                }
                for opener in openers { #expect(try opener.receiveAll() == [UInt8(ascii: "x")]) }
            }
            try answering.wait()
            try world.expectAllClosed()
            #expect(try world.openSockets() == 2, "the two listeners are left")
        }
    }

    @Test(arguments: everyDriver)
    func oneSourceAddressHasMoreConnectionsThanPorts(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            // Two targets: the same source ports serve both, since only pairs must differ.
            let targets = try (0..<2).map { _ in try TestSocket.listen(on: world.anyPort) }
            let source = "127.98.3.\(getpid() % 250 + 1)"
            let openers = try targets.flatMap { target in
                let proxied = try world.link(to: target.local, source: source)
                return try (0..<200).map { _ in try TestSocket.connect(to: proxied) }
            }
            for target in targets {
                for _ in 0..<200 { _ = try target.accept() }
            }
            withExtendedLifetime(openers) {}
        }
    }

    @Test func runningOutOfDescriptorsPausesAccepting() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let lines = NIOLockedValueBox<[JournalEntry]>([])
        let channel = try await loop.flatSubmit {
            let plane = DataPlane(
                network: Network(seed: Seed(1), nodes: ["n1", "n2"]), clock: RunClock(), loop: loop,
                journal: { entries in lines.withLockedValue { $0 += entries } })
            let spec = ProxiedLink(
                link: Link("n1", "n2", "p"), listen: .tcp(host: "127.0.0.1", port: 1),
                upstream: .tcp(host: "127.0.0.1", port: 2))
            let listener = NIOLoopBound(ProxyListener(spec, on: plane), eventLoop: loop)
            return ServerBootstrap(group: loop)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ListenerHandler(listener.value))
                    }
                }.bind(host: "127.0.0.1", port: 0)
        }.get()
        for _ in 0..<2 {
            let isReading = try await loop.submit {
                channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
                return try channel.syncOptions?.getOption(.autoRead)
            }.get()
            #expect(isReading == false)
        }
        // Two pauses were begun; behind them comes this.
        try await loop.scheduleTask(in: .milliseconds(200)) {}.futureResult.get()
        #expect(try await channel.getOption(.autoRead).get())
        #expect(
            lines.withLockedValue { $0.map { $0.details["message"] } } == [
                .string(
                    "cannot accept on 127.0.0.1:1: too many open files (errno 24); "
                        + "new connections wait until it can again")
            ])
        try await channel.close()
        try await group.shutdownGracefully()
    }
}

extension TestSocket {
    var pollRequest: pollfd { pollfd(fd: self.number, events: Int16(POLLIN), revents: 0) }
}
