import ChaosCore

/// One event of a history: a client began an operation, or learned how it ended.
///
/// Jepsen's model: every operation is an `invoke`, later followed by at most one completion of the
/// same process. A process has one operation in flight at a time.
package struct Operation: Hashable, Sendable {
    /// What an event says about its operation.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The client is about to send the request.
        case invoke
        /// The operation took effect.
        case ok
        /// The operation definitely did not take effect.
        case fail
        /// Nobody knows: a timeout, a reset after the request was sent, an indefinite error.
        case info
    }

    /// The position in the history, counted from 0.
    package var index: Int
    /// The logical single-threaded process that runs the operation.
    package var process: Int
    /// What the event says.
    package var kind: Kind
    /// The name of the operation, such as `broadcast` or `read`; `f` in files.
    package var function: String
    /// The argument of an invocation, the result of a completion.
    package var value: JSONValue
    /// When it happened.
    package var time: Instant
    /// The node that the client talked to, if the operation was for one.
    package var node: String?
    /// Whether this belongs to the reads at the end, after heal and settling.
    package var isFinal: Bool
    /// Why the operation did not end as `ok`.
    package var error: String?

    package init(
        index: Int, process: Int, kind: Kind, function: String, value: JSONValue = .null,
        time: Instant, node: String? = nil, isFinal: Bool = false, error: String? = nil
    ) {
        self.index = index
        self.process = process
        self.kind = kind
        self.function = function
        self.value = value
        self.time = time
        self.node = node
        self.isFinal = isFinal
        self.error = error
    }
}

/// An invocation and how it ended.
package struct Invocation: Hashable, Sendable {
    /// The `invoke` event.
    package var begin: Operation
    /// The completion; `nil` when the history ends before it, which means as much as `info`.
    package var end: Operation?

    /// How it ended; without a completion nobody knows.
    package var outcome: Operation.Kind { self.end?.kind ?? .info }
}
