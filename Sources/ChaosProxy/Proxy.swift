import ChaosCore
import ChaosEngine
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// The stream data plane: listeners on every link, and the network between them.
///
/// It may be used from everywhere; all work is done on one event loop of its own.
package final class Proxy: Sendable {
    /// The clock of the run.
    package let clock: RunClock
    private let group: MultiThreadedEventLoopGroup
    private let plane: NIOLoopBound<DataPlane>
    private let isClosed = NIOLockedValueBox(false)

    /// Makes a proxy without listeners.
    ///
    /// - Parameters:
    ///   - clock: The clock that gives the engine its `now`.
    ///   - makeNetwork: Makes the network; called once, on the event loop.
    ///   - journal: Takes what was decided, in order; called on the event loop, so it must not block.
    package init(
        clock: RunClock, makeNetwork: @escaping @Sendable () -> Network,
        journal: @escaping @Sendable ([JournalEntry]) -> Void
    ) async throws {
        self.clock = clock
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = self.group.next()
        self.plane = try await loop.submit {
            NIOLoopBound(
                DataPlane(network: makeNetwork(), clock: clock, loop: loop, journal: journal),
                eventLoop: loop)
        }.get()
    }

    /// Opens listeners and returns where each listens, in order. If one cannot, none stays open.
    ///
    /// - Throws: `ProxyError` for the first address that cannot be bound.
    package func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
        try await self.onLoop { $0.open(links) }
    }

    /// Changes the network; returns when the change is in effect on every socket. Changes take effect
    /// in the order in which they were asked for.
    ///
    /// - Throws: What `body` throws; `ProxyError` for an address that cannot be bound again.
    package func change<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) async throws -> Result {
        try await self.onLoop { $0.change(body) }
    }

    /// Looks at the network between two chunks.
    package func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) -> Result
    ) async throws -> Result {
        try await self.onLoop { $0.loop.makeSucceededFuture(body($0.network, $0.clock.now)) }
    }

    /// What the open connections hold, in the order in which they were accepted.
    package func connections() async throws -> [ConnectionStatus] {
        try await self.onLoop { $0.loop.makeSucceededFuture($0.status) }
    }

    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (DataPlane) -> EventLoopFuture<Result>
    ) async throws -> Result {
        if self.isClosed.withLockedValue({ $0 }) {
            throw ProxyError(description: "the proxy is closed")
        }
        let plane = self.plane
        return try await self.group.next().flatSubmit { body(plane.value) }.get()
    }

    /// Closes all sockets and ends the event loop. Closing twice is closing once.
    package func close() async {
        let wasClosed = self.isClosed.withLockedValue { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        if !wasClosed {
            let plane = self.plane
            // Closing cannot be refused: errors mean that something was closed already.
            try? await self.group.next().flatSubmit { plane.value.close() }.get()
        }
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
