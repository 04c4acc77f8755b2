import CLab
import ChaosCore
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Carries connections between the lab and the machine outside of it: from forwarded ports there to
/// clients' views of nodes, and from services' names inside to services there.
///
/// Sockets of the outside are opened by the launcher, which has stayed there, and handed over (unix(7),
/// SCM_RIGHTS); a socket belongs to its network namespace wherever it is used.
package final class HostDoor: Sendable {
    private let broker: Broker
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listeners = Mutex<[any Channel]>([])

    /// - Parameter entrance: What is known of the outside.
    package init(_ entrance: LabEntrance) { self.broker = Broker(entrance.broker) }

    /// Listens outside on a free port of 127.0.0.1 and carries what comes in to a place inside.
    ///
    /// - Returns: Where that is.
    package func forward(to target: Endpoint) async throws -> Endpoint {
        let socket = try await self.broker.ask(CHAOS_BROKER_LISTEN, host: "127.0.0.1", port: 0)
        let listener = try await ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inner in
                Relay.connect(inner) { loop in Relay.dial(target, on: loop) }
            }
            .withBoundSocket(socket).get()
        self.listeners.withLock { $0.append(listener) }
        guard let port = listener.localAddress?.port else {
            throw LabError("a forwarded port has no number")
        }
        return .tcp(host: "127.0.0.1", port: UInt16(port))
    }

    /// Listens inside and carries what comes in to a service outside.
    package func expose(at place: Endpoint, _ service: Endpoint) async throws {
        guard case .tcp(let host, let port) = place, case .tcp(let target, let number) = service
        else { throw LabError("a service outside is HOST:PORT, found '\(service)'") }
        let broker = self.broker
        let listener = try await ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inner in
                Relay.connect(inner) { loop in
                    let promise = loop.makePromise(of: (any Channel).self)
                    promise.completeWithTask {
                        let socket = try await broker.ask(
                            CHAOS_BROKER_CONNECT, host: target, port: number)
                        return try await Relay.bootstrap(loop).withConnectedSocket(socket).get()
                    }
                    return promise.futureResult
                }
            }
            .bind(host: host, port: Int(port)).get()
        self.listeners.withLock { $0.append(listener) }
    }

    /// Closes everything.
    package func close() async {
        let listeners = self.listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        for listener in listeners { try? await listener.close() }
        try? await self.group.shutdownGracefully()
    }
}

/// Asks the launcher one thing after the other, on a thread where one may wait.
private final class Broker: Sendable {
    private let socket: Int32
    private let queue = NIOThreadPool(numberOfThreads: 1)

    init(_ socket: Int32) {
        self.socket = socket
        self.queue.start()
    }

    deinit { self.queue.shutdownGracefully { _ in } }

    func ask(_ what: Int, host: String, port: UInt16) async throws -> Int32 {
        let socket = self.socket
        let numeric = host == "localhost" ? "127.0.0.1" : host
        return try await self.queue.runIfActive {
            let code = chaos_broker_ask(socket, Int32(what), numeric, port)
            if code >= 0 { return code }
            let why = String(cString: strerror(-code)).lowercased()
            throw LabError("\(host):\(port) outside of the lab: \(why)")
        }
    }
}

/// Passes bytes from one channel to another, ends included, and reads no faster than can be written.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let partner: any Channel

    private init(_ partner: any Channel) { self.partner = partner }

    static func bootstrap(_ loop: any EventLoop) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .connectTimeout(.seconds(60))
    }

    static func dial(_ target: Endpoint, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        switch target {
        case .tcp(let host, let port):
            return self.bootstrap(loop).connect(host: host, port: Int(port))
        case .unix(let path): return self.bootstrap(loop).connect(unixDomainSocketPath: path)
        }
    }

    /// Joins a channel to one that is made for it, on the same loop.
    static func connect(
        _ first: any Channel,
        _ make: @escaping @Sendable (any EventLoop) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<Void> {
        make(first.eventLoop).flatMap { second in
            first.eventLoop.makeCompletedFuture {
                try first.pipeline.syncOperations.addHandler(Relay(second))
                try second.pipeline.syncOperations.addHandler(Relay(first))
            }.map {
                for channel in [first, second] {
                    channel.setOption(.autoRead, value: true).whenFailure { _ in
                        channel.close(promise: nil)
                    }
                }
            }
        }.flatMapErrorThrowing { error in
            first.close(promise: nil)
            throw error
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.partner.write(self.unwrapInboundIn(data), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.partner.flush()
        if !self.partner.isWritable {
            context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        self.partner.setOption(.autoRead, value: isWritable).whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            self.partner.close(mode: .output, promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.partner.close(promise: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
