import ChaosCore

/// A service of Maelstrom's that `chaos` plays: requests in, a reply out. It never waits and draws
/// only from what it is given.
package protocol Service: Sendable {
    /// Answers a request of a node.
    ///
    /// - Parameter draws: Belongs to this request of this node alone, so that what one node asks
    ///   shifts no other's answers.
    mutating func answer(
        _ request: KeyValueRequest, of node: String, draws: inout Generator
    ) -> KeyValueReply
}

/// What a node asks of a service.
package enum KeyValueRequest: Hashable, Sendable {
    case read(key: JSONValue)
    case write(key: JSONValue, value: JSONValue)
    case compareAndSet(key: JSONValue, from: JSONValue, to: JSONValue, createsIfAbsent: Bool)
    case timestamp

    /// Reads a request from a message's body.
    ///
    /// - Throws: The reply to a request that is none.
    package init(_ body: JSONObject) throws(KeyValueReply) {
        let type = body["type"]?.stringValue ?? ""
        func member(_ key: String) throws(KeyValueReply) -> JSONValue {
            if let value = body[key] { return value }
            throw .malformed("a request '\(type)' has a '\(key)'")
        }
        switch type {
        case "read": self = .read(key: try member("key"))
        case "write": self = .write(key: try member("key"), value: try member("value"))
        case "cas":
            self = .compareAndSet(
                key: try member("key"), from: try member("from"), to: try member("to"),
                createsIfAbsent: body["create_if_not_exists"]?.boolValue ?? false)
        case "ts": self = .timestamp
        default: throw .unsupported(type)
        }
    }
}

/// What a service answers.
package enum KeyValueReply: Error, Hashable, Sendable {
    case value(JSONValue)
    case written
    case swapped
    case timestamp(Int64)
    case absent(key: JSONValue)
    case mismatch(found: JSONValue, expected: JSONValue)
    case malformed(String)
    case unsupported(String)

    /// The body of the reply without `in_reply_to`; codes are Maelstrom's.
    package var body: JSONObject {
        switch self {
        case .value(let value): return ["type": "read_ok", "value": value]
        case .written: return ["type": "write_ok"]
        case .swapped: return ["type": "cas_ok"]
        case .timestamp(let timestamp): return ["type": "ts_ok", "ts": .int(timestamp)]
        case .absent: return Self.error(20, "key does not exist")
        case .mismatch(let found, let expected):
            return Self.error(22, "current value \(found.text) is not \(expected.text)")
        case .malformed(let rule): return Self.error(12, rule)
        case .unsupported(let type):
            return Self.error(10, "this service knows no request '\(type)'")
        }
    }

    private static func error(_ code: Int64, _ text: String) -> JSONObject {
        ["type": "error", "code": .int(code), "text": .string(text)]
    }
}

/// Makes the service with this name.
package func makeService(_ name: NodeName) -> (any Service)? {
    switch name {
    case "lin-kv": LinearizableStore()
    case "seq-kv": SequentialStore()
    case "lww-kv": LastWriteWinsStore()
    case "lin-tso": TimestampOracle()
    default: nil
    }
}
