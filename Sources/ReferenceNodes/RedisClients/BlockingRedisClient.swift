import DequeModule
import NodeKit

/// S27: one command at a time. It sends, waits for the reply, and only then sends the next one, so every
/// caller waits for all that came before: head-of-line blocking.
///
///     disconnected ──call──▶ connecting ──opened──▶ idle ──send──▶ waiting ──reply──▶ idle
///           ▲                                                         │
///           └──────────────── ended, or the deadline: close ──────────┘
///
/// After a deadline the connection is closed, because the reply that is still to come would be taken
/// for that of the next command.
struct BlockingRedisClient: RedisClient {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// What one read brings is taken for the whole reply.
        static let takesReadsForReplies = Flaws(rawValue: 1)
        /// Waits for a reply as long as it takes.
        static let waitsForEver = Flaws(rawValue: 2)
        /// Goes on with the connection after a deadline.
        static let keepsSocket = Flaws(rawValue: 4)
        /// Sends a command again when its reply got lost.
        static let resends = Flaws(rawValue: 8)
        /// Dies where it cannot connect.
        static let diesWhenRefused = Flaws(rawValue: 16)
    }

    private enum State {
        case disconnected
        case connecting
        case idle
        case waiting(RedisCaller)
    }

    private let flaws: Flaws
    private let timing: RedisClientTiming
    private var state = State.disconnected
    private var queue: Deque<RedisCaller> = []
    private var parser = RESPParser()

    init(_ flaws: Flaws = [], timing: RedisClientTiming = RedisClientTiming()) {
        self.flaws = flaws
        self.timing = timing
    }

    var isReady: Bool {
        if case .idle = self.state { return self.queue.isEmpty }
        return false
    }

    var deadline: Duration? {
        var callers = Array(self.queue)
        if case .waiting(let caller) = self.state { callers.append(caller) }
        return callers.compactMap(\.deadline).min()
    }

    mutating func handle(_ event: RedisClientEvent, at now: Duration) -> [RedisClientAction] {
        switch event {
        case .started:
            self.state = .connecting
            return [.open]
        case .call(let id, let words):
            let waitsForEver = self.flaws.contains(.waitsForEver)
            self.queue.append(
                RedisCaller(
                    id: id, words: words, deadline: waitsForEver ? nil : now + self.timing.call))
            return self.advance()
        case .opened:
            self.state = .idle
            self.parser = RESPParser()
            return self.advance()
        case .received(let bytes): return self.receive(bytes)
        case .ended(let reason): return self.end(reason)
        case .due: return self.expire(at: now)
        }
    }

    /// Sends the next command, or asks for a connection for it.
    private mutating func advance() -> [RedisClientAction] {
        guard let next = self.queue.first else { return [] }
        switch self.state {
        case .connecting, .waiting: return []
        case .disconnected:
            self.state = .connecting
            return [.open]
        case .idle:
            self.queue.removeFirst()
            self.state = .waiting(next)
            return [.write(RESPValue.command(next.words).bytes)] + self.read()
        }
    }

    private mutating func receive(_ bytes: [UInt8]) -> [RedisClientAction] {
        if self.flaws.contains(.takesReadsForReplies) { self.parser = RESPParser() }
        self.parser.append(bytes)
        return self.read()
    }

    /// Hands the reply over that has come.
    private mutating func read() -> [RedisClientAction] {
        guard case .waiting(let caller) = self.state else {
            // Nobody asked for this. Who goes on with the connection gives it to the next caller.
            return self.flaws.contains(.keepsSocket) ? [] : self.giveUp("nobody asked for this")
        }
        let reply: RESPValue?
        do {
            reply = try self.parser.next()
        } catch {
            return self.giveUp("what came is no reply: \(error)")
        }
        if self.flaws.contains(.takesReadsForReplies) && !self.parser.isAtBoundary {
            return [.crash("no match of a read with a reply")]
        }
        guard let reply else { return [] }
        self.state = .idle
        let answer = RedisClientAction.finish(caller.id, .reply(reply))
        // What stands behind the only reply that was to come would be taken for the next one.
        if !self.parser.isAtBoundary && !self.flaws.contains(.keepsSocket) {
            return [answer] + self.giveUp("more came than was asked for")
        }
        return [answer] + self.advance()
    }

    /// Closes the connection: what comes on it now would be taken for something else.
    private mutating func giveUp(_ reason: String) -> [RedisClientAction] {
        [.close] + self.end(reason)
    }

    private mutating func end(_ reason: String) -> [RedisClientAction] {
        defer { self.parser = RESPParser() }
        let before = self.state
        self.state = .disconnected
        switch before {
        case .connecting:
            if self.flaws.contains(.diesWhenRefused) {
                return [.crash("cannot connect: \(reason)")]
            }
            // Each was willing to wait, but there is nothing to wait for.
            defer { self.queue = [] }
            return self.queue.map { .finish($0.id, .refused("cannot connect: \(reason)")) }
        case .waiting(let caller):
            if self.flaws.contains(.resends) {
                self.queue.prepend(caller)
                return self.advance()
            }
            return [.finish(caller.id, .unknown(reason))] + self.advance()
        case .idle, .disconnected: return self.advance()
        }
    }

    private mutating func expire(at now: Duration) -> [RedisClientAction] {
        var actions: [RedisClientAction] = self.queue.filter { $0.isOver(at: now) }.map {
            .finish($0.id, .refused("others were served first"))
        }
        self.queue.removeAll { $0.isOver(at: now) }
        guard case .waiting(let caller) = self.state, caller.isOver(at: now) else { return actions }
        if self.flaws.contains(.keepsSocket) {
            self.state = .idle
            actions.append(.finish(caller.id, .unknown("no reply in time")))
            return actions + self.advance()
        }
        return actions + self.giveUp("no reply in time")
    }
}
