import ChaosCore
import ChaosEngine
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

    /// Opens listeners and returns where each listens, in order.
    ///
    /// - Throws: `ProxyError` for the first address that cannot be bound.
    package func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
        let plane = self.plane
        let loop = self.group.next()
        return try await loop.flatSubmit {
            EventLoopFuture.whenAllSucceed(links.map { plane.value.open($0) }, on: loop)
        }.get()
    }

    /// Changes the network; returns when the change is in effect on every socket.
    package func change<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) async throws -> Result {
        let plane = self.plane
        return try await self.group.next().flatSubmit {
            let plane = plane.value
            do {
                let result = try body(plane.network, plane.clock.now)
                return plane.networkChanged().map { result }
            } catch {
                return plane.loop.makeFailedFuture(error)
            }
        }.get()
    }

    /// Looks at the network between two chunks.
    package func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) -> Result
    ) async throws -> Result {
        let plane = self.plane
        return try await self.group.next().submit {
            body(plane.value.network, plane.value.clock.now)
        }.get()
    }

    /// Closes all sockets and ends the event loop.
    package func close() async {
        let plane = self.plane
        // Closing cannot be refused: errors mean that something was closed already.
        try? await self.group.next().flatSubmit { plane.value.close() }.get()
        try? await self.group.shutdownGracefully()
    }
}
