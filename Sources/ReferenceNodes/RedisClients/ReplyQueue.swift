import DequeModule
import NodeKit

/// Those whose commands were sent over one connection, in the order in which the replies come.
///
/// Redis answers in order and says nothing about whom an answer is for: the place in this queue is all
/// that tells it. So a caller that has waited long enough is told so and keeps its place.
struct ReplyQueue: Sendable {
    private(set) var callers: Deque<RedisCaller> = []
    private var parser = RESPParser()

    /// How many replies are to come.
    var count: Int { self.callers.count }

    /// When the next caller has waited long enough.
    var deadline: Duration? {
        self.callers.lazy.filter { !$0.wasTold }.compactMap(\.deadline).min()
    }

    /// Adds a caller and says what to send for it.
    mutating func send(_ caller: RedisCaller) -> RedisClientAction {
        self.callers.append(caller)
        return .write(RESPValue.command(caller.words).bytes)
    }

    /// Hands over all replies that are there now, however the bytes were cut.
    ///
    /// - Throws: `ReplyError` where what came is no reply, or nobody's.
    mutating func receive(_ bytes: [UInt8]) throws(ReplyError) -> [RedisClientAction] {
        self.parser.append(bytes)
        var actions: [RedisClientAction] = []
        while true {
            let reply: RESPValue?
            do { reply = try self.parser.next() } catch {
                throw ReplyError(actions: actions, reason: "what came is no reply: \(error)")
            }
            guard let reply else { return actions }
            guard let caller = self.callers.popFirst() else {
                throw ReplyError(actions: actions, reason: "a reply that nobody waits for")
            }
            if !caller.wasTold { actions.append(.finish(caller.id, .reply(reply))) }
        }
    }

    /// Takes what one read brought for exactly one reply, as those do who take TCP for messages;
    /// `nil` where it is not.
    mutating func receiveOne(_ bytes: [UInt8]) -> [RedisClientAction]? {
        self.parser = RESPParser()
        self.parser.append(bytes)
        guard let reply = try? self.parser.next(), self.parser.isAtBoundary,
            let caller = self.callers.popFirst()
        else { return nil }
        return caller.wasTold ? [] : [.finish(caller.id, .reply(reply))]
    }

    /// Tells those who have waited long enough that nobody knows. Their replies may still come.
    mutating func expire(at now: Duration) -> [RedisClientAction] {
        var actions: [RedisClientAction] = []
        for index in self.callers.indices where !self.callers[index].wasTold {
            guard let deadline = self.callers[index].deadline, deadline <= now else { continue }
            self.callers[index].wasTold = true
            actions.append(.finish(self.callers[index].id, .unknown("no reply in time")))
        }
        return actions
    }

    /// Forgets all callers: their replies can no longer come. Returns those who were not told yet.
    mutating func takeAll() -> [RedisCaller] {
        defer { self = ReplyQueue() }
        return self.callers.filter { !$0.wasTold }
    }

    /// Keeps the callers and forgets half a reply, as those do who think that a connection begins
    /// where the last one ended.
    mutating func forgetBytes() { self.parser = RESPParser() }
}

/// Says why a connection cannot be gone on with, and what its last good bytes asked for.
struct ReplyError: Error {
    let actions: [RedisClientAction]
    let reason: String
}
