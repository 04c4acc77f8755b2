import ChaosCore
import ChaosToxiproxy
import HTTPTypes
import Hummingbird
import NIOCore

/// Carries requests from HTTP to the API, and its answers back.
struct ToxiproxyResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    /// The largest body that is read.
    private static let bodyLimit = 32 << 20
    /// How often a listener without events hears that the connection lives.
    private static let heartbeat = Duration.seconds(15)

    let api: Toxiproxy
    let events: EventHub
    /// The text of `/metrics`; none where no metrics are asked for.
    let metrics: (@Sendable () async -> String)?
    /// After how long a request is answered, whatever it waits for.
    let answerTime: Duration
    private let ids = RequestIDs()

    init(
        api: Toxiproxy, events: EventHub, metrics: (@Sendable () async -> String)?,
        answerTime: Duration
    ) {
        self.answerTime = answerTime
        self.api = api
        self.events = events
        self.metrics = metrics
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        let target = request.head.path ?? "/"
        let agent = request.headers[.userAgent]
        let isBrowser = agent?.hasPrefix("Mozilla/") == true
        let path = target.prefix { $0 != "?" }
        if path == "/events", request.method == .get, !isBrowser { return self.listen() }
        if path == "/metrics", let metrics = self.metrics, !isBrowser {
            return self.response(
                200,
                [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], await metrics())
        }
        var body: [UInt8] = []
        do {
            let buffer = try await request.body.collect(upTo: Self.bodyLimit)
            body = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            return self.response(
                413, [("Content-Type", "text/plain; charset=utf-8")],
                #"{"error":"bad request body: larger than 32 MiB","status":413}"# + "\n")
        }
        let message = ToxiproxyRequest(
            request.method.rawValue, target, userAgent: agent, body: body)
        let answer = await self.answer(message)
        let fields = answer.headers.map { ($0.name, $0.value) }
        let id = answer.isRouted ? [("X-Toxiproxy-Request-Id", self.ids.next())] : []
        return self.response(answer.status, fields + id, answer.body)
    }

    private func response(
        _ status: Int, _ fields: [(String, String)], _ body: String
    ) -> Response {
        var headers = HTTPFields()
        for (name, value) in fields {
            if let name = HTTPField.Name(name) {
                headers.append(HTTPField(name: name, value: value))
            }
        }
        let content =
            body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: body))
        return Response(status: .init(code: status), headers: headers, body: content)
    }

    /// The answer, or after a while the news that there is none yet.
    private func answer(_ request: ToxiproxyRequest) async -> ToxiproxyResponse {
        let time = self.answerTime
        return await self.api.answer(request) {
            // In small steps: a machine so busy that these come late has not given the work its time
            // either.
            for _ in 0..<Self.stepsOfTime {
                try? await Task.sleep(for: time / Self.stepsOfTime)
                if Task.isCancelled { return }
            }
        }
    }

    private static let stepsOfTime = 20

    /// Events as they happen, as server-sent events (WHATWG HTML, section 9.2).
    private func listen() -> Response {
        let events = self.events.listen()
        let body = ResponseBody { writer in
            // The head leaves with the first bytes.
            try await writer.write(ByteBuffer(string: ": events of chaos proxy\n\n"))
            for await text in Self.lines(events) {
                try await writer.write(ByteBuffer(string: text))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], body: body)
    }

    private static func lines(_ events: AsyncStream<JSONValue>) -> AsyncStream<String> {
        AsyncStream { lines in
            let reading = Task {
                for await event in events {
                    let name = event["event"]?.stringValue ?? "message"
                    lines.yield("event: \(name)\ndata: \(event.text)\n\n")
                }
                lines.finish()
            }
            let beating = Task {
                while !Task.isCancelled {
                    try await Task.sleep(for: Self.heartbeat)
                    lines.yield(":\n\n")
                }
            }
            lines.onTermination = { _ in
                reading.cancel()
                beating.cancel()
            }
        }
    }
}
