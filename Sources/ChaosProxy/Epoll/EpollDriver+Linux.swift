#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import Foundation
    import NIOConcurrencyHelpers
    import NIOCore

    /// Carries the traffic with epoll on threads of its own.
    final class EpollDriver: ProxyDriver {
        private let mailbox: Mailbox
        private let isClosed = NIOLockedValueBox(false)

        /// The environment's variable that says how many threads carry traffic, 1 to 16.
        static let threadsVariable = "CHAOS_THREADS"

        /// How many threads carry traffic unless code or the environment asks for another number: one for
        /// each processor, at most four (ADR 0007).
        static var threadCount: Int {
            let wanted = ProcessInfo.processInfo.environment[Self.threadsVariable].flatMap {
                Int($0)
            }
            return min(max(wanted ?? min(System.coreCount, 4), 1), 16)
        }

        /// Starts the threads; `makeNetwork` is called on the first, `journal` on any, one at a time.
        ///
        /// - Throws: `ProxyError` when the system has no descriptors left.
        init(
            clock: RunClock, threads: Int,
            makeNetwork: @escaping @Sendable () -> Network,
            journal: @escaping @Sendable ([JournalEntry]) -> Void
        ) throws {
            let stations = try (0..<max(1, threads)).map { _ in try EpollLoop.Station() }
            self.mailbox = stations[0].mailbox
            let thread = Thread {
                chaos_begin_thread("chaos-proxy")
                let plane = EpollPlane(
                    network: makeNetwork(), clock: clock, stations: stations, journal: journal)
                plane.run()
            }
            thread.start()
        }

        func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
            let routes = try await Self.resolved(links)
            return try await self.onThread { try $0.open(routes) }
        }

        /// Looks up what is no address yet, on a thread that may wait.
        private static func resolved(_ links: [ProxiedLink]) async throws -> [ListenerRoute] {
            var routes: [ListenerRoute] = []
            for link in links {
                routes.append(
                    ListenerRoute(spec: link, address: try await Self.address(of: link)))
            }
            return routes
        }

        private static func address(of link: ProxiedLink) async throws -> SocketAddress {
            do {
                if let address = try NameLookup.literal(link.listen) { return address }
                return try await withCheckedThrowingContinuation { continuation in
                    NameLookup.addresses(of: link.listen) { result in
                        continuation.resume(with: result.map { $0[0] })
                    }
                }
            } catch {
                throw ProxyError(
                    description: "proxy \(link.link): cannot listen on \(link.listen): "
                        + SocketFailure.reason(error))
            }
        }

        func change<Result: Sendable>(
            addsOnly: Bool, _ body: @escaping @Sendable (Network, Instant) throws -> Result
        ) async throws -> Result {
            try await self.posting { plane, finish in
                plane.enqueue(addsOnly: addsOnly) {
                    finish(Swift.Result { try plane.change(body) })
                }
            }
        }

        func inspect<Result: Sendable>(
            _ body: @escaping @Sendable (Network, Instant) -> Result
        ) async throws -> Result {
            try await self.onThread { $0.inspect(body) }
        }

        func post(_ task: @escaping @Sendable (Network) -> Void) -> Bool {
            self.mailbox.post { task($0.network) }
        }

        func adopt(_ pair: ConnectedPair) -> Bool {
            self.mailbox.post { $0.adopt(pair) }
        }

        func close(_ links: [Link]) async throws {
            try await self.posting { plane, finish in
                plane.enqueue(addsOnly: false) { finish(Swift.Result { plane.close(links) }) }
            }
        }

        func connections() async throws -> [ConnectionStatus] {
            try await self.onThread { $0.status }
        }

        private func onThread<Result: Sendable>(
            _ body: @escaping @Sendable (EpollPlane) throws -> Result
        ) async throws -> Result {
            try await self.posting { plane, finish in
                finish(Swift.Result { try body(plane) })
            }
        }

        private func posting<Result: Sendable>(
            _ task:
                @escaping @Sendable (
                    EpollPlane,
                    _ finish:
                        @escaping @Sendable (Swift.Result<Result, any Error>) ->
                        Void
                ) -> Void
        ) async throws -> Result {
            try await withCheckedThrowingContinuation { continuation in
                let isTaken = self.mailbox.post { plane in
                    task(plane) { continuation.resume(with: $0) }
                }
                if !isTaken {
                    continuation.resume(throwing: ProxyError(description: "the proxy is closed"))
                }
            }
        }

        func close() async {
            self.isClosed.withLockedValue { $0 = true }
            await withCheckedContinuation { continuation in
                let isTaken = self.mailbox.post { plane in
                    plane.close { continuation.resume() }
                }
                if !isTaken { continuation.resume() }
            }
        }

        deinit {
            if !self.isClosed.withLockedValue({ $0 }) { _ = self.mailbox.post { $0.close {} } }
        }
    }
#endif
