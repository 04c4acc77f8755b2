import NodeKit

/// S29: a state machine that keeps itself connected, as Redix does. Who calls while there is no
/// connection is told so at once; attempts to connect come at growing, jittered intervals.
///
///     disconnected(until) ──due──▶ connecting ──opened──▶ connected
///             ▲                         │ ended                │ ended, or silent for too long
///             └──────── backoff ────────┴── whoever waits is told, and the queue is emptied
struct ReconnectingRedisClient: RedisClient {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Whoever waits still waits after a reconnect, in front of those who call then.
        static let keepsQueue = Flaws(rawValue: 1)
        /// Stands still for ten seconds before it connects again, deaf to all.
        static let sleeps = Flaws(rawValue: 2)
        /// Dies where it cannot connect.
        static let diesWhenRefused = Flaws(rawValue: 4)
        /// Connects again after the same short time always, as all its kind do at the same moment.
        static let neverBacksOff = Flaws(rawValue: 8)
        /// Sends commands again when their replies got lost.
        static let resends = Flaws(rawValue: 16)
    }

    private enum State: Hashable {
        case disconnected(until: Duration)
        /// Deaf: what happens meanwhile happens afterwards.
        case asleep(until: Duration)
        case connecting
        case connected
    }

    private let flaws: Flaws
    private let timing: RedisClientTiming
    private var randomness: Randomness
    private var state = State.connecting
    private var sent = ReplyQueue()
    /// How many attempts to connect have failed since the last success.
    private var failures = 0
    /// What waits for the end of a sleep.
    private var mailbox: [RedisClientEvent] = []
    /// What is to be sent again.
    private var again: [RedisCaller] = []

    init(
        _ flaws: Flaws = [], timing: RedisClientTiming = RedisClientTiming(),
        randomness: Randomness
    ) {
        self.flaws = flaws
        self.timing = timing
        self.randomness = randomness
    }

    var isReady: Bool { self.state == .connected }

    var deadline: Duration? {
        switch self.state {
        case .disconnected(let until): [until, self.sent.deadline].compactMap(\.self).min()
        case .asleep(let until): until
        case .connecting: self.sent.deadline
        case .connected:
            [self.sent.deadline, self.silenceEnds].compactMap(\.self).min()
        }
    }

    private var silenceEnds: Duration? {
        if self.flaws.contains(.keepsQueue) { return nil }
        guard let oldest = self.sent.callers.first, let deadline = oldest.deadline else {
            return nil
        }
        return deadline - self.timing.call + self.timing.silence
    }

    mutating func handle(_ event: RedisClientEvent, at now: Duration) -> [RedisClientAction] {
        if case .asleep(let until) = self.state {
            if event != .due || now < until {
                if event != .due { self.mailbox.append(event) }
                return []
            }
            return self.wake(at: now)
        }
        switch event {
        case .started: return [.open]
        case .call(let id, let words):
            guard self.isReady else { return [.finish(id, .refused("disconnected"))] }
            return [
                self.sent.send(
                    RedisCaller(id: id, words: words, deadline: now + self.timing.call))
            ]
        case .opened:
            self.state = .connected
            self.failures = 0
            defer { self.again = [] }
            return self.again.map { self.sent.send($0) }
        case .received(let bytes):
            do {
                return try self.sent.receive(bytes)
            } catch {
                return error.actions + [.close] + self.end(error.reason, at: now)
            }
        case .ended(let reason): return self.end(reason, at: now)
        case .due: return self.expire(at: now)
        }
    }

    private mutating func end(_ reason: String, at now: Duration) -> [RedisClientAction] {
        if self.state == .connecting && self.flaws.contains(.diesWhenRefused) {
            return [.crash("cannot connect: \(reason)")]
        }
        var actions: [RedisClientAction] = []
        if self.flaws.contains(.keepsQueue) {
            self.sent.forgetBytes()
        } else if self.flaws.contains(.resends) {
            self.again += self.sent.takeAll()
        } else {
            actions = self.sent.takeAll().map { .finish($0.id, .unknown(reason)) }
        }
        self.state = self.nextAttempt(at: now)
        return actions
    }

    private mutating func nextAttempt(at now: Duration) -> State {
        if self.flaws.contains(.sleeps) { return .asleep(until: now + .seconds(10)) }
        if self.flaws.contains(.neverBacksOff) {
            return .disconnected(until: now + self.timing.firstBackoff)
        }
        let backoff = self.timing.backoff(after: self.failures)
        self.failures += 1
        return .disconnected(until: now + self.randomness.jittered(backoff))
    }

    private mutating func wake(at now: Duration) -> [RedisClientAction] {
        self.state = .connecting
        let events = self.mailbox
        self.mailbox = []
        return [.open] + events.flatMap { self.handle($0, at: now) }
    }

    private mutating func expire(at now: Duration) -> [RedisClientAction] {
        if case .disconnected(let until) = self.state, until <= now {
            self.state = .connecting
            return self.sent.expire(at: now) + [.open]
        }
        let actions = self.sent.expire(at: now)
        guard self.state == .connected, let silenceEnds = self.silenceEnds, silenceEnds <= now
        else {
            return actions
        }
        return actions + [.close] + self.end("the connection is silent", at: now)
    }
}
