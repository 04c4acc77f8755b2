import Foundation
import Synchronization

/// What clients did, counted by all threads.
struct SoakCounts {
    var complete = 0
    var broken = 0
    var bytes = 0
    var linesSent = 0
    var linesReturned = 0
    var floods = 0
    var abandoned = 0
    var slow = 0
    var renewed = 0
}

/// Clients of many manners, each on a thread of its own until they are stopped.
final class SoakLoad: Sendable {
    let counts = Mutex(SoakCounts())
    private let isStopped = Atomic<Bool>(false)
    private let running = Mutex<[Background<Void>]>([])
    private let violation: @Sendable (String) -> Void

    init(violation: @escaping @Sendable (String) -> Void) { self.violation = violation }

    /// Stops all clients and waits until they are done.
    func stop() {
        self.isStopped.store(true, ordering: .sequentiallyConsistent)
        let running = self.running.withLock { running in
            defer { running = [] }
            return running
        }
        for client in running { try? client.wait() }
    }

    var isOver: Bool { self.isStopped.load(ordering: .relaxed) }

    /// Does something again and again; a failure of the network is no failure of the soak.
    private func client(
        _ name: String, pause: UInt32, seed: UInt64,
        _ body: @escaping @Sendable (inout SplitMix, Room) throws -> Void
    ) {
        let client = Background<Void>("soak-\(name)") {
            var generator = SplitMix(seed: seed)
            let room = Room(64 << 10)
            while !self.isOver {
                do { try body(&generator, room) } catch let problem as SoakViolation {
                    self.violation("\(name): \(problem)")
                } catch {
                    self.counts.withLock { $0.broken += 1 }
                    // Whoever is refused at once tries again after a while.
                    Pause.milliseconds(20)
                }
                if pause > 0 { Pause.milliseconds(pause) }
            }
        }
        self.running.withLock { $0.append(client) }
    }

    /// Sends streams of up to `lengthMax` bytes and gets as much back, each on a new connection.
    func exchange(
        _ name: String, _ endpoint: Endpoint, lengthMax: Int, pause: UInt32, seed: UInt64
    ) {
        self.client(name, pause: pause, seed: seed) { generator, room in
            // As many short streams as long ones.
            let length = generator.number(1...generator.pick([100, 5000, lengthMax]))
            let exchange = try SoakExchange(
                to: endpoint, number: generator.next(), length: length, patience: 5)
            let piece = generator.pick([17, 1000, 1448, 16 << 10, 64 << 10])
            let end = try exchange.run(
                piece: max(piece, length / 200), room: room, until: { self.isOver })
            self.note(end, exchange)
        }
    }

    private func note(_ end: SoakEnd, _ exchange: SoakExchange) {
        self.counts.withLock { counts in
            if end == .complete { counts.complete += 1 } else { counts.broken += 1 }
            counts.bytes += exchange.received
        }
        // Hundreds of thousands of sockets in TIME_WAIT would use all ports up.
        exchange.reset()
    }

    /// Sends lines and takes what comes back.
    func lines(_ endpoint: Endpoint, pause: UInt32, seed: UInt64) {
        self.client("lines", pause: pause, seed: seed) { generator, room in
            let outcome = try SoakLines.run(
                to: endpoint, number: generator.next(), count: generator.number(1...100),
                length: generator.number(0...300), patience: 1, room: room,
                until: { self.isOver })
            self.counts.withLock { counts in
                counts.linesSent += outcome.sent
                counts.linesReturned += outcome.returned
                if outcome.end == .complete { counts.complete += 1 } else { counts.broken += 1 }
            }
        }
    }

    /// Takes in what it asked for a kilobyte at a time.
    func slow(_ endpoint: Endpoint, seed: UInt64) {
        self.client("slow", pause: 10, seed: seed) { generator, room in
            let exchange = try SoakExchange(
                to: endpoint, number: generator.next(), length: 64 << 10, patience: 10)
            exchange.holdLittle()
            let end = try exchange.run(
                piece: 1024, pause: 20, room: room, until: { self.isOver })
            self.counts.withLock { $0.slow += 1 }
            self.note(end, exchange)
        }
    }

    /// Sends a part, and then nothing; vanishes with a reset or an end of the stream.
    func halfOpen(_ endpoint: Endpoint, seed: UInt64) {
        self.client("half-open", pause: 1, seed: seed) { generator, room in
            let exchange = try SoakExchange(
                to: endpoint, number: generator.next(), length: 100_000, patience: 2)
            _ = try exchange.run(
                to: generator.number(0...2000), room: room, until: { self.isOver })
            let rest = MonotonicClock.after(Double(generator.number(0...3000)) / 1000)
            while MonotonicClock.now < rest, !self.isOver { Pause.milliseconds(20) }
            if generator.number(0...1) == 0 { exchange.reset() }
            self.counts.withLock { $0.abandoned += 1 }
        }
    }

    /// Connects many times at once and resets every connection.
    func flood(_ endpoint: Endpoint, connections: Int, every pause: UInt32, seed: UInt64) {
        self.client("flood", pause: pause, seed: seed) { generator, _ in
            var sockets: [Socket] = []
            for _ in 0..<connections where !self.isOver {
                guard let socket = try? Socket.connected(to: endpoint, patience: 1) else { break }
                socket.resetWhenClosed()
                // Half of them say something first.
                if generator.number(0...1) == 0 {
                    let bytes = SoakHeader(number: 1, length: 1000).bytes
                    _ = try? bytes.withUnsafeBytes { try socket.sendNow($0) }
                }
                sockets.append(socket)
                if generator.number(0...9) == 0 { sockets.removeFirst() }
            }
            let count = sockets.count
            self.counts.withLock { $0.floods += count }
        }
    }

    /// Keeps many connections open and uses one after the other.
    func many(_ endpoint: Endpoint, connections: Int, seed: UInt64) -> SoakManyConnections {
        let many = SoakManyConnections(endpoint, connections, seed: seed)
        self.client("many", pause: 0, seed: seed) { _, room in
            if try many.useNext(room, until: { self.isOver }) {
                self.counts.withLock { $0.renewed += 1 }
            }
        }
        return many
    }
}

/// Many connections that are open for as long as the network lets them.
///
/// Sound without the compiler's word: everything that changes is used under the lock only.
final class SoakManyConnections: @unchecked Sendable {
    private static let length = 1 << 30
    private static let step = 64

    private let endpoint: Endpoint
    private let lock = NSLock()
    private var exchanges: [SoakExchange?]
    /// How many bytes went there and back on each.
    private var used: [Int]
    private var next = 0
    private var generator: SplitMix

    init(_ endpoint: Endpoint, _ count: Int, seed: UInt64) {
        self.endpoint = endpoint
        self.exchanges = .init(repeating: nil, count: count)
        self.used = .init(repeating: 0, count: count)
        self.generator = SplitMix(seed: seed)
    }

    /// Uses the next connection, opening it if need be. Returns whether it broke.
    func useNext(_ room: Room, until isOver: () -> Bool) throws -> Bool {
        try self.lock.withLock {
            let index = self.next
            self.next = (index + 1) % self.exchanges.count
            return try self.use(index, room, until: isOver)
        }
    }

    private func use(_ index: Int, _ room: Room, until isOver: () -> Bool) throws -> Bool {
        if self.exchanges[index] == nil {
            self.exchanges[index] = try SoakExchange(
                to: self.endpoint, number: self.generator.next(), length: Self.length,
                patience: 5)
            self.used[index] = 0
        }
        guard let exchange = self.exchanges[index] else { return false }
        self.used[index] += Self.step
        let end = try exchange.run(to: self.used[index], room: room, until: isOver)
        if end == .complete || end == .broken(SoakExchange.givenUp) { return false }
        exchange.reset()
        self.exchanges[index] = nil
        return true
    }

    /// Uses every connection once more; returns how many answered, and how many were open and did
    /// not: in a network without faults what was open must go on.
    func useAll(_ room: Room) throws -> (alive: Int, stuck: Int) {
        try self.lock.withLock {
            var result = (alive: 0, stuck: 0)
            for index in self.exchanges.indices {
                guard let exchange = self.exchanges[index] else { continue }
                self.used[index] += Self.step
                switch try exchange.run(to: self.used[index], room: room) {
                case .complete: result.alive += 1
                case .broken(let reason) where reason.hasPrefix(SoakExchange.nothing):
                    result.stuck += 1
                // A reset of before, noticed only now.
                case .broken: break
                }
            }
            return result
        }
    }

    /// Resets all.
    func close() {
        self.lock.withLock {
            for exchange in self.exchanges { exchange?.reset() }
            self.exchanges = []
        }
    }
}
