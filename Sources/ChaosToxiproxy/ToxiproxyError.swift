/// An error as clients get it.
package struct ToxiproxyError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    /// The HTTP status.
    package let status: Int

    init(_ message: String, _ status: Int) {
        self.message = message
        self.status = status
    }

    package var description: String { self.message }

    static let proxyNotFound = ToxiproxyError("proxy not found", 404)
    static let proxyAlreadyExists = ToxiproxyError("proxy already exists", 409)
    static let toxicNotFound = ToxiproxyError("toxic not found", 404)
    static let toxicAlreadyExists = ToxiproxyError("toxic already exists", 409)
    static let invalidToxicType = ToxiproxyError("invalid toxic type", 400)
    static let invalidStream = ToxiproxyError(
        "stream was invalid, can be either upstream or downstream", 400)

    static func badBody(_ error: GoJSONError) -> ToxiproxyError {
        ToxiproxyError("bad request body: \(error.text)", 400)
    }

    /// A share of connections for what is for all of them.
    static func shared(_ type: ToxicType, _ toxicity: Float) -> ToxiproxyError {
        ToxiproxyError(
            "invalid toxicity: \(type.rawValue) is for all connections, so it must be 1, "
                + "found '\(GoText.number(toxicity))'", 400)
    }

    static func missing(_ field: String) -> ToxiproxyError {
        ToxiproxyError("missing required field: \(field)", 400)
    }

    /// What went wrong at a socket: a server's error, unless what was asked for is wrong.
    static func plane(_ failure: PlaneFailure) -> ToxiproxyError {
        ToxiproxyError(failure.reason, failure.isInput ? 400 : 500)
    }

    /// A change that did not begin in time.
    static let withdrawn = ToxiproxyError(
        "not done: other changes took too long, and nothing was changed; ask again", 503)
    /// A change that began and did not end in time.
    static let underWay = ToxiproxyError(
        "not done yet: the change takes longer than the limit for answers, and goes on", 503)

    /// The members that tell it, in their order.
    var members: String { "\"error\":\(GoText.quoted(self.message)),\"status\":\(self.status)" }
}
