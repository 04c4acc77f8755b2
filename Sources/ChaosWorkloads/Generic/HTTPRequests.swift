import ChaosCheckers
import ChaosCore
import NIOCore
import NIOHTTP1

/// How an operation becomes a request over HTTP, and its response the operation's end.
struct HTTPTemplate: Hashable, Sendable {
    var method: String
    /// The path with its query.
    var path: String
    var body: String?
    var headers: [Header] = []
    /// Where a JSON body has the value, as a dotted path; `nil` takes the whole body.
    var value: String?
    /// The status codes that mean success; empty is any from 200 to 299.
    var ok: Set<Int> = []
    /// The status codes of something that is not there: success, and the value is null.
    var absent: Set<Int> = []
    /// The status codes that mean certainly no effect; empty is any from 400 to 499.
    var fail: Set<Int> = []

    struct Header: Hashable, Sendable {
        var name: String
        var value: String
    }
}

/// A response, whole.
struct HTTPReply: Sendable {
    var status: Int
    var body: String
}

/// Puts the parts of a response together.
final class HTTPAssembler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPReply

    private var status = 0
    private var body = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.status = Int(head.status.code)
            self.body.clear()
        case .body(var part): self.body.writeBuffer(&part)
        case .end:
            // 1xx announces a response and is none.
            if self.status < 200 { return }
            let reply = HTTPReply(status: self.status, body: String(buffer: self.body))
            context.fireChannelRead(self.wrapInboundOut(reply))
        }
    }
}

extension OneAtATime<HTTPReply> {
    /// A connection that carries HTTP/1.1.
    static func http(_ node: ClientAddress) -> OneAtATime {
        OneAtATime(node: node) { channel in
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            try channel.pipeline.syncOperations.addHandler(HTTPAssembler())
        }
    }

    /// Sends a request and waits for its reply.
    func exchange(
        _ head: HTTPRequestHead, _ body: ByteBuffer?, timeout: Duration
    ) async -> Outcome {
        await self.exchange(timeout: timeout) { channel in
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if let body {
                channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
            }
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        }
    }
}

/// A client that sends each operation as an HTTP request.
struct HTTPOperationClient: OperationTranslator {
    let name: String
    let node: ClientAddress
    let templates: [String: HTTPTemplate]
    let isKeyed: Bool
    private let connection: OneAtATime<HTTPReply>

    init(name: String, node: ClientAddress, templates: [String: HTTPTemplate], isKeyed: Bool) {
        self.name = name
        self.node = node
        self.templates = templates
        self.isKeyed = isKeyed
        self.connection = .http(node)
    }

    var nodeName: String { self.node.node }

    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion {
        guard let template = self.templates[function] else {
            return (.fail, nil, "there is no request for '\(function)'")
        }
        let words = OperationWords(function: function, argument: argument, isKeyed: self.isKeyed)
        let head = self.head(template, words)
        let body = template.body.map { ByteBuffer(string: words.filling($0)) }
        let outcome = await self.connection.exchange(head, body, timeout: timeout)
        switch outcome {
        case .notSent(let reason): return (.fail, nil, reason)
        case .unknown(let reason): return (.info, nil, reason)
        case .reply(let reply): return template.conclusion(of: reply, words)
        }
    }

    private func head(_ template: HTTPTemplate, _ words: OperationWords) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: "\(self.node.host):\(self.node.port)")
        if let body = template.body {
            headers.add(name: "content-length", value: "\(words.filling(body).utf8.count)")
        }
        for header in template.headers {
            headers.replaceOrAdd(name: header.name, value: words.filling(header.value))
        }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: template.method),
            uri: words.filling(template.path), headers: headers)
    }

    func close() async { await self.connection.close() }
}

extension HTTPTemplate {
    /// What a response says of its operation: documented codes are definite, all others leave it open.
    func conclusion(of reply: HTTPReply, _ words: OperationWords) -> Conclusion {
        let isRead = words.function == "read"
        if self.absent.contains(reply.status) {
            return isRead
                ? (.ok, words.value(read: .null), nil) : (.fail, nil, "status \(reply.status)")
        }
        let isOk =
            self.ok.isEmpty ? (200...299).contains(reply.status) : self.ok.contains(reply.status)
        if !isOk {
            let isDefinite =
                self.fail.isEmpty
                ? (400...499).contains(reply.status) : self.fail.contains(reply.status)
            let text = reply.body.isEmpty ? "" : ": \(reply.body.prefix(200))"
            return (isDefinite ? .fail : .info, nil, "status \(reply.status)\(text)")
        }
        // What was written is known; everything else is read.
        if ["write", "cas", "add", "broadcast"].contains(words.function) { return (.ok, nil, nil) }
        let answer = JSONValue(answer: reply.body.trimmingCharactersOfLines)
        guard let path = self.value else { return (.ok, words.value(read: answer), nil) }
        guard let found = answer.value(at: path) else {
            return (.info, nil, "the response has no '\(path)': \(reply.body.prefix(200))")
        }
        return (.ok, words.value(read: found), nil)
    }
}

extension String {
    /// The text without the line ends around it.
    fileprivate var trimmingCharactersOfLines: String {
        var text = self[...]
        while let last = text.last, last.isNewline { text.removeLast() }
        return String(text)
    }
}
