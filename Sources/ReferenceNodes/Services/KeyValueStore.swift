import ChaosCore
import NodeKit

/// One of Maelstrom's stores (`lin-kv`, `seq-kv`, `lww-kv`) as a node sees it.
///
///     read{key}                               -> read_ok{value}, error 20 for no such key
///     write{key, value}                       -> write_ok
///     cas{key, from, to, create_if_not_exists} -> cas_ok, error 20, error 22 for another value
struct KeyValueStore: Sendable {
    /// What a read showed.
    enum Reading: Hashable, Sendable {
        case value(JSONValue)
        case missing
        /// The store did not answer.
        case unknown
    }

    /// How a write ended.
    enum Outcome: Hashable, Sendable {
        case done
        /// A compare-and-set met another value and changed nothing.
        case mismatch
        /// Nobody knows.
        case unknown
    }

    /// The service's name.
    let service: String
    /// How long an answer is waited for.
    var deadline = Duration.seconds(2)

    static let linearizable = KeyValueStore(service: "lin-kv")
    static let sequential = KeyValueStore(service: "seq-kv")
}

extension CallingNode {
    /// Reads a key, asking again while no answer comes.
    mutating func read(
        _ key: JSONValue, from store: KeyValueStore,
        then: @escaping @Sendable (inout Self, KeyValueStore.Reading, Duration) -> [Effect]
    ) -> [Effect] {
        let body: JSONObject = ["type": "read", "key": key]
        return self.call(store.service, body, .repeated(within: store.deadline)) {
            node, answer, now in
            switch answer {
            case .reply(let message): then(&node, .value(message["value"] ?? nil), now)
            case .error(.keyDoesNotExist, _): then(&node, .missing, now)
            case .error, .timeout: then(&node, .unknown, now)
            }
        }
    }

    /// Writes a key, saying it again while no answer comes: a write that comes late undoes a later
    /// one, so this is for keys that nobody else writes meanwhile.
    mutating func write(
        _ key: JSONValue, _ value: JSONValue, to store: KeyValueStore,
        then: @escaping @Sendable (inout Self, KeyValueStore.Outcome, Duration) -> [Effect]
    ) -> [Effect] {
        let body: JSONObject = ["type": "write", "key": key, "value": value]
        return self.call(store.service, body, .repeated(within: store.deadline)) {
            node, answer, now in
            then(&node, answer.message == nil ? .unknown : .done, now)
        }
    }

    /// Changes a key from one value to another; from `nil` makes it. Sent once: a second try meets
    /// the value that the first one left, and would tell of a mismatch.
    mutating func compareAndSet(
        _ key: JSONValue, from: JSONValue?, to: JSONValue, in store: KeyValueStore,
        then: @escaping @Sendable (inout Self, KeyValueStore.Outcome, Duration) -> [Effect]
    ) -> [Effect] {
        // A key that is there holds no value of this kind, so `from` then never fits.
        let absent: JSONValue = ["absent": true]
        let body: JSONObject = [
            "type": "cas", "key": key, "from": from ?? absent, "to": to,
            "create_if_not_exists": .bool(from == nil),
        ]
        return self.call(store.service, body, .once(within: store.deadline)) {
            node, answer, now in
            switch answer {
            case .reply: then(&node, .done, now)
            case .error(.preconditionFailed, _), .error(.keyDoesNotExist, _):
                then(&node, .mismatch, now)
            case .error, .timeout: then(&node, .unknown, now)
            }
        }
    }
}
