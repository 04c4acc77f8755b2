#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import Dispatch
    import NIOConcurrencyHelpers

    /// Carries datagrams: waits for them on a thread of its own, and does everything else on the thread
    /// of the stream driver, which owns the network.
    final class DatagramDriver: Sendable {
        /// Where one may wait.
        static let queue = DispatchQueue(label: "chaos.datagrams.slow")

        /// Keeps what only the network's thread touches.
        private final class Box: @unchecked Sendable {
            // Sound because every access is in a task of the driver's thread.
            var plane: DatagramPlane?
        }

        private let clock: RunClock
        private let idleTime: Duration
        private let driver: any ProxyDriver
        private let box = Box()
        /// There once the first port was opened.
        private let watch = NIOLockedValueBox<DatagramWatch?>(nil)

        /// - Parameter idleTime: After how long without a datagram a session is forgotten.
        init(clock: RunClock, driver: any ProxyDriver, idleTime: Duration) {
            self.clock = clock
            self.driver = driver
            self.idleTime = idleTime
        }

        deinit { self.watch.withLockedValue { $0 }?.close() }

        /// Opens ports and returns where each is, in order. If one cannot be opened, none stays open.
        func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
            var routes: [DatagramPlane.Route] = []
            for link in links { routes.append(try await Self.route(link)) }
            let watch = try self.startedWatch()
            let (box, clock, idleTime, driver) = (self.box, self.clock, self.idleTime, self.driver)
            return try await driver.inspect { [routes] network, _ in
                Result { () throws -> [Endpoint] in
                    if box.plane == nil {
                        box.plane = DatagramPlane(
                            network: network, clock: clock, watch: watch, idleTime: idleTime
                        ) { [weak driver] task in
                            _ = driver?.post { _ in box.plane.map(task) }
                        }
                    }
                    return try box.plane?.open(routes) ?? []
                }
            }.get()
        }

        private func startedWatch() throws -> DatagramWatch {
            try self.watch.withLockedValue { watch in
                if let watch { return watch }
                let box = self.box
                let started = try DatagramWatch(self.clock) { [weak driver = self.driver] in
                    driver?.post { _ in box.plane?.work() } ?? false
                }
                watch = started
                return started
            }
        }

        private static func route(_ link: ProxiedLink) async throws -> DatagramPlane.Route {
            guard let listen = try await Self.end(link.listen) else {
                throw ProxyError(
                    description: "proxy \(link.link): cannot listen on \(link.listen): "
                        + "no address for it")
            }
            // Like a stream's, a target that cannot be found is one that cannot be reached.
            return DatagramPlane.Route(
                spec: link, listen: listen, target: try? await Self.end(link.upstream))
        }

        private static func end(_ endpoint: Endpoint) async throws -> chaos_end? {
            if let literal = try NameLookup.literal(endpoint) { return chaos_end(literal) }
            return try await withCheckedThrowingContinuation { continuation in
                NameLookup.addresses(of: endpoint) { result in
                    continuation.resume(with: result.map { chaos_end($0[0]) })
                }
            }
        }

        /// Takes over a change; to be called on the network's thread.
        func networkChanged() { self.box.plane?.networkChanged() }

        /// Closes what is over these links.
        func close(_ links: [Link]) async throws {
            let box = self.box
            try await self.driver.inspect { _, _ in box.plane?.close(links) }
        }

        /// What the open sessions hold.
        func sessions() async throws -> [ConnectionStatus] {
            let box = self.box
            return try await self.driver.inspect { _, _ in box.plane?.status ?? [] }
        }

        /// Closes everything.
        func close() async {
            let box = self.box
            // A driver that is gone has nothing open.
            try? await self.driver.inspect { _, _ in
                box.plane?.closeAll()
                box.plane = nil
            }
            self.watch.withLockedValue { $0 }?.close()
        }
    }
#endif
