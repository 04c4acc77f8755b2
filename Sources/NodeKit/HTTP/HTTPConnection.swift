import NIOCore
import NIOHTTP1

/// One HTTP connection of somebody's to a node. Lives on the node's event loop.
///
/// SwiftNIO's pipeline reads HTTP and lets one request at a time come here; further ones of the same connection wait
/// until this one was answered. To the node each connection is a client of its own name.
final class HTTPConnection: ChannelInboundHandler, MessageOutlet {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The most bytes that a request's body may have.
    static let bodyLimit = 1024 * 1024

    private let name: String
    /// The name of the node that is asked.
    private let node: String
    /// Where requests go, and whom to tell about the connection's end.
    private let exchange: MessageExchange
    private var context: ChannelHandlerContext?
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isTooLarge = false
    private var requests: Int64 = 0
    /// The request that waits for its answer.
    private var open: (id: Int64, head: HTTPRequestHead)?

    init(name: String, node: String, exchange: MessageExchange) {
        self.name = name
        self.node = node
        self.exchange = exchange
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.exchange.attach(self, as: self.name)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.body.clear()
            self.isTooLarge = false
        case .body(var part):
            if self.body.readableBytes + part.readableBytes > Self.bodyLimit {
                self.isTooLarge = true
            } else {
                self.body.writeBuffer(&part)
            }
        case .end:
            guard let head = self.head else { return }
            self.head = nil
            self.take(head)
        }
    }

    private func take(_ head: HTTPRequestHead) {
        self.requests += 1
        self.open = (self.requests, head)
        if self.isTooLarge {
            let rule = "a body has at most \(Self.bodyLimit) bytes\n"
            return self.write(413, [], rule)
        }
        var headers: JSONObject = [:]
        for (name, value) in head.headers {
            let key = name.lowercased()
            let earlier = headers[key]?.stringValue
            headers[key] = .string(earlier.map { "\($0), \(value)" } ?? value)
        }
        var body = HTTPRequest.body(
            head.method.rawValue, head.uri, headers: headers, body: String(buffer: self.body))
        body["msg_id"] = .int(self.requests)
        self.exchange.take(Message(from: self.name, to: self.node, body: body))
    }

    func send(_ message: Message) {
        // Only answers, each once: what the node says to a client by itself has no place in HTTP.
        guard let open = self.open, message.inReplyTo == open.id else { return }
        let response = HTTPResponse(message)
        self.write(response.status, response.headers, response.body)
    }

    private func write(_ status: Int, _ headers: [HTTPResponse.Header], _ body: String) {
        guard let context = self.context, let open = self.open else { return }
        self.open = nil
        var fields = HTTPHeaders(headers.map { ($0.name, $0.value) })
        if !fields.contains(name: "content-type") {
            fields.add(name: "content-type", value: "text/plain; charset=utf-8")
        }
        fields.replaceOrAdd(name: "content-length", value: "\(body.utf8.count)")
        if !open.head.isKeepAlive { fields.replaceOrAdd(name: "connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if open.head.method != .HEAD {
            let bytes = ByteBuffer(string: body)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        }
        let sent = context.eventLoop.makePromise(of: Void.self)
        if !open.head.isKeepAlive {
            // However the writing ended, nothing more comes.
            let channel = context.channel
            sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: sent)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        self.exchange.detach(self.name)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The pipeline has answered what is no HTTP with 400.
        context.close(promise: nil)
    }

    func stop() { self.context?.close(promise: nil) }
}
