import NIOCore
import Synchronization

extension TCPNode {
    /// Starts a node that speaks in byte streams, and takes connections for it.
    ///
    /// - Parameters:
    ///   - id: The node's own name.
    ///   - peers: Whom the node may dial; it does so when it likes.
    ///   - seed: Fixes the node's randomness.
    ///   - timeScale: How many seconds one second of the node's takes, above 0.
    ///   - cookie: What all nodes of its cluster know (``StreamStart/cookie``).
    ///   - folder: Where the node's folder is, or is made; without one it forgets when it dies.
    ///   - log: Takes sentences for the operator; may be called on any thread.
    /// - Throws: `NodeError` when the node's folder cannot be had.
    package func run(
        _ node: any StreamNode, id: String, peers: PeerList = PeerList(), seed: UInt64 = 0,
        timeScale: Double = 1, cookie: String = "", folder: String? = nil,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        let listener = self.listener
        let eventLoop = listener.eventLoop
        let end = self.end
        try await eventLoop.submit {
            let exchange = StreamExchange(
                node, peers: peers, timeScale: timeScale, eventLoop: eventLoop, log: log
            ) { error in
                end.failure.withLock { $0 = error }
                listener.close(promise: nil)
            }
            let others = peers.members(with: id).filter { $0 != id }
            try exchange.start(
                id: id, others: others, seed: seed, cookie: cookie, folder: folder)
            try listener.pipeline.syncOperations.addHandler(StreamAcceptor(exchange: exchange))
        }.get()
        try await listener.setOption(.autoRead, value: true).get()
    }
}

/// Hands accepted connections to the exchange, which lives on the same event loop.
private final class StreamAcceptor: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let exchange: StreamExchange

    init(exchange: StreamExchange) { self.exchange = exchange }

    func channelInactive(context: ChannelHandlerContext) { self.exchange.stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.exchange.accept(self.unwrapInboundIn(data))
        // The end of the pipeline registers the connection with the event loop.
        context.fireChannelRead(data)
    }
}
