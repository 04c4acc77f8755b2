#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import ChaosSockets
    import Glibc

    // How ports come and go.

    extension DatagramPlane {
        /// A port that is to be opened, with the addresses that were found for it.
        struct Route: Sendable {
            let spec: ProxiedLink
            let listen: chaos_end
            let target: chaos_end?
        }

        /// Opens ports. If one cannot be opened, none stays open.
        func open(_ routes: [Route]) throws -> [Endpoint] {
            if self.isClosed { throw ProxyError(description: "the proxy is closed") }
            var opened: [DatagramPort] = []
            do {
                for route in routes { opened.append(try self.open(route)) }
            } catch {
                for port in opened { self.forget(port) }
                throw error
            }
            return opened.map(\.end.endpoint)
        }

        private func open(_ route: Route) throws -> DatagramPort {
            let first = try self.bind(route, to: route.listen)
            if route.listen.port != 0 { return try self.keep(route, first) }
            // A number that the kernel chose is given up when a peer is taken away (udp_disconnect);
            // one that was asked for stays. So it is asked for, while nobody else can have it.
            defer { first.close() }
            var listen = route.listen
            listen.port = first.name.port
            Sockets.set(first.descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            let second = try self.bind(route, to: listen, isShared: true)
            // Bound, it no longer lets others in who would share the address.
            Sockets.set(second.descriptor, SOL_SOCKET, SO_REUSEADDR, 0)
            return try self.keep(route, second)
        }

        /// Makes a socket with this address.
        private func bind(
            _ route: Route, to end: chaos_end, isShared: Bool = false
        ) throws -> DatagramSocket {
            let number: CInt
            switch self.makeSocket(for: end) {
            case .failure(let failure): number = failure.value
            case .success(let socket):
                if isShared { Sockets.set(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, 1) }
                number = -socket.bind(to: end)
                if number <= 0 { return socket }
                socket.close()
            }
            throw Self.failure(route, number)
        }

        private static func failure(_ route: Route, _ number: CInt) -> ProxyError {
            ProxyError(
                description: "proxy \(route.spec.link): cannot listen on \(route.spec.listen): "
                    + SocketFailure.text(of: number))
        }

        private func keep(_ route: Route, _ socket: DatagramSocket) throws -> DatagramPort {
            var end = socket.name
            end.scope = route.listen.scope
            if end.isEveryAddress { socket.tellDestination() }
            let slot = self.ports.count
            let port = DatagramPort(
                route.spec, socket, at: end, target: route.target, slot: slot, generation: 0)
            if !self.watch.add(socket.descriptor, Tag.port(slot)) {
                let number = errno
                socket.close()
                throw Self.failure(route, number)
            }
            self.ports.append(port)
            self.portsOpen += 1
            if let target = route.target { self.homes[target.key, default: []].append(port) }
            // Both directions exist from now on, for status and for cuts without traffic.
            for link in port.links { _ = (self.line(of: link), self.line(of: link.reversed)) }
            self.apply(to: port)
            return port
        }

        func forget(_ port: DatagramPort) {
            let now = self.clock.now
            for session in port.sessions.values { self.close(session, at: now) }
            port.socket.close()
            self.ports[port.slot] = nil
            self.portsOpen -= 1
            if let target = port.target { self.homes[target.key]?.removeAll { $0 === port } }
        }

        /// Closes the ports over these links for good, with all that waits.
        func close(_ links: [Link]) {
            for port in self.ports.compactMap({ $0 }) where links.contains(port.spec.link) {
                self.forget(port)
            }
            for link in links.flatMap({ [$0, $0.reversed] }) {
                self.lines.removeValue(forKey: link)?.pipeline.discardAll()
            }
        }

        /// Closes everything.
        func closeAll() {
            if self.isClosed { return }
            self.isClosed = true
            for port in self.ports.compactMap({ $0 }) { self.forget(port) }
            self.watch.close()
        }

        /// How many descriptors are left to others in this process.
        private static var descriptorMargin: Int { 32 }

        /// Makes a socket, at the cost of the session that nobody used for the longest time if there
        /// are no descriptors left.
        func makeSocket(for end: chaos_end) -> Result<DatagramSocket, SocketNumber> {
            let limit = Sockets.descriptorLimit
            let margin = min(Self.descriptorMargin, limit / 8)
            while true {
                let made = DatagramSocket.make(for: end)
                switch made {
                case .success(let socket) where Int(socket.descriptor) < limit - margin: return made
                case .failure(let number) where number.value != EMFILE && number.value != ENFILE:
                    return made
                default:
                    guard let oldest = self.idle.popLeastRecentlyUsed() else { return made }
                    if case .success(let socket) = made { socket.close() }
                    self.close(oldest, at: self.clock.now)
                }
            }
        }
    }
#endif
