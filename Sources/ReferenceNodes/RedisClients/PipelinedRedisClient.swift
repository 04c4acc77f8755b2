import DequeModule
import NodeKit

/// S28: commands go out as they come, and replies are handed to those who wait, in order. Ten callers
/// at 50 ms round trip are done after 50 ms, not after 500.
///
///     disconnected ──call──▶ connecting ──opened──▶ connected
///           ▲                                           │
///           └────── ended: whoever waits is told ───────┘
struct PipelinedRedisClient: RedisClient {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// What one read brings is taken for exactly one reply.
        static let takesReadsForReplies = Flaws(rawValue: 1)
        /// Waits for a reply as long as it takes, and for ever for a dead connection.
        static let waitsForEver = Flaws(rawValue: 2)
        /// Dies with its connection, and with it all that wait.
        static let diesWithConnection = Flaws(rawValue: 4)
        /// Sends commands again when their replies got lost.
        static let resends = Flaws(rawValue: 8)
    }

    private enum State { case disconnected, connecting, connected }

    /// Beyond so many callers the next ones are refused, so that a slow server does not fill the
    /// memory of its clients.
    private static let callersMax = 1000

    private let flaws: Flaws
    private let timing: RedisClientTiming
    private var state = State.disconnected
    private var unsent: Deque<RedisCaller> = []
    private var sent = ReplyQueue()

    init(_ flaws: Flaws = [], timing: RedisClientTiming = RedisClientTiming()) {
        self.flaws = flaws
        self.timing = timing
    }

    var isReady: Bool { self.state == .connected }

    var deadline: Duration? {
        [self.unsent.compactMap(\.deadline).min(), self.sent.deadline, self.silenceEnds]
            .compactMap(\.self).min()
    }

    /// When the connection counts as dead: the oldest caller has been told, and still no reply came.
    private var silenceEnds: Duration? {
        guard let oldest = self.sent.callers.first, let deadline = oldest.deadline else {
            return nil
        }
        return deadline - self.timing.call + self.timing.silence
    }

    mutating func handle(_ event: RedisClientEvent, at now: Duration) -> [RedisClientAction] {
        switch event {
        case .started:
            self.state = .connecting
            return [.open]
        case .call(let id, let words):
            let deadline = self.flaws.contains(.waitsForEver) ? nil : now + self.timing.call
            return self.take(RedisCaller(id: id, words: words, deadline: deadline))
        case .opened:
            self.state = .connected
            defer { self.unsent = [] }
            return self.unsent.map { self.sent.send($0) }
        case .received(let bytes): return self.receive(bytes)
        case .ended(let reason): return self.end(reason)
        case .due: return self.expire(at: now)
        }
    }

    private mutating func take(_ caller: RedisCaller) -> [RedisClientAction] {
        if self.sent.count + self.unsent.count >= Self.callersMax {
            return [.finish(caller.id, .refused("too many wait already"))]
        }
        switch self.state {
        case .connected: return [self.sent.send(caller)]
        case .connecting:
            self.unsent.append(caller)
            return []
        case .disconnected:
            self.unsent.append(caller)
            self.state = .connecting
            return [.open]
        }
    }

    private mutating func receive(_ bytes: [UInt8]) -> [RedisClientAction] {
        if self.flaws.contains(.takesReadsForReplies) {
            return self.sent.receiveOne(bytes) ?? [.crash("no match of a read with a reply")]
        }
        do {
            return try self.sent.receive(bytes)
        } catch {
            return error.actions + [.close] + self.end(error.reason)
        }
    }

    private mutating func end(_ reason: String) -> [RedisClientAction] {
        let wasConnecting = self.state == .connecting
        self.state = .disconnected
        if self.flaws.contains(.diesWithConnection) { return [.crash(reason)] }
        if wasConnecting {
            defer { self.unsent = [] }
            return self.unsent.map { .finish($0.id, .refused("cannot connect: \(reason)")) }
        }
        let lost = self.sent.takeAll()
        if self.flaws.contains(.resends) {
            self.unsent.prepend(contentsOf: lost)
            if self.unsent.isEmpty { return [] }
            self.state = .connecting
            return [.open]
        }
        return lost.map { .finish($0.id, .unknown(reason)) }
    }

    private mutating func expire(at now: Duration) -> [RedisClientAction] {
        var actions: [RedisClientAction] = self.unsent.filter { $0.isOver(at: now) }.map {
            .finish($0.id, .refused("there was no connection in time"))
        }
        self.unsent.removeAll { $0.isOver(at: now) }
        actions += self.sent.expire(at: now)
        if let silenceEnds = self.silenceEnds, silenceEnds <= now {
            actions += [.close] + self.end("the connection is silent")
        }
        return actions
    }
}
