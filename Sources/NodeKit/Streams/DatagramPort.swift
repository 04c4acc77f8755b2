import NIOCore
import NIOPosix

/// A UDP port of a node, and the addresses of its peers' ports.
struct DatagramPort: Sendable {
    /// The most bytes that a datagram may have (UDP over IPv4).
    private static let limit = 65_507

    private let channel: any Channel
    private let peers: [String: SocketAddress]

    /// Binds a port. Datagrams are read when ``read(into:)`` says where they go.
    ///
    /// - Throws: `NodeError` of a peer whose host is not known, or what the system says about the port.
    static func bind(
        host: String, port: Int, peers: PeerList, on group: any EventLoopGroup
    ) async throws -> DatagramPort {
        var addresses: [String: SocketAddress] = [:]
        for peer in peers.peers {
            do {
                addresses[peer.name] = try SocketAddress.makeAddressResolvingHost(
                    peer.host, port: peer.port)
            } catch {
                throw NodeError("peer '\(peer.name)': there is no host of the name '\(peer.host)'")
            }
        }
        let channel = try await DatagramBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.limit)
            )
            .bind(host: host, port: port).get()
        return DatagramPort(channel: channel, peers: addresses)
    }

    /// Begins to read. On the port's event loop.
    func read(into exchange: StreamExchange) throws {
        try self.channel.pipeline.syncOperations.addHandler(DatagramHandler(exchange))
        try self.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Sends a datagram, or loses it.
    func send(_ bytes: [UInt8], to peer: String) {
        guard let address = self.peers[peer], bytes.count <= Self.limit else { return }
        self.channel.writeAndFlush(
            AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: bytes)), promise: nil)
    }

    func close() { self.channel.close(promise: nil) }
}

/// Hands datagrams to the exchange, which lives on the same event loop.
private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let exchange: StreamExchange

    init(_ exchange: StreamExchange) { self.exchange = exchange }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.exchange.receive(Array(self.unwrapInboundIn(data).data.readableBytesView))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // That nobody listens at an address, the next datagram may find otherwise.
    }
}
