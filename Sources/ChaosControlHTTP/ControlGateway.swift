import ChaosControl
import ChaosCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A live run's control operations over HTTP, for those who cannot open its Unix socket.
///
/// It is a client of that socket and knows nothing of its own: `POST /OP` with the other members of a request
/// as a JSON object, or the whole request to `POST /`, gives the run's answer; `GET /status`, `GET /ping` and, as
/// server-sent events (WHATWG HTML, section 9.2), `GET /events`.
package struct ControlGateway: Sendable {
    /// The run's control socket.
    private let socket: String
    private let host: String
    private let port: Int
    /// What a request must show (RFC 6750, section 2.1); nil on loopback only.
    private let token: String?

    /// Makes a gateway that does not listen yet.
    ///
    /// - Parameters:
    ///   - host: An IP address; anything but loopback needs a token.
    ///   - port: The port; 0 for any that is free.
    /// - Throws: `InputError` for an address of others without a token.
    package init(
        to socket: String, host: String, port: Int, token: String?
    ) throws(InputError) {
        guard token != nil || Self.isLoopback(host) else {
            throw InputError(
                "--listen: an address that others reach needs a token", found: host,
                hint: "give one with --token, or in CHAOS_CONTROL_TOKEN")
        }
        self.socket = socket
        self.host = host
        self.port = port
        self.token = token
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter isListening: Called once, with the port.
    package func run(isListening: @escaping @Sendable (Int) async -> Void) async throws {
        var quiet = Logger(label: "chaos.control.http")
        quiet.logLevel = .critical
        let application = Application(
            responder: GatewayResponder(socket: self.socket, token: self.token),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(address: .hostname(self.host, port: self.port)),
            onServerRunning: { await isListening($0.localAddress?.port ?? 0) }, logger: quiet)
        do { try await application.run() } catch let error as IOError {
            throw CommandError(.failed, "cannot listen on \(self.host):\(self.port): \(error)")
        }
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

/// Answers requests.
struct GatewayResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let socket: String
    let token: String?

    func respond(to request: Request, context: Context) async throws -> Response {
        if let refusal = self.refusal(of: request) { return refusal }
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let operation = path.dropFirst()
        do throws(CommandError) {
            switch (request.method, operation) {
            case (.get, "events"): return try await self.events()
            case (.get, "status"), (.get, "ping"):
                return try await self.answer(["op": .string(String(operation))])
            case (.get, _):
                throw CommandError(
                    .unknownOperation, "GET is for status, ping and events, found '\(path)'",
                    hint: "what changes the run is a POST")
            case (.post, _):
                var body = try await Self.object(request)
                if !operation.isEmpty { body["op"] = .string(String(operation)) }
                if body["op"] == "subscribe" {
                    throw CommandError(
                        .badRequest, "events come by GET /events, found 'subscribe'")
                }
                return try await self.answer(body)
            default:
                throw CommandError(
                    .badRequest, "a request is a GET or a POST, found '\(request.method.rawValue)'")
            }
        } catch { return Self.response(Reply(id: .null, .failure(error))) }
    }

    /// Why a request is not even looked at. Pages that a browser shows may send requests to loopback: they
    /// have an origin, or a name that is not ours (DNS rebinding).
    private func refusal(of request: Request) -> Response? {
        if let token = self.token {
            let shown = request.headers[.authorization] ?? ""
            if Self.isEqual(shown, "Bearer \(token)") { return nil }
            var response = Self.response(
                401, ["ok": false, "error": ["message": "the token is missing or wrong"]])
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        let name = request.head.authority.map(Self.name) ?? ""
        if request.headers[.origin] == nil, ControlGateway.isLoopback(name) { return nil }
        return Self.response(
            403,
            [
                "ok": false,
                "error": ["message": "without a token only programs on this machine are served"],
            ])
    }

    /// The host of `host:port` or `[::1]:port`.
    private static func name(_ authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        return String(authority.prefix { $0 != ":" })
    }

    /// Compares without telling by its time where two texts part.
    private static func isEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        if left.count != right.count { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func object(_ request: Request) async throws(CommandError) -> JSONObject {
        let bytes: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: ControlServer.longestRequest)
            bytes = Array(buffer.readableBytesView)
        } catch { throw CommandError(.tooLarge, "a request is at most 1 MiB") }
        if bytes.isEmpty { return [:] }
        guard let object = (try? JSONValue(parsing: bytes))?.objectValue else {
            throw CommandError(.badJSON, "a request's body is a JSON object")
        }
        return object
    }

    private func answer(_ request: JSONObject) async throws(CommandError) -> Response {
        let client = try await ControlClient.connect(to: self.socket)
        let result: Result<JSONValue, CommandError>
        do throws(CommandError) { result = .success(try await client.send(request)) } catch {
            result = .failure(error)
        }
        await client.close()
        return Self.response(Reply(id: .null, result))
    }

    private func events() async throws(CommandError) -> Response {
        let client = try await ControlClient.connect(to: self.socket)
        let events = try await client.events()
        let body = ResponseBody { writer in
            // The head leaves with the first bytes.
            try await writer.write(ByteBuffer(string: ": events of a run\n\n"))
            for await event in events {
                let name = event["event"]?.stringValue ?? "message"
                try await writer.write(
                    ByteBuffer(string: "event: \(name)\ndata: \(event.text)\n\n"))
            }
            try await writer.finish(nil)
            await client.close()
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], body: body)
    }

    private static func response(_ reply: Reply) -> Response {
        switch reply.outcome {
        case .success: Self.response(200, reply.json)
        case .failure(let error): Self.response(error.status, reply.json)
        }
    }

    private static func response(_ status: Int, _ json: JSONValue) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: json.text + "\n")))
    }
}

extension CommandError {
    /// The status that fits (RFC 9110, section 15).
    fileprivate var status: Int {
        switch self.code {
        case .badJSON, .badRequest: 400
        case .unknownOperation, .notFound: 404
        case .conflict: 409
        case .tooLarge: 413
        case .unsupported: 501
        case .busy: 503
        case .unreachable, .disconnected: 502
        case .failed, .badReply: 500
        }
    }
}
