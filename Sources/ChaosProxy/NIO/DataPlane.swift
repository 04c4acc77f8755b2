import ChaosCore
import ChaosEngine
import ChaosSockets
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
    /// By number, so that they are gone through in the order in which they were accepted.
    private var connections: [Int: ProxyConnection] = [:]
    private var connectionsAccepted = 0
    /// How many answers about openers are still to come: the event loop must live until then.
    private var openQuestions = 0
    private var isClosing = false
    private var whenEmpty: EventLoopPromise<Void>?
    /// The changes under way, one behind the other.
    private var lastChange: EventLoopFuture<Void>
    private var attempts: SilentAttempts?

    // The settings that bring NIO level with HAProxy, measured; see also `receiveWindow`.
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(
        minimum: 2048, initial: 4096, maximum: 256 << 10)
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
    /// What the kernel may hold for one socket (it doubles the number). When a stream ends, NIO reads
    /// all of it at once, whatever waits, so it has to be bounded.
    static let receiveWindow: SocketOptionValue = 256 << 10

    /// Long enough for a task not to be due at once.
    private static let moment = TimeAmount.microseconds(20)

    init(
        network: Network, clock: RunClock, loop: any EventLoop,
        journal: @escaping @Sendable ([JournalEntry]) -> Void
    ) {
        self.network = network
        self.clock = clock
        self.loop = loop
        self.journal = journal
        self.lastChange = loop.makeSucceededVoidFuture()
    }

    // MARK: - Connections

    /// Takes in an accepted socket.
    ///
    /// - Parameter isShared: Whether its listener serves several links, so that it could not refuse
    ///   for this one alone.
    func accept(
        _ channel: any Channel, over spec: ProxiedLink, isDeaf: Bool?, isShared: Bool = false
    ) throws {
        if self.isClosing { throw ChannelError.ioOnClosedChannel }
        if isShared, self.network.listenerPolicy(for: spec.link) == .refused {
            self.network.attemptBlocked(on: spec.link)
            LegHandler.resetOnClose(channel)
            throw ChannelError.ioOnClosedChannel
        }
        let connection = ProxyConnection(number: self.connectionsAccepted, over: spec, on: self)
        self.connectionsAccepted += 1
        self.connections[connection.number] = connection
        try connection.attach(.opener, channel, isDeaf: isDeaf)
    }

    /// Forgets a connection.
    func remove(_ connection: ProxyConnection) {
        self.connections.removeValue(forKey: connection.number)
        self.flushJournal()
        self.succeedIfEmpty()
    }

    /// Somebody was asked who opened a connection.
    func questionAsked() { self.openQuestions += 1 }

    /// The answer has come.
    func questionAnswered() {
        self.openQuestions -= 1
        self.succeedIfEmpty()
    }

    private func succeedIfEmpty() {
        if self.connections.isEmpty && self.openQuestions == 0 { self.whenEmpty?.succeed() }
    }

    private var connectionsInOrder: [ProxyConnection] {
        self.connections.values.sorted { $0.number < $1.number }
    }

    /// What the open connections hold, in the order in which they were accepted.
    var status: [ConnectionStatus] { self.connectionsInOrder.map(\.status) }

    // MARK: - Listeners and changes

    /// Opens listeners; done when all accept. If one cannot, none stays open.
    func open(_ specs: [ProxiedLink]) -> EventLoopFuture<[Endpoint]> {
        let opened = specs.map { ProxyListener($0, on: self) }
        let isOpen = opened.map { listener in
            // Both directions exist from now on, for status and for cuts without traffic.
            _ = self.network.state(of: listener.spec.link)
            _ = self.network.state(of: listener.spec.link.reversed)
            return listener.apply(self.network.listenerPolicy(for: listener.links))
        }
        return EventLoopFuture.whenAllComplete(isOpen, on: self.loop).assumeIsolated()
            .flatMapThrowing { results in
                do {
                    for result in results { try result.get() }
                } catch {
                    for listener in opened { _ = listener.close() }
                    throw error
                }
                self.listeners += opened
                // Meanwhile the network may have changed.
                self.applyToListeners()
                return opened.map(\.bound)
            }.nonisolated()
    }

    @discardableResult
    func applyToListeners() -> [EventLoopFuture<Void>] {
        defer { self.watchSilentListeners() }
        return self.listeners.map { $0.apply(self.network.listenerPolicy(for: $0.links)) }
    }

    /// Carries out a change behind all earlier ones; done when it is in effect on every socket.
    ///
    /// - Parameter addsOnly: Whether it leaves all cuts as they are.
    func change<Result: Sendable>(
        addsOnly: Bool, _ body: @escaping @Sendable (Network, Instant) throws -> Result
    ) -> EventLoopFuture<Result> {
        let changed = self.lastChange.assumeIsolated().flatMap {
            self.turn()
        }.flatMap { () -> EventLoopFuture<Void> in
            // Who tries in vain must be counted before a heal forgets the cut.
            (addsOnly ? nil : self.attempts?.look()) ?? self.loop.makeSucceededVoidFuture()
        }.flatMap { () -> EventLoopFuture<Result> in
            do {
                let result = try body(self.network, self.clock.now)
                return self.networkChanged().map { result }
            } catch {
                return self.loop.makeFailedFuture(error)
            }
        }.nonisolated()
        self.lastChange = changed.map { _ in }.recover { _ in }
        return changed
    }

    /// Done when the event loop has looked at its sockets: it runs tasks for as long as there are any
    /// that are due, and a flood of changes must not keep bytes waiting.
    func turn() -> EventLoopFuture<Void> { self.loop.scheduleTask(in: Self.moment) {}.futureResult }

    private func networkChanged() -> EventLoopFuture<Void> {
        let applied = self.applyToListeners()
        let changed = Set(self.network.takeChangedLinks().map(\.link))
        let concerned = self.connections.values.filter {
            changed.contains($0.spec.link) || changed.contains($0.spec.link.reversed)
        }
        for connection in concerned.sorted(by: { $0.number < $1.number }) {
            connection.networkChanged()
        }
        self.flushJournal()
        return EventLoopFuture.andAllSucceed(applied, on: self.loop)
    }

    private func watchSilentListeners() {
        let silent = self.listeners.filter(\.isSilent)
        if self.attempts == nil && silent.isEmpty { return }
        let attempts = self.attempts ?? SilentAttempts(on: self)
        self.attempts = attempts
        attempts.watch(
            silent.compactMap { listener in
                listener.address.flatMap { SocketEnd($0) }
                    .map { Silence.Listener(end: $0, spec: listener.spec, links: listener.links) }
            })
    }

    // MARK: - Journal and end

    /// Writes something down.
    func record(_ event: String, _ details: [(key: String, value: JSONValue)]) {
        self.network.record(
            JournalEntry(at: self.clock.now, event: event, details: JSONObject(details)))
        self.flushJournal()
    }

    func flushJournal() {
        let entries = self.network.takeJournal()
        if !entries.isEmpty { self.journal(entries) }
    }

    /// Closes what is over these links, behind all changes under way; done when nobody listens there.
    func close(_ links: [Link]) -> EventLoopFuture<Void> {
        self.change(addsOnly: false) { _, _ in }.assumeIsolated().flatMap {
            let listeners = self.listeners.filter { links.contains($0.spec.link) }
            self.listeners.removeAll { links.contains($0.spec.link) }
            for connection in self.connectionsInOrder where links.contains(connection.spec.link) {
                connection.close()
            }
            for link in links { self.network.forget(link) }
            return EventLoopFuture.andAllComplete(listeners.map { $0.close() }, on: self.loop)
        }.nonisolated()
    }

    /// Closes everything; done when every socket is closed.
    func close() -> EventLoopFuture<Void> {
        self.isClosing = true
        let stopped = self.attempts.map { [$0.stop()] } ?? []
        let closed = self.listeners.map { $0.close() } + stopped
        self.listeners = []
        for connection in self.connectionsInOrder { connection.abort() }
        self.flushJournal()
        let empty = self.loop.makePromise(of: Void.self)
        self.whenEmpty = empty
        self.succeedIfEmpty()
        return EventLoopFuture.andAllComplete(closed + [empty.futureResult], on: self.loop)
    }
}
