#if os(Linux)
    import ChaosCore
    import ChaosEngine
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

        init(_ spec: ProxiedLink) throws {
            self.upstream = spec.upstream
            self.target = try NameLookup.literal(spec.upstream)
            self.source = try spec.sourceHost.map { try SocketAddress(ipAddress: $0, port: 0) }
        }
    }

    /// One listening socket, which accepts, keeps silent or refuses as the network says.
    final class EpollListener: Sleeper {
        let spec: ProxiedLink
        let line: LinkLine
        private let plane: EpollPlane
        private let route: Route
        private let family: AddressFamily
        private(set) var address: SocketAddress
        /// Where it listens, also while it refuses.
        private(set) var bound: Endpoint
        /// Where the plane keeps it.
        var slot = 0

        private var descriptor: CInt = -1
        /// Keeps the port while nothing listens on it.
        private var reservation: PortReservation?
        private var wasBound = false
        /// Whether the socket was deaf, so that those it accepted may be born deaf.
        private var wasDeaf = false
        /// Whether attempts to connect get no answer.
        private(set) var isSilent = false
        /// Whether connections may wait to be accepted.
        var isReadable = false
        /// Whether it waits for its turn, or until there are descriptors again.
        var isWaitingForTurn = false

        private static let backlog: CInt = 4096
        /// How many connections are accepted before others have their turn.
        private static let batch = 64
        /// How long accepting pauses when there are no descriptors.
        private static let pause: Int64 = 100_000_000

        init(_ route: ListenerRoute, over line: LinkLine, on plane: EpollPlane) throws {
            self.spec = route.spec
            self.line = line
            self.plane = plane
            self.route = try Route(route.spec)
            self.address = route.address
            self.family = AddressFamily(route.address)
            self.bound = route.spec.listen
        }

        deinit { assert(self.descriptor < 0, "a listener is closed by nobody") }

        /// Brings the socket into the state that the network asks for.
        func apply(_ policy: ListenerPolicy) throws {
            switch policy {
            case .refused:
                if self.descriptor < 0 { return }
                // Without a listening socket the kernel answers with a reset: a true refusal.
                self.closeSocket()
                self.reservation = PortReservation(of: self.address)
            case .open, .silent:
                if self.descriptor < 0 { try self.bind() }
                self.setSilent(policy == .silent)
            }
        }

        private func setSilent(_ isWanted: Bool) {
            if isWanted == self.isSilent { return }
            self.isSilent = Sockets.setDeaf(isWanted, self.descriptor, self.family) && isWanted
            if self.isSilent { self.wasDeaf = true }
            self.plane.silenceChanged()
        }

        private func closeSocket() {
            if self.descriptor < 0 { return }
            Sockets.close(self.descriptor)
            self.descriptor = -1
            self.isReadable = false
            if self.isSilent { self.plane.silenceChanged() }
            self.isSilent = false
            self.plane.renumber(self)
        }

        // MARK: - Binding

        private func bind() throws {
            self.reservation = nil
            let number = self.tryToBind()
            if number == 0 { return }
            if self.descriptor >= 0 { Sockets.close(self.descriptor) }
            self.descriptor = -1
            throw ProxyError(
                description: "proxy \(self.spec.link): cannot listen on \(self.bound): "
                    + SocketFailure.text(of: number))
        }

        /// Binds and listens; 0, or the error's number.
        private func tryToBind() -> CInt {
            if case .unix(let path) = self.bound { try? UnixSocketFile.removeIfDead(at: path) }
            let descriptor = Sockets.make(for: self.address)
            if descriptor < 0 { return -descriptor }
            self.descriptor = descriptor
            Sockets.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            // Accepted sockets inherit the options of TCP.
            if self.family != .local { self.plane.tune(descriptor) }
            let result = Sockets.bind(descriptor, to: self.address)
            if result < 0 { return -result }
            let isListening = Sockets.listen(descriptor, backlog: Self.backlog)
            if isListening < 0 { return -isListening }
            if !self.plane.watch(self, descriptor) { return errno }
            self.wasBound = true
            if let address = Sockets.localAddress(of: descriptor) { self.address = address }
            if case .tcp(let host, 0) = self.bound, let port = self.address.port {
                self.bound = .tcp(host: host, port: UInt16(port))
            }
            return 0
        }

        // MARK: - Accepting

        /// Accepts who waits, as many as one turn allows.
        func acceptSome() {
            for _ in 0..<Self.batch {
                if !self.isReadable || self.descriptor < 0 { return }
                if self.plane.isShortOfDescriptors { return self.rest() }
                let accepted = Sockets.accept(self.descriptor)
                if accepted >= 0 {
                    self.take(accepted)
                } else if accepted == -EAGAIN {
                    self.isReadable = false
                } else if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-accepted) {
                    self.plane.warnOfShortage(-accepted, at: self.bound)
                    return self.rest()
                }
                // Anything else concerns one socket that is gone by now (accept(2)).
            }
            if self.isReadable { self.plane.giveTurn(to: self) }
        }

        private func take(_ descriptor: CInt) {
            // Here the link is known: the address that was dialled tells it.
            self.plane.admit(
                EpollLeg(
                    .opener, descriptor, self.family, isDeaf: self.wasDeaf ? nil : false),
                over: self.line, self.route)
            if self.plane.isNearLimit(descriptor) {
                self.plane.warnOfShortage(EMFILE, at: self.bound)
                self.rest()
            }
        }

        private func rest() {
            self.plane.deadlines.set(
                self, at: self.plane.clock.now.advanced(byNanoseconds: Self.pause))
        }

        override func wake(at now: Instant) { self.acceptSome() }

        /// Closes the listener for good and removes its socket file.
        func close() {
            self.plane.deadlines.set(self, at: .never)
            self.closeSocket()
            self.reservation = nil
            if case .unix(let path) = self.bound, self.wasBound { UnixSocketFile.remove(at: path) }
            self.wasBound = false
        }
    }
#endif
