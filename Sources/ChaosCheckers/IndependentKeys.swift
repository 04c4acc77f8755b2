import ChaosCore

/// Splits a history over several keys into one history a key.
///
/// Jepsen's `independent` runs one object a key: every value is a pair `[key, value]`.
package struct IndependentKeys {
    /// The histories with their keys, in the order in which the keys came up.
    package private(set) var parts: [(key: JSONValue, history: History)] = []

    /// Whether a history is written that way: every invocation has a pair, and what has no argument of its own
    /// (a `read`) has the pair `[key, null]`.
    package static func isUsed(in history: History) -> Bool {
        var sawRead = false
        for operation in history.operations where operation.kind == .invoke {
            guard let pair = operation.value.arrayValue, pair.count == 2 else { return false }
            switch operation.function {
            case "read", "r", "dequeue", "pop":
                if pair[1] != .null { return false }
                sawRead = true
            case "cas":
                if pair[1].arrayValue?.count != 2 && pair[1].objectValue == nil { return false }
                sawRead = true
            default: break
            }
        }
        return sawRead
    }

    /// Splits; an event whose value is no pair belongs to the key of its process' invocation.
    package init(_ history: History) {
        var positions: [JSONValue: Int] = [:]
        var keys: [Int: JSONValue] = [:]
        for var operation in history.operations {
            var key = keys[operation.process]
            if let pair = operation.value.arrayValue, pair.count == 2,
                operation.kind == .invoke || pair[0] == key
            {
                key = pair[0]
                operation.value = pair[1]
            }
            guard let key else { continue }
            keys[operation.process] = key
            let position = positions[key] ?? self.parts.count
            if position == self.parts.count {
                positions[key] = position
                self.parts.append((key, History()))
            }
            self.parts[position].history.append(operation)
        }
    }
}
