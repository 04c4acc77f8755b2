/// Why a connection came to its end, or was not made.
package struct StreamEnd: Hashable, Sendable, ExpressibleByStringLiteral {
    /// What was seen, as far as what to do about it differs.
    package let cause: Cause
    /// A few words, such as `connection refused`.
    package let reason: String

    /// What was seen.
    package enum Cause: String, Hashable, Sendable, CaseIterable {
        /// The other side closed the connection in order.
        case closed
        /// The machine is there, and nobody listens (RST to a SYN).
        case refused
        /// Nobody answered: a firewall that swallows, a machine that is away, a full backlog.
        case timedOut = "timed-out"
        /// The other side gave up a connection that there was (RST).
        case reset
        /// Somebody on the way said that there is no way (ICMP), or the own machine knows none.
        case unreachable
        /// The own machine has no port or descriptor left for one more connection.
        case exhausted
        /// Anything else.
        case other
    }

    package init(_ cause: Cause, _ reason: String) {
        self.cause = cause
        self.reason = reason
    }

    /// An end of which nothing but words is known.
    package init(stringLiteral reason: String) { self.init(.other, reason) }
}
