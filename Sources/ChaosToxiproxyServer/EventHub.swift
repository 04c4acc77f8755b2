import ChaosCore
import NIOConcurrencyHelpers

/// Hands events on to everybody who listens. Who reads too slowly misses the oldest ones rather than
/// keeping anybody waiting.
final class EventHub: Sendable {
    /// How many events wait for a slow reader.
    private static let backlog = 1024

    private let listeners = NIOLockedValueBox<(next: Int, all: [Int: Listener])>((0, [:]))
    private typealias Listener = AsyncStream<JSONValue>.Continuation

    /// Whether anybody listens.
    var isHeard: Bool { self.listeners.withLockedValue { !$0.all.isEmpty } }

    func send(_ event: JSONValue) {
        let listeners = self.listeners.withLockedValue { Array($0.all.values) }
        for listener in listeners { listener.yield(event) }
    }

    /// All events from now on.
    func listen() -> AsyncStream<JSONValue> {
        let (events, listener) = AsyncStream<JSONValue>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.backlog))
        let number = self.listeners.withLockedValue { listeners in
            defer { listeners.next += 1 }
            listeners.all[listeners.next] = listener
            return listeners.next
        }
        listener.onTermination = { [weak self] _ in
            _ = self?.listeners.withLockedValue { $0.all.removeValue(forKey: number) }
        }
        return events
    }

    /// Ends everybody's stream.
    func close() {
        let listeners = self.listeners.withLockedValue { Array($0.all.values) }
        for listener in listeners { listener.finish() }
    }
}
