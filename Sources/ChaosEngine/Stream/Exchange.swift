import ChaosCore

/// What the two directions of a connection must know of each other: which replies are to be
/// suppressed, and which requests an HTTP response answers.
final class Exchange {
    /// The methods of requests whose responses have not begun, in order.
    var methods: [String] = []
    /// Whether an HTTP connection has become something else (CONNECT, Upgrade).
    var isTunnel = false
    /// Whether the connection is to be reset, its reply suppressed.
    var isToReset = false

    private var suppressedIdentifiers: [Int64] = []
    private var suppressedOrdinals: [UInt64] = []

    /// Remembers that the reply to a request must not arrive.
    ///
    /// The reply is known by `in_reply_to` where requests carry a `msg_id`; elsewhere replies come
    /// in the order of their requests, as RESP and HTTP/1.1 have it.
    func suppressReply<Bytes: StreamBytes>(to request: LazyMessageView<Bytes>, _ ordinal: UInt64) {
        if let identifier = request.value.correlation.messageID {
            self.suppressedIdentifiers.append(identifier)
        } else {
            self.suppressedOrdinals.append(ordinal)
        }
    }

    /// Whether a reply is one that must not arrive.
    func suppresses<Bytes: StreamBytes>(_ reply: LazyMessageView<Bytes>, _ ordinal: UInt64) -> Bool {
        if self.suppressedIdentifiers.isEmpty && self.suppressedOrdinals.isEmpty { return false }
        if self.suppressedOrdinals.contains(ordinal) { return true }
        guard let identifier = reply.value.correlation.inReplyTo else { return false }
        return self.suppressedIdentifiers.contains(identifier)
    }
}
