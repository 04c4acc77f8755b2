import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

/// One listening socket of the proxy, which accepts, keeps silent or refuses as the network says.
final class ProxyListener {
    let spec: ProxiedLink
    private let plane: DataPlane
    private var channel: (any Channel)?
    private var isBinding = false
    private var policy = ListenerPolicy.open
    /// The address that was bound, to be bound again after a refusal.
    private(set) var bound: Endpoint

    init(_ spec: ProxiedLink, on plane: DataPlane) {
        self.spec = spec
        self.plane = plane
        self.bound = spec.listen
    }

    /// Brings the socket into the state that the network asks for; done when it is.
    func apply(_ policy: ListenerPolicy) -> EventLoopFuture<Void> {
        self.policy = policy
        if policy == .refused {
            // Without a listening socket the kernel answers with a reset: a true refusal.
            guard let channel = self.channel else { return self.plane.loop.makeSucceededVoidFuture() }
            self.channel = nil
            return channel.close().recover { _ in }
        }
        if let channel = self.channel {
            _ = Deafness.set(policy == .silent, on: channel)
            return self.plane.loop.makeSucceededVoidFuture()
        }
        return self.bind()
    }

    private func bind() -> EventLoopFuture<Void> {
        let bootstrap = ServerBootstrap(group: self.plane.loop, childGroup: self.plane.loop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.recvAllocator, value: DataPlane.receiveAllocator)
            .childChannelOption(.writeBufferWaterMark, value: DataPlane.waterMark)
        let initializer = self.initializer
        let bound: EventLoopFuture<any Channel>
        switch self.bound {
        case .unix(let path):
            bound = bootstrap.childChannelInitializer(initializer)
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        case .tcp(let host, let port):
            bound = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer(initializer).bind(host: host, port: Int(port))
        }
        return bound.assumeIsolated().flatMapThrowing { channel in
            self.channel = channel
            self.rememberAddress(of: channel)
            _ = Deafness.set(self.policy == .silent, on: channel)
            if self.policy == .refused {
                self.channel = nil
                channel.close(promise: nil)
            }
        }.flatMapErrorThrowing { error in
            throw ProxyError(
                description: "proxy \(self.spec.link): cannot listen on \(self.bound): \(error)")
        }.nonisolated()
    }

    private func rememberAddress(of channel: any Channel) {
        if case .tcp(let host, 0) = self.bound, let port = channel.localAddress?.port {
            self.bound = .tcp(host: host, port: UInt16(port))
        }
    }

    private var initializer: @Sendable (any Channel) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
        return { channel in
            channel.eventLoop.makeCompletedFuture {
                let listener = bound.value
                let connection = ProxyConnection(
                    opener: channel, over: listener.spec, on: listener.plane)
                listener.plane.add(connection)
                try channel.pipeline.syncOperations.addHandler(LegHandler(.opener, of: connection))
                // The socket becomes active when this initializer is done.
                channel.eventLoop.assumeIsolated().execute { connection.start() }
            }
        }
    }

    func close() -> EventLoopFuture<Void> {
        let channel = self.channel
        self.channel = nil
        self.policy = .refused
        guard let channel else { return self.plane.loop.makeSucceededVoidFuture() }
        return channel.close().recover { _ in }
    }
}
