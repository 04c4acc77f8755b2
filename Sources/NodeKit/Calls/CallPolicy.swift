/// How long a request is waited for, and whether it is repeated meanwhile.
public struct CallPolicy: Hashable, Sendable {
    /// After how long the caller gets ``CallAnswer/timeout``.
    public let deadline: Duration
    /// After how long without an answer the request is sent again, with the same `msg_id`; the
    /// waits double up to eight times this one, each with jitter. `nil` sends it once.
    public let firstWait: Duration?

    /// Sent once: it takes effect at most once, and after a timeout nobody knows.
    public static func once(within deadline: Duration) -> CallPolicy {
        CallPolicy(deadline: deadline, firstWait: nil)
    }

    /// Sent until it is answered: for requests that may take effect twice without harm, or whose
    /// receiver remembers them (``AnswerCache``).
    public static func repeated(
        every firstWait: Duration = .milliseconds(250), within deadline: Duration
    ) -> CallPolicy {
        CallPolicy(deadline: deadline, firstWait: firstWait)
    }
}

/// How a request ended.
public enum CallAnswer: Hashable, Sendable {
    /// A reply that is no error.
    case reply(Message)
    /// An error reply.
    case error(ErrorCode, String)
    /// No answer in time. The request may have taken effect, or may still do so.
    case timeout

    /// The reply, unless it is an error.
    public var message: Message? {
        if case .reply(let message) = self { return message }
        return nil
    }
}
