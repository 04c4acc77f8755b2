#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Glibc
    import NIOCore

    /// A listener that is to be opened, with the address that was found for it.
    struct ListenerRoute: Sendable {
        let spec: ProxiedLink
        let address: SocketAddress
    }

    /// The way from a listener to its target.
    final class Route {
        let upstream: Endpoint
        /// The target's address; `nil` for a name, which is looked up for each connection.
        let target: SocketAddress?
        /// From which address the target is dialled.
        let source: SocketAddress?
        /// Whether a connection whose target cannot be reached is ended rather than reset.
        let endsUnreached: Bool

        init(_ spec: ProxiedLink) throws {
            self.upstream = spec.upstream
            self.target = try NameLookup.literal(spec.upstream)
            self.source = try spec.sourceHost.map { try SocketAddress(ipAddress: $0, port: 0) }
            self.endsUnreached = spec.endsUnreached
        }

        /// The same way, dialled from another address.
        init(_ other: Route, from source: SocketAddress?) {
            self.upstream = other.upstream
            self.target = other.target
            self.source = source
            self.endsUnreached = other.endsUnreached
        }
    }

    /// One listening socket, which accepts, keeps silent or refuses as the network says. It changes only
    /// while all threads stand still.
    final class EpollListener {
        let spec: ProxiedLink
        private let plane: EpollPlane
        private let line: LinkLine
        private let route: Route
        /// The ways from other addresses, where several openers may come in.
        private var routes: [String: Route] = [:]
        /// Those who wait until it is known who they are, where several may come in.
        private var queue: OpenerQueue<EpollLeg>?
        private let family: AddressFamily
        private(set) var address: SocketAddress
        /// Where it listens, also while it refuses.
        private(set) var bound: Endpoint
        /// Where the plane keeps it.
        var slot = 0

        /// The socket while it listens, otherwise -1.
        private(set) var descriptor: CInt = -1
        /// What each thread has of it.
        private(set) var acceptors: [EpollAcceptor] = []
        /// Whether all threads accept. Otherwise only the first one does, which has every connection
        /// that needs an engine.
        private var isForAll = false
        /// Keeps the port, also while nobody listens there; `nil` for a Unix socket.
        private var port: ListeningPort?
        /// Whether a socket's file was made.
        private var hasFile = false
        /// Whether the socket was deaf, so that those it accepted may be born deaf.
        private var wasDeaf = false
        /// Whether attempts to connect get no answer.
        private(set) var isSilent = false
        /// How much the kernel had discarded here when a look began of which all are counted.
        private var knocks: UInt32?

        private static let backlog: CInt = 4096

        init(_ route: ListenerRoute, over line: LinkLine, on plane: EpollPlane) throws {
            self.spec = route.spec
            self.line = line
            self.plane = plane
            self.route = try Route(route.spec)
            self.address = route.address
            self.family = AddressFamily(route.address)
            self.bound = route.spec.listen
            self.queue = route.spec.openers.map { OpenerQueue(route.spec, $0) }
            self.acceptors = plane.loops.map { EpollAcceptor(of: self, on: $0) }
        }

        /// The links over which connections may come in here.
        var links: [Link] { self.queue?.links ?? [self.spec.link] }

        deinit { assert(self.descriptor < 0, "a listener is closed by nobody") }

        /// Brings the socket into the state that the network asks for.
        func apply(_ policy: ListenerPolicy) throws {
            switch policy {
            case .refused:
                // Where nobody listens the kernel answers with a reset: a true refusal.
                self.endListening()
            case .open, .silent:
                if self.descriptor < 0 { try self.listen() }
                self.setSilent(policy == .silent)
            }
            self.shareOut()
        }

        /// Lets all threads accept as long as nobody who comes in needs an engine.
        private func shareOut() {
            let isForAll = self.descriptor >= 0 && self.queue == nil && !self.line.isTouched
            if isForAll == self.isForAll { return }
            self.isForAll = isForAll
            for loop in self.plane.loops.dropFirst() {
                if isForAll {
                    _ = self.plane.watch(self, self.descriptor, on: loop)
                } else {
                    loop.forget(self.descriptor)
                    self.acceptors[loop.index].stop()
                }
            }
            // Who waits may have been reported to another thread.
            if !isForAll { self.acceptors[0].askForTurn() }
        }

        /// Whether a loop's thread may accept now.
        func accepts(on loop: EpollLoop) -> Bool {
            self.descriptor >= 0 && (self.isForAll || loop === self.plane.first)
        }

        private func setSilent(_ isWanted: Bool) {
            if isWanted == self.isSilent { return }
            if isWanted { self.noteKnocks(self.discarded) }
            self.isSilent = Sockets.setDeaf(isWanted, self.descriptor, self.family) && isWanted
            if self.isSilent { self.wasDeaf = true }
            self.plane.silenceChanged()
        }

        /// Whether somebody tried to connect who may not be counted yet: all that comes to a deaf socket is
        /// discarded.
        var wasKnockedAt: Bool { self.knocks == nil || self.discarded != self.knocks }

        /// How much the kernel has discarded here, as far as it tells.
        var discarded: UInt32? { Sockets.discarded(by: self.descriptor) }

        /// Whoever knocked is counted, up to the moment when so much had been discarded.
        func noteKnocks(_ discarded: UInt32?) { self.knocks = discarded }

        private func endListening() {
            if self.descriptor < 0 { return }
            for loop in self.plane.loops { loop.forget(self.descriptor) }
            if let port = self.port {
                port.refuse()
            } else {
                Sockets.endListening(self.descriptor)
                Sockets.close(self.descriptor)
            }
            self.descriptor = -1
            self.isForAll = false
            for acceptor in self.acceptors { acceptor.stop() }
            if self.isSilent { self.plane.silenceChanged() }
            self.isSilent = false
            self.plane.renumber(self)
        }

        // MARK: - Listening

        private func listen() throws {
            do {
                self.descriptor = try self.listeningSocket()
                if self.plane.watch(self, self.descriptor, on: self.plane.first) { return }
                let error = IOError(errnoCode: errno, reason: "epoll_ctl")
                self.endListening()
                throw error
            } catch {
                throw ProxyError(
                    description: "proxy \(self.spec.link): cannot listen on \(self.bound): "
                        + SocketFailure.reason(error))
            }
        }

        private func listeningSocket() throws -> CInt {
            if case .unix(let path) = self.bound { return try self.unixSocket(at: path) }
            let port = try self.port ?? self.bindPort()
            try port.listen(backlog: Self.backlog)
            return port.descriptor
        }

        private func bindPort() throws -> ListeningPort {
            let port = try ListeningPort(self.address)
            // Accepted sockets inherit the options of TCP.
            Sockets.setNoDelay(port.descriptor)
            Sockets.sendUnpaced(port.descriptor, port.address)
            self.port = port
            self.address = port.address
            if case .tcp(let host, 0) = self.bound, let number = port.address.port {
                self.bound = .tcp(host: host, port: UInt16(number))
            }
            return port
        }

        private func unixSocket(at path: String) throws -> CInt {
            try? UnixSocketFile.removeIfDead(at: path)
            let descriptor = Sockets.make(for: self.address)
            if descriptor < 0 { throw IOError(errnoCode: -descriptor, reason: "socket") }
            var result = Sockets.bind(descriptor, to: self.address)
            if result == 0 { result = Sockets.listen(descriptor, backlog: Self.backlog) }
            if result < 0 {
                Sockets.close(descriptor)
                throw IOError(errnoCode: -result, reason: "bind")
            }
            self.hasFile = true
            return descriptor
        }

        // MARK: - Accepting

        /// Takes in who was accepted on a loop; the books are open. Tells whether there is room for
        /// others.
        func take(_ descriptor: CInt, on loop: EpollLoop) -> Bool {
            let opener = EpollLeg(
                .opener, descriptor, self.family, isDeaf: self.wasDeaf ? nil : false)
            let isNearLimit = self.plane.shortage.isNear(descriptor)
            if isNearLimit { self.plane.shortage.warn(EMFILE, at: self.bound) }
            if let rule = self.spec.openers {
                self.ask(rule, who: opener)
            } else {
                self.plane.admit(opener, over: self.line, self.route, on: loop)
            }
            return !isNearLimit
        }

        /// Finds out over which link a connection goes. Until that is known nobody reads from it.
        private func ask(_ rule: OpenerRule, who opener: EpollLeg) {
            guard let ticket = self.queue?.append(opener) else { return }
            let (mailbox, slot) = (self.plane.mailbox, self.slot)
            let answer: @Sendable (Opener) -> Void = { opener in
                _ = mailbox.post { $0.listener(at: slot)?.recognised(opener, ticket) }
            }
            if let socket = OpeningSocket(acceptedSocket: opener.descriptor) {
                rule.recognition.recognise(socket, answer: answer)
            } else {
                answer(.unknown("the connection was over before it was looked at"))
            }
        }

        private func recognised(_ opener: Opener, _ ticket: Int) {
            let linksBefore = self.links.count
            for ready in self.queue?.answer(opener, for: ticket) ?? [] {
                if let remark = ready.remark { self.plane.record(remark.event, remark.details) }
                self.plane.admit(
                    ready.socket, over: self.plane.line(of: ready.spec.link),
                    self.route(from: ready.spec.sourceHost), on: self.plane.first, isShared: true)
            }
            if self.links.count != linksBefore { self.plane.linksChanged(of: self) }
        }

        private func route(from source: String?) -> Route {
            if source == self.spec.sourceHost { return self.route }
            let key = source ?? ""
            if let route = self.routes[key] { return route }
            let route = Route(
                self.route, from: source.flatMap { try? SocketAddress(ipAddress: $0, port: 0) })
            self.routes[key] = route
            return route
        }

        /// Closes the listener for good and removes its socket file.
        func close() {
            for opener in self.queue?.removeAll() ?? [] { opener.reset() }
            self.endListening()
            self.port = nil
            if case .unix(let path) = self.bound, self.hasFile { UnixSocketFile.remove(at: path) }
            self.hasFile = false
        }
    }
#endif
