import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

/// Everything of the proxy that lives on its event loop: the network, listeners and connections.
///
/// One loop carries all traffic, so that a change takes effect between two chunks and never inside
/// one, and the same events give the same decisions.
final class DataPlane {
    let network: Network
    let clock: RunClock
    let loop: any EventLoop
    private let journal: @Sendable ([JournalEntry]) -> Void
    private var listeners: [ProxyListener] = []
    private var connections: [ObjectIdentifier: ProxyConnection] = [:]

    // The settings that bring NIO level with HAProxy, measured.
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(
        minimum: 2048, initial: 4096, maximum: 512 << 10)
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 128 << 10)

    init(
        network: Network, clock: RunClock, loop: any EventLoop,
        journal: @escaping @Sendable ([JournalEntry]) -> Void
    ) {
        self.network = network
        self.clock = clock
        self.loop = loop
        self.journal = journal
    }

    func add(_ connection: ProxyConnection) {
        self.connections[ObjectIdentifier(connection)] = connection
    }

    /// Forgets a connection; tells whether it was known.
    func remove(_ connection: ProxyConnection) -> Bool {
        self.connections.removeValue(forKey: ObjectIdentifier(connection)) != nil
    }

    /// Opens a listener; done when it accepts.
    func open(_ spec: ProxiedLink) -> EventLoopFuture<Endpoint> {
        let listener = ProxyListener(spec, on: self)
        self.listeners.append(listener)
        // Both directions exist from now on, for status and for cuts without traffic.
        _ = self.network.state(of: spec.link)
        _ = self.network.state(of: spec.link.reversed)
        return listener.apply(self.network.listenerPolicy(for: spec.link)).assumeIsolated()
            .map { listener.bound }.nonisolated()
    }

    /// Applies changed faults and cuts to everything; done when they are in effect.
    func networkChanged() -> EventLoopFuture<Void> {
        let applied = self.listeners.map {
            $0.apply(self.network.listenerPolicy(for: $0.spec.link))
        }
        // Dictionary order decides nothing here: connections do not influence each other.
        for connection in Array(self.connections.values) { connection.networkChanged() }
        self.flushJournal()
        return EventLoopFuture.andAllComplete(applied, on: self.loop)
    }

    func flushJournal() {
        let entries = self.network.takeJournal()
        if !entries.isEmpty { self.journal(entries) }
    }

    /// Closes everything.
    func close() -> EventLoopFuture<Void> {
        let closed = self.listeners.map { $0.close() }
        for connection in Array(self.connections.values) { connection.abort() }
        self.flushJournal()
        return EventLoopFuture.andAllComplete(closed, on: self.loop)
    }
}
