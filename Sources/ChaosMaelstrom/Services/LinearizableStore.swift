import ChaosCore

/// `lin-kv`: one map, every request at one moment.
struct LinearizableStore: Service {
    private var values: [JSONValue: JSONValue] = [:]

    mutating func answer(
        _ request: KeyValueRequest, of node: String, draws: inout Generator
    ) -> KeyValueReply {
        let outcome = request.outcome { self.values[$0] }
        if let (key, value) = outcome.change { self.values[key] = value }
        return outcome.reply
    }
}

extension KeyValueRequest {
    /// What the request comes to on one state of a map.
    ///
    /// - Returns: The reply, and the value that it gives a key, if it gives one.
    func outcome(
        on value: (JSONValue) -> JSONValue?
    ) -> (reply: KeyValueReply, change: (key: JSONValue, value: JSONValue)?) {
        switch self {
        case .read(let key):
            guard let found = value(key) else { return (.absent(key: key), nil) }
            return (.value(found), nil)
        case .write(let key, let new): return (.written, (key, new))
        case .compareAndSet(let key, let from, let to, let createsIfAbsent):
            guard let found = value(key) else {
                return createsIfAbsent ? (.swapped, (key, to)) : (.absent(key: key), nil)
            }
            if found == from { return (.swapped, (key, to)) }
            return (.mismatch(found: found, expected: from), nil)
        case .timestamp: return (.unsupported("ts"), nil)
        }
    }
}
