import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A node that runs over TCP: one JSON message a line, in both directions.
///
/// It listens on exactly one address. To each peer it dials one connection of its own, at once, and
/// again after it broke; a message to a peer goes over that connection. A reply to anybody else
/// goes over the connection on which that name was last heard.
///
/// Sending is at most once: messages wait in a bounded queue while a connection is being made or
/// its reader is slow, and what was written to a connection that then broke may be lost.
///
/// ```swift
/// let listener = try await TCPNode.listen(host: "127.0.0.1", port: 7000)
/// let node = try await listener.run(Echo(), id: "n1")
/// ```
public struct TCPNode: Sendable {
    /// The host that the node listens on, as an address.
    public let host: String
    /// The port that the node listens on; never 0.
    public let port: Int

    private let group: MultiThreadedEventLoopGroup
    let listener: any Channel
    let end = End()

    /// Whether the end has begun. After it the event loop is gone, and nothing may be asked of it:
    /// such a request would never return.
    final class End: Sendable {
        let hasBegun = Atomic(false)
        let failure = Mutex<NodeError?>(nil)
    }

    /// Why the node ended by itself: it could not keep its log, or crashed. `nil` while it lives, and
    /// where it was stopped.
    public var failure: NodeError? { self.end.failure.withLock { $0 } }

    /// Binds an address, on which connections wait until ``run(_:id:peers:seed:log:)``.
    ///
    /// - Parameter port: 0 lets the system choose; ``port`` has the choice.
    /// - Throws: `NodeError` with ``NodeError/Code-swift.struct/cannotListen`` when the address
    ///   cannot be had.
    public static func listen(host: String, port: Int) async throws(NodeError) -> TCPNode {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let listener = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Connections wait in the backlog until the node runs.
                .serverChannelOption(.autoRead, value: false)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(
                    .writeBufferWaterMark, value: .init(low: 262_144, high: 1_048_576)
                )
                .bind(host: host, port: port).get()
            guard let address = listener.localAddress, let host = address.ipAddress,
                let port = address.port
            else { preconditionFailure("a bound TCP socket has an address and a port") }
            return TCPNode(host: host, port: port, group: group, listener: listener)
        } catch {
            try? await group.shutdownGracefully()
            throw Self.cannotListen(on: Self.text(host: host, port: port), because: error)
        }
    }

    /// Starts the node: dials its peers and takes connections.
    ///
    /// - Parameters:
    ///   - id: The node's own name.
    ///   - peers: The other nodes.
    ///   - seed: Fixes the node's randomness and the jitter of its dialling.
    ///   - timeScale: How long a second of the node's takes (``NodeHost/init(_:seed:timeScale:)``).
    ///   - folder: Where the node's folder is, or is made; without one it forgets when it dies.
    ///   - admin: Where the node's administrator connects (``Administration``); a socket file is
    ///     replaced.
    ///   - http: Where the node takes requests over HTTP (``HTTPRequest``).
    ///   - redis: The Redis server that the node sends commands to, under the name `redis`.
    ///   - log: Takes sentences for the operator; may be called on any thread.
    /// - Throws: `NodeError` when the node's folder, its administrator's port or its HTTP port cannot be had.
    public func run(
        _ node: any Node, id: String, peers: PeerList = PeerList(), seed: UInt64 = 0,
        timeScale: Double = 1, folder: String? = nil, admin: Administration.Port? = nil,
        http: (host: String, port: Int)? = nil, redis: (host: String, port: Int)? = nil,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        let listener = self.listener
        let eventLoop = listener.eventLoop
        let end = self.end
        let exchange = try await eventLoop.submit {
            let exchange = MessageExchange(
                host: NodeHost(node, seed: seed, timeScale: timeScale), id: id,
                folder: NodeFolder(folder),
                eventLoop: eventLoop, log: log
            ) { error in
                end.failure.withLock { $0 = error }
                listener.close(promise: nil)
            }
            try exchange.start(peers: peers, seed: seed, redis: redis)
            try listener.pipeline.syncOperations.addHandler(
                AcceptHandler(exchange: exchange, at: .node))
            return NIOLoopBound(exchange, eventLoop: eventLoop)
        }.get()
        if let admin { try await self.listen(for: admin, exchange) }
        if let http { log("takes HTTP on \(try await self.listen(at: http, exchange))") }
        try await listener.setOption(.autoRead, value: true).get()
    }

    /// Opens the administrator's port, on the node's own event loop.
    private func listen(
        for admin: Administration.Port, _ exchange: NIOLoopBound<MessageExchange>
    ) async throws(NodeError) {
        let bootstrap = self.bootstrap(exchange, at: .administrator)
        do {
            switch admin {
            case .unix(let path):
                _ = try await bootstrap.bind(
                    unixDomainSocketPath: path, cleanupExistingSocketFile: true
                ).get()
            case .tcp(let host, let port):
                _ = try await bootstrap.bind(host: host, port: port).get()
            }
        } catch {
            throw Self.cannotListen(on: "the administrator's port \(admin.text)", because: error)
        }
    }

    /// Opens the port for requests over HTTP, on the node's own event loop; returns its address.
    private func listen(
        at address: (host: String, port: Int), _ exchange: NIOLoopBound<MessageExchange>
    ) async throws(NodeError) -> String {
        do {
            let channel = try await self.bootstrap(exchange, at: .http)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: address.host, port: address.port).get()
            return Self.text(
                host: address.host, port: channel.localAddress?.port ?? address.port)
        } catch {
            throw Self.cannotListen(
                on: Self.text(host: address.host, port: address.port), because: error)
        }
    }

    private func bootstrap(
        _ exchange: NIOLoopBound<MessageExchange>, at door: AcceptHandler.Door
    ) -> ServerBootstrap {
        ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptHandler(exchange: exchange.value, at: door))
                }
            }
    }

    /// Waits until the node was stopped.
    public func waitUntilStopped() async {
        if self.end.hasBegun.load(ordering: .sequentiallyConsistent) { return }
        // How the listener came to its end makes no difference.
        try? await self.listener.closeFuture.get()
    }

    /// Closes every connection and stops listening; a second call does nothing.
    public func stop() async {
        let hadBegun = self.end.hasBegun.exchange(true, ordering: .sequentiallyConsistent)
        if hadBegun { return }
        // Neither can fail in a way that leaves something to do.
        try? await self.listener.close()
        try? await self.group.shutdownGracefully()
    }

    /// The address as text: `127.0.0.1:7000` or `[::1]:7000`.
    public var address: String { Self.text(host: self.host, port: self.port) }

    static func text(host: String, port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    static func cannotListen(on address: String, because error: any Error) -> NodeError {
        let code = (error as? IOError)?.errnoCode
        let reason = code.map { String(cString: strerror($0)).lowercased() } ?? "\(error)"
        let hint: String? =
            switch code {
            case EADDRINUSE: "another process has this address"
            case EADDRNOTAVAIL: "no interface of this machine has this address"
            case EACCES: "ports below 1024 may need privileges"
            default: nil
            }
        return NodeError("cannot listen on \(address): \(reason)", code: .cannotListen, hint: hint)
    }
}

/// Hands accepted connections to the exchange, which lives on the same event loop.
private final class AcceptHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// Where a connection came in.
    enum Door: Sendable {
        case node
        case administrator
        case http
    }

    private let exchange: MessageExchange
    private let door: Door

    init(exchange: MessageExchange, at door: Door) {
        self.exchange = exchange
        self.door = door
    }

    func channelInactive(context: ChannelHandlerContext) {
        if self.door == .node { self.exchange.stop() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = self.unwrapInboundIn(data)
        switch self.door {
        case .node: self.exchange.accept(channel, isAdministrator: false)
        case .administrator: self.exchange.accept(channel, isAdministrator: true)
        case .http: self.exchange.acceptHTTP(channel)
        }
        // The end of the pipeline registers the connection with the event loop.
        context.fireChannelRead(data)
    }
}
