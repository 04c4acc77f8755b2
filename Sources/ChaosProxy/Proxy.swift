import ChaosCore
import ChaosEngine
import Foundation
import NIOConcurrencyHelpers

/// The data plane: listeners on every link, for streams and datagrams, and the network between them.
///
/// It may be used from everywhere; all work is done on the threads of its driver.
package final class Proxy: Sendable {
    /// The clock of the run.
    package let clock: RunClock
    /// What carries the traffic.
    package let driverKind: ProxyDriverKind
    private let driver: any ProxyDriver
    private let datagrams: DatagramDriver
    private let closing = NIOLockedValueBox<Task<Void, Never>?>(nil)
    /// What else carries packets of this network.
    private let companion = NIOLockedValueBox<(any NetworkCompanion)?>(nil)

    /// Makes a proxy without listeners.
    ///
    /// - Parameters:
    ///   - clock: The clock that gives the engine its `now`.
    ///   - driver: What carries the traffic; `nil` leaves it to the environment variable
    ///     `CHAOS_DRIVER`, and without that to the platform.
    ///   - threads: How many threads carry the traffic, at least one; `nil` leaves it to the driver.
    ///     NIO always has one.
    ///   - idleTime: After how long without a datagram either way a sender of datagrams is forgotten.
    ///   - makeNetwork: Makes the network; called once, on a thread of the driver.
    ///   - journal: Takes what was decided, in order; called on the driver's threads, by one of them
    ///     at a time, so it must not block.
    /// - Throws: `ProxyError` where the environment asks for a driver that does not exist.
    package init(
        clock: RunClock, driver: ProxyDriverKind? = nil, threads: Int? = nil,
        idleTime: Duration = Proxy.idleTimeDefault,
        makeNetwork: @escaping @Sendable () -> Network,
        journal: @escaping @Sendable ([JournalEntry]) -> Void
    ) async throws {
        self.clock = clock
        self.driverKind =
            try driver ?? ProxyDriverKind.automatic(ProcessInfo.processInfo.environment)
        let driver: any ProxyDriver =
            switch self.driverKind {
            case .nio:
                try await NIODriver(clock: clock, makeNetwork: makeNetwork, journal: journal)
            case .epoll:
                #if os(Linux)
                    try EpollDriver(
                        clock: clock, threads: threads ?? EpollDriver.threadCount,
                        makeNetwork: makeNetwork, journal: journal)
                #else
                    throw ProxyError(description: "the epoll driver needs Linux")
                #endif
            }
        self.driver = driver
        self.datagrams = DatagramDriver(clock: clock, driver: driver, idleTime: idleTime)
    }

    /// As long as most proxies have it; RFC 4787 (REQ-5) wants two minutes of NATs, which have no
    /// other way to learn of an end.
    package static let idleTimeDefault = Duration.seconds(60)

    /// Opens listeners and returns where each listens, in order. If one cannot, none stays open.
    ///
    /// - Throws: `ProxyError` for the first address that cannot be bound.
    package func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
        if self.driverKind != .nio, let link = links.first(where: { $0.tls != nil }) {
            throw ProxyError(description: "proxy \(link.link): TLS needs the driver nio")
        }
        let driver = try self.openDriver
        let streams = links.filter { $0.transport == .stream }
        let datagrams = links.filter { $0.transport == .datagrams }
        if datagrams.isEmpty { return try await driver.open(streams) }
        var opened = [
            ProxiedLink.Transport.datagrams: try await self.datagrams.open(datagrams)[...]
        ]
        do {
            opened[.stream] = try await driver.open(streams)[...]
        } catch {
            try await self.datagrams.close(datagrams.map(\.link))
            throw error
        }
        return links.compactMap { opened[$0.transport]?.popFirst() }
    }

    /// Changes the network; returns when the change is in effect on every socket. Changes take effect
    /// in the order in which they were asked for.
    ///
    /// - Parameter addsOnly: Whether the change leaves every cut as it is. Others wait until those are
    ///   counted who try to connect across a cut in vain, before it may be forgotten.
    /// - Throws: What `body` throws; `ProxyError` for an address that cannot be bound again.
    package func change<Result: Sendable>(
        addsOnly: Bool = false, _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) async throws -> Result {
        let datagrams = self.datagrams
        let companion = self.companion.withLockedValue { $0 }
        return try await self.openDriver.change(addsOnly: addsOnly) { network, now in
            companion?.catchUp()
            let result = try body(network, now)
            datagrams.networkChanged()
            try companion?.networkChanged()
            return result
        }
    }

    /// Looks at the network between two chunks.
    package func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) -> Result
    ) async throws -> Result {
        let companion = self.companion.withLockedValue { $0 }
        return try await self.openDriver.inspect { network, now in
            companion?.catchUp()
            return body(network, now)
        }
    }

    /// Has somebody else carry packets of this network as well, who obeys each change before it is
    /// confirmed.
    package func accompany(_ companion: (any NetworkCompanion)?) {
        self.companion.withLockedValue { $0 = companion }
    }

    /// Does something on the thread that owns the network, between two chunks; false when nobody will any
    /// more.
    @discardableResult
    package func post(_ task: @escaping @Sendable (Network) -> Void) -> Bool {
        self.driver.post(task)
    }

    /// Carries a connection from now on that somebody else has accepted and dialled, on Linux. The
    /// descriptors are the proxy's then.
    ///
    /// - Returns: Whether it does; otherwise the descriptors are the caller's.
    package func adopt(_ pair: ConnectedPair) -> Bool { self.driver.adopt(pair) }

    /// Closes the listeners over these links for good and their connections at once, with what waits in
    /// them; the network forgets the links.
    package func close(_ links: [Link]) async throws {
        let driver = try self.openDriver
        try await self.datagrams.close(links)
        try await driver.close(links)
    }

    /// What the open connections hold, in the order in which they were accepted.
    package func connections() async throws -> [ConnectionStatus] {
        let streams = try await self.openDriver.connections()
        let sessions = try await self.datagrams.sessions()
        return sessions.isEmpty ? streams : streams + sessions
    }

    private var openDriver: any ProxyDriver {
        get throws {
            if self.closing.withLockedValue({ $0 != nil }) {
                throw ProxyError(description: "the proxy is closed")
            }
            return self.driver
        }
    }

    /// Closes all sockets and ends the driver's threads. Closing twice is closing once.
    package func close() async {
        let (driver, datagrams) = (self.driver, self.datagrams)
        let closing = self.closing.withLockedValue { closing in
            let task =
                closing
                ?? Task {
                    await datagrams.close()
                    await driver.close()
                }
            closing = task
            return task
        }
        await closing.value
    }
}
