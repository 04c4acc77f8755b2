import ChaosCore

/// A write or read of one key of a map.
struct KeyedOperation {
    enum Kind {
        case write
        case read
        case delete
    }

    let invocation: Invocation
    let kind: Kind
    let key: JSONValue
    /// What is written, or what an ok read showed (`null`: nothing).
    let value: JSONValue
    /// How long it is to live, for writes that say so.
    let lifetime: Duration?

    /// When it was called and had returned; one that never did returns at the end of time.
    var begin: Instant { self.invocation.begin.time }
    var end: Instant {
        self.invocation.outcome == .ok ? self.invocation.end?.time ?? .never : .never
    }

    private static let kinds: [String: Kind] = [
        "put": .write, "create": .write, "write": .write, "set": .write, "get": .read,
        "read": .read, "delete": .delete, "remove": .delete,
    ]

    /// A write may learn its key from the answer: it is called as `[null, value]` and ends as `[key, value]`; its key is `null` where it did
    /// not end well.
    ///
    /// All of a history: `put` (`[key, value]`, or `[key, value, lifetime in ms]`), `get` (`[key, null]` or the key; completion: `[key, value]` or the
    /// value), and `delete` (the key).
    static func all(_ history: History) throws(InputError) -> [KeyedOperation] {
        var operations: [KeyedOperation] = []
        for invocation in history.invocations {
            let begin = invocation.begin
            guard let kind = Self.kinds[begin.function] else { continue }
            let parts = begin.value.arrayValue ?? [begin.value]
            var key = begin.value["key"] ?? parts.first ?? .null
            var value = JSONValue.null
            var lifetime: Duration?
            switch kind {
            case .write:
                guard
                    let written = begin.value["value"]
                        ?? (parts.count > 1 ? parts[1] : Optional.none)
                else { throw InputError.wrongValue(begin, mustBe: "[key, value]") }
                value = written
                if key == .null, invocation.outcome == .ok {
                    key = invocation.end?.value.arrayValue?.first ?? .null
                }
                let ttl = begin.value["ttl"] ?? (parts.count > 2 ? parts[2] : Optional.none)
                if let ttl, ttl != .null {
                    guard let milliseconds = ttl.intValue, milliseconds >= 0 else {
                        throw InputError.wrongValue(begin, mustBe: "[key, value, lifetime in ms]")
                    }
                    lifetime = .milliseconds(milliseconds)
                }
            case .read:
                guard invocation.outcome == .ok, let end = invocation.end else { continue }
                let answer = end.value.arrayValue
                value = answer?.count == 2 && answer?[0] == key ? answer?[1] ?? .null : end.value
                if let inner = end.value["value"] { value = inner }
            case .delete: break
            }
            operations.append(
                KeyedOperation(
                    invocation: invocation, kind: kind, key: key, value: value, lifetime: lifetime))
        }
        return operations
    }
}
