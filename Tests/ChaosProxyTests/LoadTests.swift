import ChaosCore
import ChaosEngine
import Glibc
import NIOCore
import Testing

@testable import ChaosProxy

@Suite("Under load", .serialized)
struct LoadTests {
    /// The soft limit of open files.
    private static var descriptorLimit: rlim_t {
        get {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            return limit.rlim_cur
        }
        set {
            var limit = rlimit()
            let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
            getrlimit(resource, &limit)
            limit.rlim_cur = min(newValue, limit.rlim_max)
            setrlimit(resource, &limit)
        }
    }

    /// Both ends of each connection, and both of the proxy's, are in this process: 10 000 connections
    /// have 40 000 descriptors. Where fewer are allowed, it is as many as there are descriptors for.
    @Test(arguments: everyDriver)
    func tenThousandConnectionsAtOnceAreEchoed(on driver: TestDriver) async throws {
        let before = Self.descriptorLimit
        Self.descriptorLimit = 41_000
        defer { Self.descriptorLimit = before }
        let count = min(10_000, (Int(Self.descriptorLimit) - 500) / 4)
        if count < 10_000 {
            print("only \(Self.descriptorLimit) descriptors: \(count) connections")
        }
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            var openers: [TestSocket] = []
            var targets: [TestSocket] = []
            while openers.count < count {
                let some = try (0..<min(500, count - openers.count)).map { _ in
                    try TestSocket.begin(to: proxied)
                }
                for opener in some { try opener.finishConnecting() }
                for _ in some { targets.append(try listener.accept()) }
                openers += some
            }
            #expect(try world.connections.count == count)
            for (number, opener) in openers.enumerated() { try opener.send("\(number)\n") }
            var numbers: Set<String> = []
            for target in targets {
                let text = String(decoding: try target.receive(), as: UTF8.self)
                numbers.insert(text)
                try target.send(text)
            }
            #expect(numbers.count == count, "nobody's bytes went to somebody else")
            for (number, opener) in openers.enumerated() {
                #expect(try opener.receiveText("\(number)\n".count) == "\(number)\n")
            }
            // A cut concerns all of them, and is in effect when it is confirmed.
            try world.cut(.hold)
            for opener in openers { try opener.send("x") }
            let areSilent = targets.allSatisfy { $0.hasNothing }
            #expect(areSilent)
            let healed = try world.heal()
            #expect(healed == (count, count, 0))
            for target in targets { #expect(try target.receiveText(1) == "x") }
            for socket in openers + targets { socket.close() }
            try world.expectAllClosed()
            #expect(try world.inspect { $0.linkStates.map(\.connectionsOpen).reduce(0, +) } == 0)
        }
    }

    /// NIO resets who was accepted when there is no descriptor left to dial for him; epoll lets him
    /// wait. So this is what only epoll promises.
    @Test(arguments: everyEpollDriver)
    func runningOutOfDescriptorsLosesNobody(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let before = Self.descriptorLimit
            defer { Self.descriptorLimit = before }
            // Connecting takes no descriptor; accepting and dialling do.
            let openers = try (0..<60).map { _ in try TestSocket.unconnected(like: proxied) }
            let highest = openers.map(\.number).max() ?? 0
            Self.descriptorLimit = rlim_t(highest) + 20
            for (number, opener) in openers.enumerated() {
                try opener.connectNow(to: proxied)
                try opener.send("\(number)\n")
            }
            try world.eventually("it is told") {
                world.journal.contains { $0.event == "warning" }
            }
            #expect(try world.connections.count < 60)
            // The proxy answers and obeys meanwhile.
            try world.cut(.hold)
            try world.heal()
            Self.descriptorLimit = before
            var texts: Set<String> = []
            for _ in openers {
                let target = try listener.accept()
                let text = String(decoding: try target.receive(), as: UTF8.self)
                texts.insert(text)
                try target.send("\(text)again")
            }
            #expect(texts == Set((0..<60).map { "\($0)\n" }))
            for (number, opener) in openers.enumerated() {
                let text = "\(number)\nagain"
                #expect(try opener.receiveText(text.count) == text)
                opener.close()
            }
            let warnings = world.journal.filter { $0.event == "warning" }
            #expect(warnings.count == 1, "one shortage is told once")
            let message = try #require(warnings.first?.details["message"]?.stringValue)
            #expect(message.hasSuffix("new connections wait until it can again"))
            #expect(message.contains("too many open files (errno 24)"))
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func floodsOfConnectsAndResetsLeaveOthersAlone(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            let steady = try TestSocket.connect(to: proxied)
            let target = try listener.accept()
            let accepting = Running {
                // Each flood connection is looked at and closed in its own way.
                for number in 0..<600 {
                    let accepted = try listener.accept()
                    if number % 2 == 0 { accepted.reset() } else { accepted.close() }
                }
            }
            for round in 0..<12 {
                let flood = try (0..<50).map { _ in try TestSocket.begin(to: proxied) }
                for (number, socket) in flood.enumerated() {
                    // Some are reset before they are connected as far as they know.
                    if number % 3 == 0 { try? socket.finishConnecting() }
                    if number % 3 == 1 { try? socket.send("unheard") }
                    socket.reset()
                }
                try steady.send("round \(round)\n")
                let text = "round \(round)\n"
                #expect(try target.receiveText(text.count) == text)
            }
            _ = accepting
            steady.close()
            #expect(target.endError() == nil)
            target.close()
            try world.expectAllClosed()
            // Those that were reset before anybody accepted them are accepted all the same, and may come
            // last.
            try world.eventually("none is open") {
                try world.inspect { $0.linkStates.allSatisfy { $0.connectionsOpen == 0 } }
            }
            // What was reset before it was dialled never reached the target: let its side end.
            for _ in 0..<600 where !accepting.isFinished {
                if let socket = try? TestSocket.connect(to: listener.local) { socket.close() }
            }
            _ = try accepting.wait()
        }
    }

    @Test(arguments: everyDriver)
    func slowAndHalfOpenClientsDoNotHoldOthersUp(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listener, proxied) = try world.target()
            // Some say nothing, some half a word, some never read what is sent to them.
            var clients: [TestSocket] = []
            var targets: [TestSocket] = []
            for number in 0..<150 {
                let client = try TestSocket.connect(to: proxied)
                let target = try listener.accept()
                if number % 3 == 1 { try client.send("hel") }
                if number % 3 == 2 {
                    client.set(SOL_SOCKET, SO_RCVBUF, 4096)
                    _ = try target.sendUntilFull(quietFor: 1, atMost: 8 << 20)
                }
                clients.append(client)
                targets.append(target)
            }
            let opener = try TestSocket.connect(to: proxied)
            let target = try listener.accept()
            let sending = Running { try opener.sendPattern(32 << 20) }
            #expect(try target.receivePattern() == 32 << 20)
            try sending.wait()
            try world.cut(.hold)
            try world.heal()
            for number in clients.indices where number % 3 == 1 {
                try clients[number].send("lo")
                #expect(try targets[number].receiveText(5) == "hello")
            }
            for socket in clients + targets + [opener, target] { socket.close() }
            try world.expectAllClosed()
        }
    }

    // MARK: Every byte

    @Test(arguments: everyDriver)
    func bytesAreCountedAlsoBeforeAFaultComes(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let size = 24 << 20
            let sending = Running { try opener.sendPattern(size) }
            // The reader takes nothing until the way is full.
            try world.eventually("the way is full") { try world.connections[0].bufferedBytes > 0 }
            try world.inject(.delay(.init(latency: .milliseconds(1))))
            try world.inject(
                .loss(.init(.plain(.random(Ratio(billionths: 200_000), correlation: .zero)))),
                id: "l")
            let receiving = Running { try listener.receivePattern() }
            try world.removeFault()
            try world.removeFault(id: "l")
            try world.cut(.hold)
            try world.heal()
            #expect(try receiving.wait() == size)
            try sending.wait()
            listener.close()
            opener.close()
            try world.expectAllClosed()
            let delivered = try world.inspect { network in
                network.linkStates.first { $0.link == Link("n1", "n2", "p") }?.bytesDelivered
            }
            #expect(delivered == size)
            let closed = try #require(world.journal.first { $0.details["state"] == "closed" })
            #expect(closed.details["forward"]?["received"]?.intValue == Int64(size))
            #expect(closed.details["forward"]?["written"]?.intValue == Int64(size))
            #expect(closed.details["forward"]?["discarded"] == nil)
        }
    }

    /// What NIO took before a cut is out of its engine's reach; epoll hands the kernel only what the
    /// kernel takes at once.
    @Test(arguments: [PartitionMode.hold, .drop], everyEpollDriver)
    func whatWaitedForAStalledReaderDoesNotCrossACut(
        _ mode: PartitionMode, on driver: TestDriver
    ) async throws {
        try await TestWorld.run(on: driver) { world in
            let (opener, listener) = try world.pair()
            let size = 32 << 20
            let sending = Running { try opener.sendPattern(size) }
            try world.eventually("the way is full") { try world.connections[0].bufferedBytes > 0 }
            try world.cut(mode, .forward)
            let before = try world.inspect { $0.linkStates[0].bytesDelivered }
            // The reader drains what the kernels hold, and then finds nothing more.
            var drained = 0
            while listener.waits(for: POLLIN, 300) {
                let bytes = try listener.receive(atMost: 1 << 20)
                #expect(Pattern.isAt(drained, bytes))
                drained += bytes.count
            }
            #expect(drained <= before)
            #expect(try world.inspect { $0.linkStates[0].bytesDelivered } == before)
            #expect(try world.heal().crossed == 0)
            while drained < size {
                let bytes = try listener.receive(atMost: 1 << 20)
                #expect(Pattern.isAt(drained, bytes))
                drained += bytes.count
            }
            try sending.wait()
        }
    }
}

extension TestSocket {
    /// A socket that can be connected later without another descriptor.
    static func unconnected(like endpoint: Endpoint) throws -> TestSocket {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor < 0 { throw SocketError("socket") }
        return TestSocket(descriptor)
    }

    func connectNow(to endpoint: Endpoint) throws {
        let address = try TestSocket.address(endpoint)
        if address.withSockAddr({ Glibc.connect(self.number, $0, socklen_t($1)) }) != 0 {
            throw SocketError("connect")
        }
    }
}
