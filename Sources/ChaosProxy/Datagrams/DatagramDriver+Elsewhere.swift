#if !os(Linux)
    import ChaosCore

    /// Carries no datagrams: that needs Linux so far.
    final class DatagramDriver: Sendable {
        init(clock: RunClock, driver: any ProxyDriver, idleTime: Duration) {}

        func open(_ links: [ProxiedLink]) async throws -> [Endpoint] {
            guard let link = links.first else { return [] }
            throw ProxyError(description: "proxy \(link.link): UDP needs Linux")
        }

        func networkChanged() {}
        func close(_ links: [Link]) async throws {}
        func sessions() async throws -> [ConnectionStatus] { [] }
        func close() async {}
    }
#endif
