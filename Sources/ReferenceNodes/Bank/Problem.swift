import ChaosCore
import NodeKit

/// Why a request was not done, as clients read it: RFC 9457, Problem Details for HTTP APIs.
struct Problem: Error, Hashable, Sendable {
    let status: Int
    let title: String
    let detail: String
    var headers: JSONObject = [:]

    /// The request itself is wrong (400).
    static func malformed(_ detail: String) -> Problem {
        Problem(status: 400, title: "Bad Request", detail: detail)
    }

    /// It is understood, and cannot be done by anybody (422).
    static func senseless(_ detail: String) -> Problem {
        Problem(status: 422, title: "Unprocessable Content", detail: detail)
    }

    /// There is no such thing (404).
    static func missing(_ detail: String) -> Problem {
        Problem(status: 404, title: "Not Found", detail: detail)
    }

    /// The thing is there, and something else can be done with it (405).
    static func notAllowed(_ method: String, allowed: String) -> Problem {
        Problem(
            status: 405, title: "Method Not Allowed",
            detail: "this path takes \(allowed), found '\(method)'",
            headers: ["allow": .string(allowed)])
    }

    /// The account is not in the state for it (409).
    static func conflict(_ title: String, _ detail: String) -> Problem {
        Problem(status: 409, title: title, detail: detail)
    }

    /// Nothing was done, and later it may be (503).
    static func busy(_ detail: String) -> Problem {
        Problem(
            status: 503, title: "Service Unavailable", detail: detail,
            headers: ["retry-after": "1"])
    }

    /// Nobody knows whether it was done (504).
    static let unknown = Problem(
        status: 504, title: "Gateway Timeout",
        detail: "the account's node did not answer in time, so nobody knows what was done:"
            + " send the request again with the same Idempotency-Key")

    /// Something broke on the way, perhaps after something was done (500).
    static func broken(_ detail: String) -> Problem {
        Problem(status: 500, title: "Internal Server Error", detail: detail)
    }
}

extension Effect {
    /// Answers a request with a problem.
    static func respond(to request: HTTPRequest, _ problem: Problem) -> Effect {
        let body: JSONValue = [
            "type": "about:blank", "title": .string(problem.title),
            "status": .int(Int64(problem.status)), "detail": .string(problem.detail),
        ]
        var headers = problem.headers
        headers["content-type"] = "application/problem+json"
        return .respond(to: request, problem.status, body.text + "\n", headers: headers)
    }
}
