import ChaosCore
import ChaosEngine

/// What carries a proxy's traffic. All drivers have the same engine and the same fault semantics; they
/// differ in how they reach sockets.
///
/// A driver owns its network: everything that touches it happens on the driver's threads, on one of them
/// at a time. When a driver is forgotten without ``close()`` it closes its sockets all the same.
protocol ProxyDriver: AnyObject, Sendable {
    /// Opens listeners and returns where each listens, in order. If one cannot, none stays open.
    func open(_ links: [ProxiedLink]) async throws -> [Endpoint]

    /// Changes the network; returns when the change is in effect on every socket. Changes take effect
    /// in the order in which they were asked for.
    ///
    /// - Parameter addsOnly: See ``Proxy/change(addsOnly:_:)``.
    func change<Result: Sendable>(
        addsOnly: Bool, _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) async throws -> Result

    /// Looks at the network between two chunks.
    func inspect<Result: Sendable>(
        _ body: @escaping @Sendable (Network, Instant) -> Result
    ) async throws -> Result

    /// Closes the listeners over these links and their connections, and forgets the links.
    func close(_ links: [Link]) async throws

    /// Does something on the driver's thread between two chunks; false when nobody will any more.
    func post(_ task: @escaping @Sendable (Network) -> Void) -> Bool

    /// Takes over a connection that somebody else has accepted and dialled; false when it cannot.
    func adopt(_ pair: ConnectedPair) -> Bool

    /// What the open connections hold, in the order in which they were accepted.
    func connections() async throws -> [ConnectionStatus]

    /// Closes all sockets and ends the driver's threads. Called once.
    func close() async
}

extension ProxyDriver {
    func adopt(_ pair: ConnectedPair) -> Bool { false }
}

/// Which driver a proxy uses.
package enum ProxyDriverKind: String, CaseIterable, Sendable {
    /// SwiftNIO; everywhere.
    case nio
    /// Threads of our own on epoll; Linux only.
    case epoll

    /// The environment variable that chooses the driver of a proxy for which nobody else did.
    package static let variable = "CHAOS_DRIVER"

    /// The drivers that this platform has.
    package static var available: [ProxyDriverKind] {
        #if os(Linux)
            [.epoll, .nio]
        #else
            [.nio]
        #endif
    }

    /// The driver that the environment asks for, or else the best one of this platform.
    ///
    /// - Throws: `ProxyError` for a name that no driver of this platform has.
    static func automatic(_ environment: [String: String]) throws -> ProxyDriverKind {
        let best: ProxyDriverKind = Self.available.contains(.epoll) ? .epoll : .nio
        guard let name = environment[Self.variable], !name.isEmpty else { return best }
        guard let kind = ProxyDriverKind(rawValue: name), Self.available.contains(kind) else {
            let names = Self.available.map(\.rawValue).joined(separator: " or ")
            throw ProxyError(description: "\(Self.variable): must be \(names), found '\(name)'")
        }
        return kind
    }
}
