import ChaosCore
import ChaosEngine
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Carries the traffic with SwiftNIO, on every platform. All work is done on one event loop of its own.
final class NIODriver: ProxyDriver {
    private let group: MultiThreadedEventLoopGroup
    private let plane: NIOLoopBound<DataPlane>
    private let isClosed = NIOLockedValueBox(false)

    /// Starts an event loop; `makeNetwork` and `journal` are called on it.
    init(
        clock: RunClock, makeNetwork: @escaping @Sendable () -> Network,
        journal: @escaping @Sendable ([JournalEntry]) -> Void
    ) async throws {
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = self.group.next()
        self.plane = try await loop.submit {
            NIOLoopBound(
                DataPlane(network: makeNetwork(), clock: clock, loop: loop, journal: journal),
                eventLoop: loop)
        }.get()
    }

    func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
        try await self.onLoop { $0.open(links) }
    }

    func change<Result: Sendable>(
        addsOnly: Bool, _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) async throws -> Result {
        try await self.onLoop { $0.change(addsOnly: addsOnly, body) }
    }

    func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) -> Result
    ) async throws -> Result {
        try await self.onLoop { $0.loop.makeSucceededFuture(body($0.network, $0.clock.now)) }
    }

    func post(_ task: @escaping @Sendable (Network) -> Void) -> Bool {
        if self.isClosed.withLockedValue({ $0 }) { return false }
        let plane = self.plane
        self.group.next().execute {
            task(plane.value.network)
            plane.value.flushJournal()
        }
        return true
    }

    func close(_ links: [Link]) async throws { try await self.onLoop { $0.close(links) } }

    func connections() async throws -> [ConnectionStatus] {
        try await self.onLoop { $0.loop.makeSucceededFuture($0.status) }
    }

    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (DataPlane) -> EventLoopFuture<Result>
    ) async throws -> Result {
        let plane = self.plane
        return try await self.group.next().flatSubmit { body(plane.value) }.get()
    }

    func close() async {
        self.isClosed.withLockedValue { $0 = true }
        let plane = self.plane
        // Closing cannot be refused: errors mean that something was closed already.
        try? await self.group.next().flatSubmit { plane.value.close() }.get()
        try? await self.group.shutdownGracefully()
    }

    deinit {
        if self.isClosed.withLockedValue({ $0 }) { return }
        let (plane, group) = (self.plane, self.group)
        group.next().flatSubmit { plane.value.close() }.whenComplete { _ in
            group.shutdownGracefully { _ in }
        }
    }
}
