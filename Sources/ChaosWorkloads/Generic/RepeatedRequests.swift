import ChaosCheckers
import ChaosCore
import NIOCore
import NIOHTTP1

/// A client's connection over HTTP that sends a request again, the very same one, where no answer comes.
struct RepeatedRequests: Sendable {
    /// What is sent.
    struct Request: Sendable {
        let method: HTTPMethod
        let path: String
        var headers: [(name: String, value: String)] = []
        /// The body, if there is one, and its `content-type`.
        var body: (type: String, text: String)?
    }

    /// How often a request is sent at most.
    private static let attempts = 3

    private let node: ClientAddress
    private let connection: OneAtATime<HTTPReply>

    init(_ node: ClientAddress) {
        self.node = node
        self.connection = .http(node)
    }

    /// How many requests were sent over it, those that came again included.
    var sentCount: Int { get async { await self.connection.sentCount } }

    /// Sends a request until it is answered, a few times at most.
    ///
    /// - Parameters:
    ///   - timeout: How long it may take in all.
    ///   - conclude: What an answer means; `nil` where it says that nobody knows, and the request is sent again.
    func exchange(
        _ request: Request, timeout: Duration, _ conclude: (HTTPReply) -> Conclusion?
    ) async -> Conclusion {
        var headers: HTTPHeaders = ["host": "\(self.node.host):\(self.node.port)"]
        for header in request.headers { headers.add(name: header.name, value: header.value) }
        if let body = request.body {
            headers.add(name: "content-type", value: body.type)
            headers.add(name: "content-length", value: "\(body.text.utf8.count)")
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.path, headers: headers)
        let bytes = request.body.map { ByteBuffer(string: $0.text) }
        var lost: String?
        for _ in 0..<Self.attempts {
            let outcome = await self.connection.exchange(
                head, bytes, timeout: timeout / Self.attempts)
            switch outcome {
            case .reply(let reply):
                if let end = conclude(reply) { return end }
                lost = "status \(reply.status): \(reply.body.prefix(200))"
            case .notSent(let reason):
                // What was sent before may still take effect.
                return lost == nil ? (.fail, nil, reason) : (.info, nil, reason)
            case .unknown(let reason): lost = reason
            }
        }
        return (.info, nil, lost)
    }

    /// Ends the connection.
    func close() async { await self.connection.close() }
}

extension PlannedOperation {
    /// An operation that only a client knows to carry out who speaks HTTP.
    static func overHTTP(_ function: String, _ argument: JSONValue) -> PlannedOperation {
        PlannedOperation(function: function, argument: argument) { client, _ in
            preconditionFailure("'\(client.name)' cannot carry out '\(function)'")
        }
    }
}
