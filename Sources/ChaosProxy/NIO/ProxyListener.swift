import ChaosCore
import ChaosEngine
import ChaosSockets
import NIOCore
import NIOPosix

/// One listening socket of the proxy, which accepts, keeps silent or refuses as the network says.
final class ProxyListener {
    let spec: ProxiedLink
    private let plane: DataPlane
    private var channel: (any Channel)?
    /// Keeps the port, also while nobody listens there; `nil` for a Unix socket.
    private var port: ListeningPort?
    private static let backlog: CInt = 4096
    /// What the network asks for; `nil` once the listener is closed for good.
    private var policy: ListenerPolicy? = .open
    /// The steps under way, one behind the other.
    private var lastStep: EventLoopFuture<Void>
    private(set) var address: SocketAddress?
    /// Whether the socket was deaf, so that those it accepted may be born deaf.
    private var wasDeaf = false
    /// Whether attempts to connect get no answer.
    private(set) var isSilent = false
    /// Where it listens, also while it refuses.
    private(set) var bound: Endpoint
    /// Those who wait until it is known who they are, where several may come in.
    private var queue: OpenerQueue<PendingSocket>?

    /// A socket that is accepted and not yet at work.
    private struct PendingSocket {
        let channel: any Channel
        let isDeaf: Bool?
        /// Done when it is at work.
        let promise: EventLoopPromise<Void>
    }

    init(_ spec: ProxiedLink, on plane: DataPlane) {
        self.spec = spec
        self.plane = plane
        self.bound = spec.listen
        self.lastStep = plane.loop.makeSucceededVoidFuture()
        self.queue = spec.openers.map { OpenerQueue(spec, $0) }
    }

    /// The links over which connections may come in here.
    var links: [Link] { self.queue?.links ?? [self.spec.link] }

    /// Brings the socket into the state that the network asks for; done when it is.
    func apply(_ policy: ListenerPolicy) -> EventLoopFuture<Void> {
        self.policy = policy
        // What needs no waiting takes effect at once.
        self.applySilence()
        let step = self.lastStep.assumeIsolated().flatMap { self.settle() }.nonisolated()
        self.lastStep = step.recover { _ in }
        return step
    }

    private func applySilence() {
        guard let channel = self.channel else { return }
        let isWanted = self.policy == .silent
        if isWanted != self.isSilent {
            self.isSilent = Deafness.set(isWanted, on: channel) && isWanted
            if self.isSilent { self.wasDeaf = true }
        }
    }

    private func settle() -> EventLoopFuture<Void> {
        switch (self.policy, self.channel) {
        case (.refused, let channel?):
            // Where nobody listens the kernel answers with a reset: a true refusal.
            self.port?.refuse()
            self.forget()
            return channel.close().recover { _ in }
        case (nil, let channel?):
            self.forget()
            return channel.close().recover { _ in }
        case (.open, nil), (.silent, nil): return self.bind()
        default: return self.plane.loop.makeSucceededVoidFuture()
        }
    }

    private func forget() {
        self.channel = nil
        self.isSilent = false
    }

    // MARK: - Binding

    private func bind() -> EventLoopFuture<Void> {
        self.bindSocket().assumeIsolated().flatMap { channel in
            self.channel = channel
            self.address = channel.localAddress
            self.applySilence()
            // The network may have changed its mind meanwhile.
            return self.settle()
        }.flatMapErrorThrowing { error in
            if error is ProxyError { throw error }
            throw ProxyError(
                description: "proxy \(self.spec.link): cannot listen on \(self.bound): "
                    + SocketFailure.reason(error))
        }.nonisolated()
    }

    private func bindSocket() -> EventLoopFuture<any Channel> {
        switch self.bound {
        case .unix(let path):
            do {
                try UnixSocketFile.removeIfDead(at: path)
            } catch {
                return self.plane.loop.makeFailedFuture(error)
            }
            return self.bootstrap.bind(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            return self.bindPort(of: host, port).assumeIsolated().flatMap { port in
                let options = self.bootstrap
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    // Accepted sockets inherit it, early enough for the handshake.
                    .serverChannelOption(.socketOption(.so_rcvbuf), value: DataPlane.receiveWindow)
                do {
                    let socket = try port.listeningCopy(backlog: Self.backlog)
                    return options.withBoundSocket(socket).assumeIsolated().flatMapThrowing {
                        // NIO has listened again, with the backlog that it thinks best.
                        try port.listen(backlog: Self.backlog)
                        return $0
                    }.nonisolated()
                } catch {
                    return self.plane.loop.makeFailedFuture(error)
                }
            }.nonisolated()
        }
    }

    /// The port that this listener has for good, once its address is known.
    private func bindPort(of host: String, _ number: UInt16) -> EventLoopFuture<ListeningPort> {
        let loop = self.plane.loop
        let found =
            (try? SocketAddress(ipAddress: host, port: Int(number)))
            .map { loop.makeSucceededFuture($0) }
            // Looking a name up takes a thread that may wait.
            ?? NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
                try SocketAddress.makeAddressResolvingHost(host, port: Int(number))
            }
        return found.assumeIsolated().flatMapThrowing { address in
            if let port = self.port { return port }
            let port = try ListeningPort(address)
            self.port = port
            if number == 0, let chosen = port.address.port {
                self.bound = .tcp(host: host, port: UInt16(chosen))
            }
            return port
        }.nonisolated()
    }

    private var bootstrap: ServerBootstrap {
        let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
        return ServerBootstrap(group: self.plane.loop, childGroup: self.plane.loop)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ListenerHandler(bound.value))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: DataPlane.receiveAllocator)
            .childChannelOption(.writeBufferWaterMark, value: DataPlane.waterMark)
            .childChannelInitializer { channel in
                bound.value.accepted(channel)
            }
    }

    // MARK: - What the socket does

    /// Takes in an accepted socket; done when it is at work, and until then nobody reads from it.
    private func accepted(_ channel: any Channel) -> EventLoopFuture<Void> {
        let isDeaf: Bool? = self.wasDeaf ? nil : false
        guard let rule = self.spec.openers else {
            return self.plane.loop.makeCompletedFuture {
                try self.plane.accept(channel, over: self.spec, isDeaf: isDeaf)
            }
        }
        let promise = self.plane.loop.makePromise(of: Void.self)
        let pending = PendingSocket(channel: channel, isDeaf: isDeaf, promise: promise)
        guard let ticket = self.queue?.append(pending) else {
            preconditionFailure("a listener with a rule has a queue")
        }
        self.plane.questionAsked()
        guard let socket = OpeningSocket(channel) else {
            self.recognised(.unknown("the connection was over before it was looked at"), ticket)
            return promise.futureResult
        }
        let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
        let loop = self.plane.loop
        rule.recognition.recognise(socket) { opener in
            loop.execute { bound.value.recognised(opener, ticket) }
        }
        return promise.futureResult
    }

    private func recognised(_ opener: Opener, _ ticket: Int) {
        let linksBefore = self.queue?.links.count
        for ready in self.queue?.answer(opener, for: ticket) ?? [] {
            if let remark = ready.remark { self.plane.record(remark.event, remark.details) }
            let pending = ready.socket
            pending.promise.completeWith(
                Result {
                    try self.plane.accept(
                        pending.channel, over: ready.spec, isDeaf: pending.isDeaf, isShared: true)
                })
        }
        self.plane.questionAnswered()
        if self.queue?.links.count != linksBefore { self.plane.applyToListeners() }
    }

    /// Writes down that nothing can be accepted for now.
    func cannotAccept(_ error: any Error) {
        self.plane.record(
            "warning",
            [
                (
                    "message",
                    .string(
                        "cannot accept on \(self.bound): \(SocketFailure.reason(error)); "
                            + "new connections wait until it can again")
                ), ("link", .string(self.spec.link.description)),
            ])
    }

    /// The socket was closed by somebody else than us: open it again.
    func wasClosed(_ channel: any Channel) {
        guard let current = self.channel, current === channel, let policy = self.policy else {
            return
        }
        self.forget()
        self.apply(policy).whenFailure {
            [plane = NIOLoopBound(self.plane, eventLoop: self.plane.loop)] in
            plane.value.record("warning", [("message", .string("\($0)"))])
        }
    }

    /// Closes the listener for good and removes its socket file.
    func close() -> EventLoopFuture<Void> {
        self.policy = nil
        for pending in self.queue?.removeAll() ?? [] {
            pending.promise.fail(ChannelError.ioOnClosedChannel)
        }
        let step = self.lastStep.assumeIsolated().flatMap { self.settle() }.map {
            self.port = nil
            if case .unix(let path) = self.bound, self.address != nil {
                UnixSocketFile.remove(at: path)
            }
        }.nonisolated()
        self.lastStep = step.recover { _ in }
        return step
    }
}
