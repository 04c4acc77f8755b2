#if os(Linux)
    import CLinux
    import ChaosCore
    import ChaosEngine
    import DequeModule
    import Dispatch
    import Foundation
    import NIOConcurrencyHelpers
    import NIOCore

    /// Everything of the proxy that its threads share: the network, listeners, and what other threads
    /// ask for.
    ///
    /// A change takes effect between two chunks and never inside one: whoever changes the network is
    /// alone, and all threads stand still between two turns.
    final class EpollPlane: @unchecked Sendable {
        // Sound by the rules at the top of `EpollLoop+Linux.swift`.

        let network: Network
        let clock: RunClock
        let pause = Pause()
        /// Held by who touches the network or anything else that all threads share.
        let books = NIOLock()
        /// Held by who hands over the journal, so that it stays in order.
        private let journalLock = NIOLock()
        /// Whether all threads but the first stand still.
        private(set) var isAlone = false
        private(set) var loops: [EpollLoop] = []
        let mailbox: Mailbox
        let shortage: DescriptorShortage
        let names: NameAnswers

        private let journal: @Sendable ([JournalEntry]) -> Void
        private var connectionsAccepted = 0
        private(set) var isClosing = false
        private var whenDone: (@Sendable () -> Void)?

        // Of `EpollPlane+Listeners+Linux.swift` and `EpollPlane+Changes+Linux.swift`.
        var listeners: [EpollListener?] = []
        var listenerGenerations: [UInt32] = []
        /// The connections over each link, and its listeners. A line stays once it is there, as the
        /// network's links do.
        var lines: [Link: LinkLine] = [:]
        var changes: Deque<Change> = []
        var isLooking = false
        var attempts: SilentWatch?
        var hasSilenceChanged = false
        var visits = Visits()

        /// - Parameter stations: One for each thread, at least one.
        init(
            network: Network, clock: RunClock, stations: [EpollLoop.Station],
            journal: @escaping @Sendable ([JournalEntry]) -> Void
        ) {
            self.network = network
            self.clock = clock
            self.mailbox = stations[0].mailbox
            self.journal = journal
            self.shortage = DescriptorShortage(network, clock, self.mailbox)
            self.names = NameAnswers(self.mailbox)
            self.loops = stations.enumerated().map { EpollLoop($0.offset, of: self, $0.element) }
        }

        /// The loop whose thread can be alone. It has all connections with an engine, so that those
        /// need not wait for each other.
        var first: EpollLoop { self.loops[0] }

        // MARK: - Threads

        /// Works until the proxy is closed.
        func run() {
            let ended = DispatchSemaphore(value: 0)
            for loop in self.loops.dropFirst() {
                let thread = Thread {
                    chaos_begin_thread("chaos-proxy-\(loop.index)")
                    loop.run()
                    ended.signal()
                }
                thread.start()
            }
            self.first.run()
            for _ in self.loops.dropFirst() { ended.wait() }
            // Nothing is left of who was handed over meanwhile.
            let tasks = self.loops.flatMap { $0.mailbox.close() } + self.mailbox.close()
            self.alone {
                for task in tasks { task(self) }
                while !self.changes.isEmpty { self.changeOnce() }
            }
            self.whenDone?()
        }

        /// Does something while all other threads stand still between two turns. What they had in
        /// hand for others is then done, and the network knows what was carried.
        func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
            if self.isAlone { return try body() }
            self.first.closeBooks()
            let others = self.loops.dropFirst()
            return try self.pause.run(stopping: others.map(\.lock)) {
                self.isAlone = true
                defer {
                    self.handOverJournal()
                    for loop in others { loop.wakeIfNeeded() }
                    self.isAlone = false
                }
                for loop in self.loops {
                    loop.takeOver()
                    loop.bookEnded()
                    for tally in loop.untold { tally.tell() }
                    loop.untold.removeAll(keepingCapacity: true)
                }
                // Who gets an answer finds in the journal what it rests on.
                self.handOverJournal()
                return try body()
            }
        }

        /// Does what other threads asked for.
        func readMail() {
            let tasks = self.mailbox.take()
            if tasks.isEmpty { return }
            self.alone { for task in tasks { task(self) } }
        }

        /// Whether the first loop has something to do without being asked again.
        var hasWork: Bool {
            !self.visits.isEmpty || (!self.changes.isEmpty && !self.isLooking)
        }

        /// Does a piece of what is to be done between two turns.
        func goOn() {
            if !self.hasWork { return }
            self.alone {
                self.changeOnce()
                self.visitSome()
            }
        }

        // MARK: - Connections

        /// Takes in an accepted socket whose link is known. The books are open, and are closed behind
        /// what belongs in them.
        ///
        /// - Parameters:
        ///   - loop: Who accepted it.
        ///   - isShared: Whether its listener serves several links, so that it could not refuse for
        ///     this one alone.
        ///   - reached: The socket that faces the target, where it was dialled already.
        func admit(
            _ opener: EpollLeg, over line: LinkLine, _ route: Route, on loop: EpollLoop,
            isShared: Bool = false, reached: EpollLeg? = nil
        ) {
            if self.isClosing {
                reached?.reset()
                return opener.reset()
            }
            if isShared, self.network.listenerPolicy(for: line.forward.link) == .refused {
                self.network.attemptBlocked(on: line.forward.link)
                return opener.reset()
            }
            let home = line.isTouched ? self.first : self.home(from: loop)
            let connection = EpollConnection(
                number: self.connectionsAccepted, on: home, over: line, route, opener,
                reached: reached)
            self.connectionsAccepted += 1
            home.connectionCount += 1
            line.add(connection)
            if self.isAlone || home === loop {
                loop.closeBooks()
                return connection.begin()
            }
            _ = home.mailbox.post { _ in connection.begin() }
        }

        /// Which loop a new connection belongs to: the one that accepted it, unless another one has
        /// far fewer. A few are shared out evenly, since each may carry much; of many, those who come
        /// and go fast should not go from hand to hand: whichever thread was free has accepted them.
        private func home(from loop: EpollLoop) -> EpollLoop {
            var home = loop
            for other in self.loops where other.connectionCount < home.connectionCount {
                let fewer = other.connectionCount
                let slack = fewer < Self.fewConnections ? 0 : 16 + fewer / 2
                if loop.connectionCount > fewer + slack { home = other }
            }
            return home
        }

        private static let fewConnections = 4

        /// Forgets a connection that is over; the books are open.
        func remove(_ connection: EpollConnection, at now: Instant) {
            connection.bookEnd(at: now)
            connection.loop.release(connection)
            connection.loop.connectionCount -= 1
            connection.line.remove(connection)
            self.shortage.descriptorsAreFree()
        }

        /// Makes a connection the first loop's, while all threads stand still.
        func bringHome(_ connection: EpollConnection) {
            if connection.loop === self.first { return }
            connection.loop.release(connection)
            connection.loop.connectionCount -= 1
            self.first.connectionCount += 1
            connection.move(to: self.first)
        }

        private var connectionsInOrder: [EpollConnection] {
            self.loops.flatMap { $0.connections.all }.sorted { $0.number < $1.number }
        }

        /// What the open connections hold, in the order in which they were accepted.
        var status: [ConnectionStatus] {
            self.visits.note()
            return self.connectionsInOrder.map(\.status)
        }

        /// Keeps a descriptor for a connection that will dial later.
        func reserveDescriptor(for connection: EpollConnection) {
            let placeholder = Sockets.placeholder(of: self.mailbox.descriptor)
            if placeholder >= 0 { connection.dialling.placeholder = placeholder }
        }

        // MARK: - Journal and end

        /// Writes something down; the books are open.
        func record(_ event: String, _ details: [(key: String, value: JSONValue)]) {
            self.network.record(
                JournalEntry(at: self.clock.now, event: event, details: JSONObject(details)))
        }

        /// Hands over what was written down. The books are open, and `closeBooks` closes them as soon
        /// as nobody can come in between: what becomes of the journal holds nobody else up.
        func handOverJournal(_ closeBooks: () -> Void = {}) {
            if !self.network.hasJournal { return closeBooks() }
            let entries = self.network.takeJournal()
            self.journalLock.withLock {
                closeBooks()
                self.journal(entries)
            }
        }

        /// Closes what is over these links.
        func close(_ links: [Link]) {
            for link in links {
                guard let line = self.lines[link] else { continue }
                for listener in line.listeners { self.forget(listener) }
                var connections: [EpollConnection] = []
                line.forEach { connections.append($0) }
                for connection in connections.sorted(by: { $0.number < $1.number }) {
                    connection.close()
                }
                self.lines[link] = nil
                self.network.forget(link)
            }
            self.watchSilentListeners()
        }

        /// Closes everything and ends the threads.
        func close(_ finish: @escaping @Sendable () -> Void) {
            if self.isClosing { return finish() }
            self.isClosing = true
            self.isLooking = false
            self.whenDone = finish
            self.attempts?.watch([])
            for listener in self.listeners { listener.map { self.forget($0) } }
            for connection in self.connectionsInOrder { connection.abort() }
            self.lines = [:]
            self.visits = Visits()
            for loop in self.loops { loop.isDone = true }
        }
    }
#endif
