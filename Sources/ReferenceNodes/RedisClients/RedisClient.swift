import NodeKit

/// A client library for Redis over one connection: calls in, outcomes out.
///
/// A client is a state machine without a socket or clock. Its owner makes the connections that it
/// asks for, one at a time, and tells it what happened; what a client that was given up still
/// receives reaches nobody.
protocol RedisClient: Sendable {
    /// Takes in what happened and says what to do about it, in order.
    mutating func handle(_ event: RedisClientEvent, at now: Duration) -> [RedisClientAction]

    /// When `RedisClientEvent.due` is wanted; `nil` is never.
    var deadline: Duration? { get }

    /// Whether a call would be sent at once.
    var isReady: Bool { get }
}

/// What happens to a client.
enum RedisClientEvent: Hashable, Sendable {
    /// The client begins to live. Always the first event.
    case started
    /// Somebody wants a command carried out, and waits under this number.
    case call(Int, [[UInt8]])
    /// The connection that was asked for is there.
    case opened
    /// Bytes came.
    case received([UInt8])
    /// The connection ended, or could not be made.
    case ended(String)
    /// ``RedisClient/deadline`` has come.
    case due
}

/// What a client asks for.
enum RedisClientAction: Hashable, Sendable {
    /// Make a connection; there is none.
    case open
    case write([UInt8])
    /// End the connection, or the attempt to make one. The client hears no more of it.
    case close
    /// Tell whoever waits under this number.
    case finish(Int, RedisOutcome)
    /// The client met something that it has no answer to, and dies, and with it whoever waits for it.
    case crash(String)
}

/// How a call ended.
enum RedisOutcome: Hashable, Sendable {
    /// The server's answer, which may be an error.
    case reply(RESPValue)
    /// Nothing was sent, so nothing was done.
    case refused(String)
    /// It was sent, or may have been, and nobody knows what became of it.
    case unknown(String)
}

/// How long clients wait.
struct RedisClientTiming: Hashable, Sendable {
    /// From a call to its end.
    var call = Duration.milliseconds(500)
    /// How long the oldest command may be unanswered before the connection counts as dead.
    var silence = Duration.seconds(1)
    /// Between two attempts to connect: at first, at most, and by what it grows (Redix: 1.5).
    var firstBackoff = Duration.milliseconds(100)
    var longestBackoff = Duration.seconds(1)

    func backoff(after failures: Int) -> Duration {
        var backoff = self.firstBackoff
        for _ in 0..<failures where backoff < self.longestBackoff { backoff = backoff * 3 / 2 }
        return min(backoff, self.longestBackoff)
    }
}

/// Somebody who waits for the end of a call.
struct RedisCaller: Hashable, Sendable {
    let id: Int
    let words: [[UInt8]]
    /// When it has waited long enough; `nil` waits for ever.
    let deadline: Duration?
    /// Whether it was told already that nobody knows.
    var wasTold = false

    /// Whether it has waited long enough.
    func isOver(at now: Duration) -> Bool { self.deadline.map { $0 <= now } ?? false }
}
