import ChaosCheckers
import ChaosCore
import NodeKit

/// How a request of a client ended, as far as the client can tell.
enum RequestOutcome: Hashable, Sendable {
    /// The node answered with this body.
    case reply(JSONObject)
    /// There was no connection, and nothing was sent.
    case notSent(String)
    /// It was sent, or may have been, and nobody knows what became of it.
    case unknown(String)

    /// How an operation ends that waits for a reply of this type.
    ///
    /// - Parameter result: Takes the operation's value from the reply; `nil` says that the reply
    ///   lacks it.
    func conclusion(
        expecting type: String, result: (JSONObject) -> JSONValue?
    ) -> (kind: Operation.Kind, value: JSONValue?, error: String?) {
        switch self {
        case .notSent(let reason): return (.fail, nil, reason)
        case .unknown(let reason): return (.info, nil, reason)
        case .reply(let body):
            let actual = body["type"]?.stringValue ?? ""
            if actual == "error" { return Self.conclusion(ofError: body) }
            if actual != type {
                return (.info, nil, "the reply is '\(actual)' and not '\(type)'")
            }
            guard let value = result(body) else {
                return (.info, nil, "the reply '\(type)' lacks what was asked for")
            }
            return (.ok, value, nil)
        }
    }

    private static func conclusion(
        ofError body: JSONObject
    ) -> (kind: Operation.Kind, value: JSONValue?, error: String?) {
        let code = ErrorCode(rawValue: body["code"]?.intValue ?? ErrorCode.crash.rawValue)
        let text = body["text"]?.stringValue ?? "no text"
        return (code.isDefinite ? .fail : .info, nil, "error \(code.rawValue): \(text)")
    }
}
