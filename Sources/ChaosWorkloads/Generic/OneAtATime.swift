import ChaosCore
import NIOCore
import NIOPosix
import NodeKit

/// A connection to one node over which one request is in flight at a time. It connects when there is
/// something to send, and after a request whose reply nobody knows it begins anew.
actor OneAtATime<Reply: Sendable> {
    /// How a request ended.
    enum Outcome: Sendable {
        case reply(Reply)
        /// There was no connection, and nothing was sent.
        case notSent(String)
        /// It was sent, or may have been, and nobody knows what became of it.
        case unknown(String)
    }

    private struct Open {
        let channel: any Channel
        let collector: NIOLoopBound<ReplyCollector<Reply>>
    }

    private let node: ClientAddress
    private let configure: @Sendable (any Channel) throws -> Void
    private var open: Open?
    /// How many requests were begun.
    private(set) var sentCount = 0

    /// Prepares a connection.
    ///
    /// - Parameter configure: Adds the handlers that turn bytes into replies.
    init(node: ClientAddress, configure: @escaping @Sendable (any Channel) throws -> Void) {
        self.node = node
        self.configure = configure
    }

    /// Sends a request and waits for its reply.
    ///
    /// - Parameter write: Writes the request to the channel, on its event loop.
    func exchange(
        timeout: Duration, _ write: @escaping @Sendable (any Channel) -> Void
    ) async -> Outcome {
        self.sentCount += 1
        let open: Open
        do { open = try await self.connected(within: timeout) } catch {
            return .notSent("cannot connect: \(ConnectFailure(error).reason)")
        }
        let promise = open.channel.eventLoop.makePromise(of: Reply.self)
        open.channel.eventLoop.execute {
            open.collector.value.promise = promise
            open.channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                promise.fail(NoReply.inTime)
            }
            guard open.channel.isActive else { return promise.fail(NoReply.connectionEnded) }
            write(open.channel)
        }
        do {
            let reply = try await promise.futureResult.get()
            return .reply(reply)
        } catch {
            await self.close()
            switch error as? NoReply {
            case .inTime?: return .unknown("no reply within \(timeout.text)")
            case .connectionEnded?, nil:
                return .unknown("the connection ended before the reply")
            }
        }
    }

    /// Ends the connection.
    func close() async {
        let channel = self.open?.channel
        self.open = nil
        try? await channel?.close()
    }

    private func connected(within timeout: Duration) async throws -> Open {
        if let open = self.open, open.channel.isActive { return open }
        let configure = self.configure
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel)
                    try channel.pipeline.syncOperations.addHandler(ReplyCollector<Reply>())
                }
            }
            .connect(host: self.node.host, port: self.node.port).get()
        let collector = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: ReplyCollector<Reply>.self),
                eventLoop: channel.eventLoop)
        }.get()
        let open = Open(channel: channel, collector: collector)
        self.open = open
        return open
    }
}

/// Why there is no reply.
enum NoReply: Error {
    case inTime
    case connectionEnded
}

/// Hands the reply to whoever waits for it.
final class ReplyCollector<Reply: Sendable>: ChannelInboundHandler {
    typealias InboundIn = Reply

    var promise: EventLoopPromise<Reply>?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.promise?.succeed(self.unwrapInboundIn(data))
        self.promise = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.promise?.fail(NoReply.connectionEnded)
        self.promise = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reply that is none ends the connection, and with it the request.
        context.close(promise: nil)
    }
}
