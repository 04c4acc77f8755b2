import NIOCore
import NIOPosix

/// A node's administrator: somebody outside the network in which faults are made, who speaks the node's own
/// messages under the name ``name``, over a port of its own.
///
/// Every node with such a port knows `clock{jump_ms}`: from its next life on its clock is set that much
/// forward, or back. What else an administrator can ask for is the node's business (``ProcessNode``).
public enum Administration {
    /// The name under which an administrator speaks; nobody else is heard under it.
    public static let name = "admin"

    /// Where a node's administrator connects.
    public enum Port: Hashable, Sendable {
        /// A Unix socket.
        case unix(String)
        /// A TCP port.
        case tcp(host: String, port: Int)

        /// The port as text.
        var text: String {
            switch self {
            case .unix(let path): path
            case .tcp(let host, let port): "\(host):\(port)"
            }
        }
    }

    /// Asks a node and waits for its answer.
    ///
    /// - Parameters:
    ///   - body: What is asked: a `type`, and what belongs to it.
    ///   - node: The node's name.
    /// - Throws: `NodeError` in one sentence where nobody answers in time, or the answer is an error.
    public static func ask(
        _ body: JSONObject, node: String, at port: Port, within limit: Duration = .seconds(3)
    ) async throws(NodeError) -> JSONObject {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let answer = loop.makePromise(of: JSONObject.self)
        var request = body
        request["msg_id"] = 1
        let message = Message(from: Self.name, to: node, body: request)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(limit))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Exchange(message, answer: answer))
                }
            }
        let alarm = loop.scheduleTask(in: TimeAmount(limit)) {
            answer.fail(
                NodeError("'\(node)' did not answer its administrator within \(limit.text)"))
        }
        defer { alarm.cancel() }
        do {
            let channel =
                switch port {
                case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
                case .tcp(let host, let port):
                    try await bootstrap.connect(host: host, port: port).get()
                }
            defer { channel.close(promise: nil) }
            let body = try await answer.futureResult.get()
            if body["type"]?.stringValue != "error" { return body }
            throw NodeError("'\(node)' refuses: \(body["text"]?.stringValue ?? "no reason given")")
        } catch {
            let failure =
                error as? NodeError
                ?? NodeError("'\(node)' cannot be reached at its port for administrators: \(error)")
            answer.fail(failure)
            throw failure
        }
    }

    /// One question and its answer on one connection.
    private final class Exchange: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let message: Message
        private let answer: EventLoopPromise<JSONObject>
        private var reader = LineReader()

        init(_ message: Message, answer: EventLoopPromise<JSONObject>) {
            self.message = message
            self.answer = answer
        }

        func channelActive(context: ChannelHandlerContext) {
            let line = ByteBuffer(string: self.message.line + "\n")
            context.writeAndFlush(self.wrapOutboundOut(line), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for event in self.reader.read(self.unwrapInboundIn(data).readableBytesView) {
                guard case .line(let line) = event, let reply = try? Message(parsing: line),
                    reply.inReplyTo == 1
                else { continue }
                self.answer.succeed(reply.body)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.answer.fail(
                NodeError("'\(self.message.destination)' closed its administrator's connection"))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
