import ChaosCore
import NIOCore

/// The client's end of a connection: matches replies to requests by `id`.
///
/// Everything here runs on the connection's event loop.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Waiting {
        var promise: EventLoopPromise<Reply>
        var deadline: Scheduled<Void>
    }

    /// Replies are as long as a run is large; this is far beyond any.
    private static let longestReply = 256 << 20

    /// Where events go.
    var events: AsyncStream<JSONValue>.Continuation?

    private let loop: any EventLoop
    private let patience: Duration
    private var lines = LineBuffer(limit: ClientConnection.longestReply)
    private var waiting: [Int64: Waiting] = [:]
    private var lastID: Int64 = 0
    private var missed: Int64 = 0
    private var context: ChannelHandlerContext?

    init(on loop: any EventLoop, patience: Duration) {
        self.loop = loop
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends a request; the future fails with a `CommandError` when no reply comes.
    func send(_ request: JSONObject) -> EventLoopFuture<Reply> {
        guard let context = self.context, context.channel.isActive else {
            let error = CommandError(.unreachable, "the connection to the run is closed")
            return self.loop.makeFailedFuture(error)
        }
        self.lastID += 1
        let id = self.lastID
        var request = request
        request["id"] = .int(id)
        let promise = context.eventLoop.makePromise(of: Reply.self)
        let patience = self.patience
        let deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(patience)) {
            let error = CommandError(
                .busy,
                "the run did not answer within \(patience.text); whether the command took effect is"
                    + " unknown", hint: "ask 'status'")
            self.waiting.removeValue(forKey: id)?.promise.fail(error)
        }
        self.waiting[id] = Waiting(promise: promise, deadline: deadline)
        let line = context.channel.allocator.buffer(string: JSONValue.object(request).text + "\n")
        context.writeAndFlush(self.wrapOutboundOut(line), promise: nil)
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.lines.append(self.unwrapInboundIn(data))
        while let line = self.lines.next() {
            guard case .complete(let bytes) = line,
                let json = try? JSONValue(parsing: bytes.readableBytesView)
            else {
                context.close(promise: nil)
                return
            }
            self.take(json)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let error = CommandError(
            .disconnected,
            "the run closed the connection; whether the command took effect is unknown")
        let waiting = self.waiting.sorted { $0.key < $1.key }
        self.waiting = [:]
        for (_, request) in waiting {
            request.deadline.cancel()
            request.promise.fail(error)
        }
        self.events?.finish()
        self.events = nil
    }

    private func take(_ json: JSONValue) {
        if let reply = Reply(json: json) {
            guard let id = reply.id.intValue, let request = self.waiting.removeValue(forKey: id)
            else { return }
            request.deadline.cancel()
            request.promise.succeed(reply)
        } else if json["event"] != nil {
            self.pass(json)
        }
    }

    /// Passes an event on; what the reader leaves no room for is counted as the server does.
    private func pass(_ event: JSONValue) {
        guard let events = self.events else { return }
        if self.missed > 0, case .enqueued = events.yield(RunEvent.missed(self.missed).json) {
            self.missed = 0
        }
        if case .dropped = events.yield(event) {
            self.missed += RunEvent.missedCount(in: event) ?? 1
        }
    }
}
