#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import DequeModule
    import Dispatch

    // A change takes effect at once for all: its lines are marked, and no connection does anything
    // before it has looked at its line. So nothing crosses a cut once the change returns. What is to
    // be done to the sockets of many connections, to make them deaf or to close them, is done in
    // pieces, between which others have their turn.

    /// The connections that a change concerns and that were not yet looked at.
    struct Visits {
        private var waiting: Deque<EpollConnection> = []
        /// Whether all of them know of all changes so far, though their sockets may not.
        private var areNoted = true

        var isEmpty: Bool { self.waiting.isEmpty }

        mutating func add(_ connections: [EpollConnection]) {
            for connection in connections where !connection.awaitsVisit {
                connection.awaitsVisit = true
                self.waiting.append(connection)
            }
            self.areNoted = self.waiting.isEmpty
        }

        mutating func next() -> EpollConnection? {
            let connection = self.waiting.popFirst()
            connection?.awaitsVisit = false
            return connection
        }

        /// Lets all know of the changes so far.
        mutating func note() {
            if self.areNoted { return }
            self.areNoted = true
            for connection in self.waiting { connection.note() }
        }
    }

    /// What somebody wants done to the network.
    struct Change {
        /// Whether it leaves all cuts as they are.
        let addsOnly: Bool
        let body: () -> Void
    }

    extension EpollPlane {
        /// How many connections are looked at before anybody else has a turn, and for how long more
        /// are while nobody asks for anything.
        private static var visitCount: Int { 64 }
        static var visitTime: Int64 { 1_000_000 }

        /// Does something behind all earlier changes.
        ///
        /// - Parameter addsOnly: Whether it leaves all cuts as they are.
        func enqueue(addsOnly: Bool, _ body: @escaping () -> Void) {
            self.changes.append(Change(addsOnly: addsOnly, body: body))
        }

        /// Carries out one change; a flood of them must not keep bytes waiting.
        func changeOnce() {
            if self.changes.isEmpty || self.isLooking { return }
            // Who tries in vain must be counted before a heal forgets the cut.
            if let attempts = self.attempts, !self.isClosing, attempts.isWatching,
                !self.changes[0].addsOnly
            {
                self.isLooking = true
                return attempts.settle { plane in
                    plane.isLooking = false
                    plane.changes.removeFirst().body()
                }
            }
            self.changes.removeFirst().body()
        }

        /// Changes the network; when this returns, the change is in effect on every socket.
        func change<Result>(_ body: (Network, Instant) throws -> Result) throws -> Result {
            if self.isClosing { throw ProxyError(description: "the proxy is closed") }
            self.visits.note()
            let result = try body(self.network, self.clock.now)
            defer { self.handOverJournal() }
            try self.networkChanged()
            return result
        }

        /// Looks at the network, with all that earlier changes did.
        func inspect<Result>(_ body: (Network, Instant) -> Result) -> Result {
            self.visits.note()
            return body(self.network, self.clock.now)
        }

        /// Looks at what the change concerns, and at nothing else.
        private func networkChanged() throws {
            var concerned: [LinkLine] = []
            for state in self.network.takeChangedLinks() {
                for link in [state.link, state.link.reversed] {
                    guard let line = self.lines[link], !line.isConcerned else { continue }
                    line.isConcerned = true
                    concerned.append(line)
                }
            }
            for line in concerned { line.update() }
            var failure: (any Error)?
            var connections: [EpollConnection] = []
            for line in concerned {
                line.isConcerned = false
                for listener in line.listeners {
                    do {
                        try listener.apply(self.network.listenerPolicy(for: listener.links))
                    } catch {
                        failure = failure ?? error
                    }
                }
                line.forEach { connections.append($0) }
            }
            connections.sort { $0.number < $1.number }
            self.visits.add(connections)
            self.visitSome(for: 0)
            self.watchSilentListeners()
            if let failure { throw failure }
        }

        /// Brings some of those up to date whom changes concern.
        func visitSome(for time: Int64 = EpollPlane.visitTime) {
            let end = self.clock.now.advanced(byNanoseconds: time)
            var count = 0
            while let connection = self.visits.next() {
                connection.visit()
                count += 1
                if count < Self.visitCount { continue }
                if self.isAskedFor || self.clock.now >= end { return }
            }
        }

        /// Whether somebody waits for an answer or a change.
        private var isAskedFor: Bool {
            self.mailbox.hasTasks || (!self.changes.isEmpty && !self.isLooking)
        }

        // MARK: - Attempts that nobody answers

        /// Some listener keeps silent now, or no longer does.
        func silenceChanged() { self.hasSilenceChanged = true }

        func watchSilentListeners() {
            if !self.hasSilenceChanged { return }
            self.hasSilenceChanged = false
            let attempts = self.attempts ?? SilentWatch(on: self)
            self.attempts = attempts
            attempts.watch(self.listeners.compactMap { $0 }.filter(\.isSilent))
        }

        func lookedAround() { self.attempts?.goOn() }
    }
#endif
