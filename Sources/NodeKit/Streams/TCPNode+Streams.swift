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
    ///   - datagrams: Where the node receives datagrams. Its peers' addresses are then those of their ports for datagrams.
    ///   - folder: Where the node's folder is, or is made; without one it forgets when it dies.
    ///   - log: Takes sentences for the operator; may be called on any thread.
    /// - Throws: `NodeError` when the node's folder or its port for datagrams cannot be had.
    package func run(
        _ node: any StreamNode, id: String, peers: PeerList = PeerList(), seed: UInt64 = 0,
        timeScale: Double = 1, cookie: String = "",
        datagrams: (host: String, port: Int)? = nil, folder: String? = nil,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        let listener = self.listener
        let eventLoop = listener.eventLoop
        let end = self.end
        var port: DatagramPort?
        if let datagrams { port = try await self.bind(datagrams, peers) }
        try await eventLoop.submit { [port] in
            let exchange = StreamExchange(
                node, peers: peers, timeScale: timeScale, eventLoop: eventLoop, datagrams: port,
                log: log
            ) { error in
                end.failure.withLock { $0 = error }
                listener.close(promise: nil)
            }
            let others = peers.members(with: id).filter { $0 != id }
            try exchange.start(
                id: id, others: others, seed: seed, cookie: cookie, folder: folder)
            try port?.read(into: exchange)
            try listener.pipeline.syncOperations.addHandler(StreamAcceptor(exchange: exchange))
        }.get()
        // A node may find at once that it cannot live.
        if let failure = self.failure { throw failure }
        try await listener.setOption(.autoRead, value: true).get()
    }

    private func bind(
        _ address: (host: String, port: Int), _ peers: PeerList
    ) async throws(NodeError) -> DatagramPort {
        do {
            return try await DatagramPort.bind(
                host: address.host, port: address.port, peers: peers, on: self.listener.eventLoop)
        } catch let error as NodeError {
            throw error
        } catch {
            throw Self.cannotListen(
                on: Self.text(host: address.host, port: address.port), because: error)
        }
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
