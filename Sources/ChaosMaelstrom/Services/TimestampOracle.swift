import ChaosCore

/// `lin-tso`: 0, 1, 2, … in the order in which they were asked for.
struct TimestampOracle: Service {
    private var next: Int64 = 0

    mutating func answer(
        _ request: KeyValueRequest, of node: String, draws: inout Generator
    ) -> KeyValueReply {
        guard case .timestamp = request else { return .unsupported("\(request.type)") }
        defer { self.next += 1 }
        return .timestamp(self.next)
    }
}

extension KeyValueRequest {
    /// The type of the message.
    fileprivate var type: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .compareAndSet: "cas"
        case .timestamp: "ts"
        }
    }
}
