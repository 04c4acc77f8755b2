import ChaosCore
import NodeKit

// What every link shortener answers, S12 to S18:
//
//     POST /  url=URL[&code=CODE]  -> 201, Location, the code        422 where the code belongs to another URL
//     GET /CODE                    -> 302, Location, the URL         404 where nobody has such a link
//     GET /CODE/aggregates         -> 200, "Redirects: N"
//
// 400 for a request that lacks something, 404 "oops" for all others, and 503 where nobody knows what became of it.

/// A request to a link shortener.
enum LinkRequest {
    /// Shorten this URL, to this code where one is wished for.
    case create(url: String, code: String?)
    /// Go where a code leads.
    case follow(code: String)
    /// How often a code was followed.
    case views(code: String)

    /// Reads a request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ request: HTTPRequest) throws(RequestRefusal) {
        switch (request.method, request.path.count) {
        case ("POST", 0):
            guard let url = request.form["url"], !url.isEmpty else {
                throw RequestRefusal(.respond(to: request, 400, "'url' is missing"))
            }
            let code = request.form["code"].flatMap { $0.isEmpty ? nil : $0 }
            if let code, !LinkCode.isAllowed(code) {
                let rule = "a code has at most 64 letters, digits, '-' and '_', found '\(code)'"
                throw RequestRefusal(.respond(to: request, 400, rule))
            }
            self = .create(url: url, code: code)
        case ("GET", 1): self = .follow(code: request.path[0])
        case ("GET", 2) where request.path[1] == "aggregates":
            self = .views(code: request.path[0])
        default: throw RequestRefusal(.respond(to: request, 404, "oops"))
        }
    }
}

extension Effect {
    /// The link is there.
    static func created(_ code: String, for request: HTTPRequest) -> Effect {
        let base = request.header("host").map { "http://\($0)" } ?? ""
        return .respond(to: request, 201, code, headers: ["location": .string("\(base)/\(code)")])
    }

    /// The code belongs to another URL.
    static func notCreated(_ url: String, for request: HTTPRequest) -> Effect {
        .respond(to: request, 422, "Unable to shorten \(url)")
    }

    /// Where a code leads; nowhere for `nil`.
    static func leads(to url: String?, for request: HTTPRequest) -> Effect {
        guard let url else { return .respond(to: request, 404, "Not Found") }
        return .respond(to: request, 302, url, headers: ["location": .string(url)])
    }

    /// How often a code was followed.
    static func views(_ count: Int64, for request: HTTPRequest) -> Effect {
        .respond(to: request, 200, "Redirects: \(count)")
    }

    /// Nobody knows what became of the request, or nobody can do it now.
    static func unavailable(_ reason: String, for request: HTTPRequest) -> Effect {
        .respond(to: request, 503, reason)
    }
}
