import ChaosCore
import ChaosEngine
import Dispatch
import Foundation
import Glibc
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import ChaosProxy

// Tests use plain sockets that block. They run on threads of their own, so that the few threads of
// Swift's pool stay free for the proxy's answers.

private let threads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 48)
    pool.start()
    return pool
}()

/// A driver, and how many threads it has.
struct TestDriver: Hashable, CustomTestStringConvertible {
    let kind: ProxyDriverKind
    let threads: Int

    var testDescription: String { "\(self.kind) with \(self.threads)" }
}

/// What only epoll promises is tested with one thread and with several, nowhere else.
let everyEpollDriver: [TestDriver] =
    ProxyDriverKind.available.contains(.epoll)
    ? [TestDriver(kind: .epoll, threads: 1), TestDriver(kind: .epoll, threads: 3)] : []

/// What every test of the data plane runs on.
let everyDriver = everyEpollDriver + [TestDriver(kind: .nio, threads: 1)]

/// Runs code that blocks on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
    -> Result
{
    try await threads.runIfActive(body)
}

/// Something that runs on a thread of its own, and whose result can be waited for.
final class Running<Result: Sendable>: Sendable {
    private let result = NIOLockedValueBox<Swift.Result<Result, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Result) {
        threads.submit { _ in
            let result = Swift.Result { try body() }
            self.result.withLockedValue { $0 = result }
            self.isDone.signal()
        }
    }

    var isFinished: Bool { self.result.withLockedValue { $0 != nil } }

    func wait() throws -> Result {
        if self.isDone.wait(timeout: .now() + 60) == .timedOut {
            throw SocketError("wait", ETIMEDOUT)
        }
        self.isDone.signal()
        return try self.result.withLockedValue { $0! }.get()
    }
}

/// A proxy with links between two nodes, for one test.
final class TestWorld: Sendable {
    let proxy: Proxy
    private let lines = NIOLockedValueBox<[JournalEntry]>([])
    private let directory: String
    /// An address of 127/8 for this test alone.
    let host: String
    private static let worlds = NIOLockedValueBox(0)

    private init(_ driver: TestDriver, idleTime: Duration) async throws {
        let number = Self.worlds.withLockedValue { count in
            count += 1
            return count
        }
        self.host = "127.\(99 + number / 250).\(getpid() % 250).\(1 + number % 250)"
        self.directory = NSTemporaryDirectory() + "chaos-proxy-\(getpid())-\(number)"
        try FileManager.default.createDirectory(
            atPath: self.directory, withIntermediateDirectories: true)
        let lines = self.lines
        self.proxy = try await Proxy(
            clock: RunClock(), driver: driver.kind, threads: driver.threads, idleTime: idleTime,
            makeNetwork: {
                Network(
                    seed: Seed(7), nodes: ["n1", "n2"],
                    framing: ["lines": .lines], queueLimit: ByteCount(16 << 20))
            },
            journal: { entries in lines.withLockedValue { $0 += entries } })
    }

    /// Makes a world, and takes it apart afterwards: everything must then be closed.
    static func run(
        on driver: TestDriver, idleTime: Duration = Proxy.idleTimeDefault,
        _ body: @escaping @Sendable (TestWorld) throws -> Void
    ) async throws {
        let world = try await TestWorld(driver, idleTime: idleTime)
        do {
            try await onThread { try body(world) }
        } catch {
            Issue.record("\(error)")
        }
        await world.proxy.close()
        let opened = world.journal.filter { $0.details["state"] == "opened" }.count
        let closed = world.journal.filter { $0.details["state"] == "closed" }.count
        #expect(opened == closed, "each connection of the journal ends")
        try FileManager.default.removeItem(atPath: world.directory)
    }

    // MARK: Places

    func path(_ name: String) -> Endpoint { .unix(path: "\(self.directory)/\(name)") }

    var anyPort: Endpoint { .tcp(host: self.host, port: 0) }

    /// Opens `n1->n2` to a target; the port's name decides the framing.
    func link(
        to target: Endpoint, port: PortName = "p", listen: Endpoint? = nil, source: String? = nil,
        from opener: NodeName = "n1", _ listener: NodeName = "n2"
    ) throws -> Endpoint {
        let spec = ProxiedLink(
            link: Link(opener, listener, port), listen: listen ?? self.anyPort, upstream: target,
            sourceHost: source)
        return try self.wait { try await $0.open([spec]) }[0]
    }

    /// A listener and the proxied way to it.
    func target(port: PortName = "p") throws -> (listener: TestSocket, proxied: Endpoint) {
        let listener = try TestSocket.listen(on: self.anyPort)
        return (listener, try self.link(to: listener.local, port: port))
    }

    /// A connection from end to end, over a listener of its own.
    func pair(port: PortName = "p") throws -> (opener: TestSocket, listener: TestSocket) {
        let (listener, proxied) = try self.target(port: port)
        let opener = try TestSocket.connect(to: proxied)
        return (opener, try listener.accept())
    }

    // MARK: The network

    /// Does something asynchronous from a thread.
    func wait<Result: Sendable>(
        _ body: @escaping @Sendable (Proxy) async throws -> Result
    ) throws -> Result {
        let box = NIOLockedValueBox<Swift.Result<Result, any Error>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        let proxy = self.proxy
        Task {
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(proxy)) } catch { result = .failure(error) }
            box.withLockedValue { $0 = result }
            isDone.signal()
        }
        if isDone.wait(timeout: .now() + 30) == .timedOut {
            throw SocketError("the proxy", ETIMEDOUT)
        }
        return try box.withLockedValue { $0! }.get()
    }

    @discardableResult
    func change<Result: Sendable>(
        addsOnly: Bool = false, _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) throws -> Result {
        try self.wait { try await $0.change(addsOnly: addsOnly, body) }
    }

    func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network) -> Result
    ) throws -> Result {
        try self.wait { try await $0.inspect { network, _ in body(network) } }
    }

    /// Puts a fault on a link pattern.
    func inject(_ fault: Fault, on pattern: String = "n1->n2", id: String = "f") throws {
        let links = try LinkPattern(parsing: pattern)
        try self.change { network, now in
            network.inject(fault, on: links, id: id, origin: .control, at: now)
            return
        }
    }

    func removeFault(id: String = "f") throws {
        try self.change { network, _ in
            network.removeInjections { $0.id == id }
            return
        }
    }

    /// Cuts `n1->n2`, `n2->n1` or both.
    func cut(_ mode: PartitionMode, _ way: Way = .both, id: String = "c") throws {
        let pairs = way.pairs
        try self.change { network, now in
            network.cut(
                pairs, text: "\(way)", mode: mode, port: nil, id: id, origin: .control, at: now)
            return
        }
    }

    /// Heals the cut and tells what it met: how often, and how many bytes crossed it.
    @discardableResult
    func heal(id: String = "c") throws -> (touched: Int, hits: Int, crossed: Int) {
        try self.change { network, _ in
            let cut = network.heal { $0.id == id }.first
            return (
                cut?.touched ?? -1, cut?.hits ?? -1, cut?.crossedBytes.values.reduce(0, +) ?? -1
            )
        }
    }

    enum Way: CaseIterable, CustomStringConvertible {
        case both, forward, backward

        var pairs: [DirectedPair] {
            switch self {
            case .both: [DirectedPair("n1", "n2"), DirectedPair("n2", "n1")]
            case .forward: [DirectedPair("n1", "n2")]
            case .backward: [DirectedPair("n2", "n1")]
            }
        }

        var description: String {
            switch self {
            case .both: "n1 / n2"
            case .forward: "n1 -> n2"
            case .backward: "n2 -> n1"
            }
        }
    }

    // MARK: Looking

    var journal: [JournalEntry] { self.lines.withLockedValue { $0 } }

    var connections: [ConnectionStatus] {
        get throws { try self.wait { try await $0.connections() } }
    }

    /// Waits until something is so; fails the test when it never is.
    func eventually(
        _ what: String, within seconds: Double = 20, _ isSo: () throws -> Bool
    ) throws {
        let end = DispatchTime.now() + seconds
        while try !isSo() {
            if DispatchTime.now() > end { throw SocketError("never so: \(what)", ETIMEDOUT) }
            usleep(2000)
        }
    }

    func expectAllClosed() throws {
        try self.eventually("all connections are forgotten") { try self.connections.isEmpty }
    }
}

/// A flag that one thread sets and another sees.
final class Flag: Sendable {
    private let value = NIOLockedValueBox(false)
    var isSet: Bool { self.value.withLockedValue { $0 } }
    func set() { self.value.withLockedValue { $0 = true } }
}

extension TestWorld {
    /// How many sockets of this process are bound to this test's address, however many descriptors they have.
    func openSockets() throws -> Int {
        let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let sockets = numbers.compactMap { CInt($0) }.filter { number in
            guard case .tcp(let host, let port) = TestSocket.localName(of: number) else {
                return false
            }
            return host == self.host && port != 0
        }.compactMap { number in
            // "socket:[" and the number of its inode, which is the socket's own.
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        }
        return Set(sockets).count
    }

    /// Checks the journal of a single connection: lines lost by cuts, and bytes conserved.
    func expectJournal(received lines: Int, lost: Int) throws {
        let losses = self.journal.filter { $0.details["kind"] == "lose" }
        #expect(losses.count == lost)
        let closed = try #require(self.journal.first { $0.details["state"] == "closed" })
        guard case .object(let forward)? = closed.details["forward"],
            case .int(let received)? = forward["received"],
            case .int(let written)? = forward["written"]
        else {
            Issue.record("no counters in \(closed)")
            return
        }
        let lostBytes = losses.reduce(Int64(0)) { sum, entry in
            if case .int(let bytes)? = entry.details["bytes"] { sum + bytes } else { sum }
        }
        #expect(received == written + lostBytes)
    }
}
