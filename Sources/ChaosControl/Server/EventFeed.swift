import ChaosCore
import Synchronization

/// Hands what happens in a run to every subscriber without ever waiting for one.
///
/// Each subscriber has a buffer of its own. When it is full the event is dropped and counted, and
/// the next one that fits is preceded by `{"event":"missed","count":…}`.
package final class EventFeed: Sendable {
    private struct Subscriber {
        var continuation: AsyncStream<JSONValue>.Continuation
        var missed: Int64 = 0
    }
    private struct State {
        var subscribers: [Int: Subscriber] = [:]
        var next = 0
        var hasFinished = false
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// Makes a feed; `capacity` is how many undelivered events a subscriber may have, 1 or more.
    package init(capacity: Int = 1024) { self.capacity = max(1, capacity) }

    /// A stream of all events from now on.
    package func subscribe() -> AsyncStream<JSONValue> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JSONValue.self, bufferingPolicy: .bufferingOldest(self.capacity))
        let key = self.state.withLock { state -> Int? in
            if state.hasFinished { return nil }
            state.next += 1
            state.subscribers[state.next] = Subscriber(continuation: continuation)
            return state.next
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.subscribers.removeValue(forKey: key) }
        }
        return stream
    }

    /// Whether anybody listens, so that nobody builds events in vain.
    package var hasSubscribers: Bool { self.state.withLock { !$0.subscribers.isEmpty } }

    /// Tells every subscriber.
    package func publish(_ event: RunEvent) {
        if self.hasSubscribers { self.publish(event.json) }
    }

    /// Tells every subscriber.
    package func publish(_ event: JSONValue) {
        self.state.withLock { state in
            for key in state.subscribers.keys { Self.publish(event, to: &state.subscribers[key]) }
        }
    }

    /// Ends every stream, now and later.
    package func finish() {
        // Outside the lock: finishing calls onTermination, which takes it.
        let open = self.state.withLock { state in
            state.hasFinished = true
            return state.subscribers.values.map(\.continuation)
        }
        for continuation in open { continuation.finish() }
    }

    private static func publish(_ event: JSONValue, to subscriber: inout Subscriber?) {
        guard let continuation = subscriber?.continuation, let missed = subscriber?.missed else {
            return
        }
        if missed > 0 {
            guard case .enqueued = continuation.yield(RunEvent.missed(missed).json) else {
                subscriber?.missed += 1
                return
            }
            subscriber?.missed = 0
        }
        if case .dropped = continuation.yield(event) { subscriber?.missed += 1 }
    }
}
