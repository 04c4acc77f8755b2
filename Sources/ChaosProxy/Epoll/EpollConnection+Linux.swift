#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import Glibc

    // One proxied connection: two sockets, and the engine between them where there is anything to
    // decide. Without an engine it passes on what it reads, by itself; the first fault or cut that
    // concerns its link makes an engine for it, which takes over with what happened so far. It decides
    // nothing. Everything happens on its loop's thread, or while that one stands still.

    /// Carries the bytes of one connection, or carries out what the engine decides for it.
    final class EpollConnection: Sleeper, @unchecked Sendable {
        // Sound because only its loop's thread touches it, or the one for which all stand still; a
        // mailbox hands it to the loop it belongs to.

        /// Its number among all connections of the plane.
        let number: Int
        private(set) var loop: EpollLoop
        let route: Route
        let line: LinkLine
        let ticket: ConnectionTicket
        /// Where what it carries without an engine is counted.
        var tally: Tally
        /// Where its loop keeps it, once it has begun, and where its line does.
        var slot = -1
        unowned(unsafe) var previous: EpollConnection?
        var next: EpollConnection?

        /// The socket that was accepted, and the one that was dialled for it.
        let opener: EpollLeg
        var listener = EpollLeg(.listener)
        /// How far the way to the target is.
        var dialling = DialState()
        var engine: Connection<HeldBytes>?
        /// Until when a closed socket takes in what its peer still sends.
        var lingerUntil = Instant.never
        /// Whether the connection has ended: what still happens is only closing.
        var isOver = false
        private var isGone = false
        /// Which state of its line it has taken over.
        private var revision: Int
        /// Whether a change concerns it that it was not yet asked about.
        var awaitsVisit = false
        /// Whether its link was closed before it began.
        var isUnwanted = false
        /// Whether it has asked its loop for another turn.
        var isWaitingForTurn = false
        /// How many bytes it may still carry in this turn.
        var budget = 0

        /// Counts a new connection; the books are open.
        ///
        /// - Parameter reached: The socket that faces the target, where it was dialled already.
        init(
            number: Int, on loop: EpollLoop, over line: LinkLine, _ route: Route,
            _ opener: EpollLeg, reached: EpollLeg? = nil
        ) {
            self.number = number
            self.loop = loop
            self.route = route
            self.line = line
            self.tally = line.tally(loop.index)
            self.revision = line.revision
            self.opener = opener
            if let reached { self.listener = reached }
            self.ticket = ConnectionTicket(
                forward: line.forward, backward: line.backward, at: loop.plane.clock.now)
        }

        var plane: EpollPlane { self.loop.plane }

        /// Begins: an engine where one is needed, and the way to the target.
        func begin() {
            self.loop.take(self)
            self.revision = self.line.revision
            if self.isUnwanted || self.plane.isClosing { return self.abort() }
            if !self.loop.watch(self.opener, of: self) { self.fail(self.opener) }
            if self.line.isTouched {
                self.loop.openBooks()
                self.makeEngine()
                self.applySilence()
            }
            if self.listener.exists {
                self.beginReached()
            } else {
                self.beginDialling()
            }
            self.service()
        }

        /// Goes on in another loop, while both stand still.
        func move(to loop: EpollLoop) {
            self.loop = loop
            loop.take(self)
            self.isWaitingForTurn = false
            for leg in [self.opener, self.listener] where leg.exists {
                if !loop.watch(leg, of: self) { self.fail(leg) }
            }
        }

        // MARK: - Changes

        /// Sees to it that nothing happens that a change forbids; to be called before anything does.
        func enter() {
            if self.engine == nil && self.revision == self.line.revision { return }
            self.loop.openBooks()
            if self.revision == self.line.revision { return }
            self.revision = self.line.revision
            if self.isOver || (self.engine == nil && !self.line.isTouched) { return }
            self.makeEngine().networkChanged(at: self.plane.clock.now)
            self.resumeDialling()
            self.applySilence()
        }

        /// Takes note of changes, for the books; the sockets obey when it has its turn. Nobody else
        /// may do anything meanwhile.
        func note() {
            if self.slot < 0 || self.isOver || (self.engine == nil && !self.line.isTouched) {
                return
            }
            self.makeEngine().networkChanged(at: self.plane.clock.now)
        }

        /// Obeys changes, while all threads stand still.
        func visit() {
            if self.slot < 0 || self.isGone || (self.engine == nil && !self.line.isTouched) {
                return
            }
            if !self.isOver { self.plane.bringHome(self) }
            self.service()
        }

        /// What this connection holds, for status.
        var status: ConnectionStatus {
            let queued = self.engine.map { engine in
                Direction.allCases.map { engine.counters($0).queued }.reduce(0, +)
            }
            return ConnectionStatus(
                link: self.ticket.link, ordinal: self.ticket.ordinal,
                openedAt: self.ticket.openedAt, queuedBytes: queued ?? 0,
                bufferedBytes: (self.opener.rest?.count ?? 0) + (self.listener.rest?.count ?? 0))
        }

        // MARK: - What the sockets did

        /// Takes note of what happened to a socket, and goes on.
        func handle(_ leg: EpollLeg, _ events: Poller.Events) {
            self.enter()
            if !leg.exists { return }
            if leg === self.listener && !leg.isConnected && !self.hasAnswered(events) {
                return self.service()
            }
            if events.isReadable { leg.isReadable = !leg.hasInputEnded }
            if events.hasEnd { leg.hasEnd = true }
            if events.isWritable { leg.isBlocked = false }
            if events.isFailure && self.mustAskForFailure(leg) {
                if Sockets.takeError(of: leg.descriptor) != 0 { self.fail(leg) }
            }
            self.service()
        }

        /// Whether reading will not tell that a socket failed: nobody reads it (any more).
        private func mustAskForFailure(_ leg: EpollLeg) -> Bool {
            leg.hasInputEnded || (leg === self.opener && !self.listener.isConnected)
        }

        /// A socket failed.
        func fail(_ leg: EpollLeg) {
            if leg.isClosed { return }
            self.loop.openBooks()
            let engine = self.makeEngine()
            leg.closeNow()
            leg.giveUp()
            engine.wasReset(leg.leg, at: self.plane.clock.now)
        }

        func direction(from leg: EpollLeg) -> Direction {
            leg.leg == .opener ? .forward : .backward
        }

        func sink(_ direction: Direction) -> EpollLeg {
            direction == .forward ? self.listener : self.opener
        }

        // MARK: - One turn

        /// Does what can be done now.
        func service() {
            if self.isGone { return }
            self.enter()
            self.budget = self.loop.turnSize
            if !self.isOver && self.engine == nil { self.carryBothWays() }
            if !self.isOver, let engine = self.engine { self.run(engine) }
            if self.isOver { self.goOnClosing() }
            self.settle()
        }

        func settle() {
            if self.finishIfDone() { return }
            var at = self.lingerUntil
            if !self.isOver {
                at = self.dialling.deadline
                if let engine = self.engine { at = min(at, engine.deadline) }
            }
            self.loop.deadlines.set(self, at: at)
        }

        override func wake(at now: Instant) {
            self.enter()
            self.dialDeadlineCame(now)
            if self.lingerUntil <= now {
                self.lingerUntil = .never
                for leg in [self.opener, self.listener] where leg.isLingering && leg.rest == nil {
                    leg.closeNow()
                }
            }
            self.service()
        }

        func askForTurn() {
            if self.isWaitingForTurn { return }
            self.isWaitingForTurn = true
            self.loop.giveTurn(to: self)
        }

        /// Forgets the connection once both sockets are closed and none will be opened.
        private func finishIfDone() -> Bool {
            if self.isGone { return true }
            guard self.opener.isClosed, self.listener.isClosed || !self.listener.exists,
                self.isOver || self.dialling.progress == .done
            else { return false }
            self.isGone = true
            self.isOver = true
            self.stopDialling()
            self.loop.bookEnd(of: self)
            return true
        }

        /// Puts down in the books what it carried, once it is over.
        func bookEnd(at now: Instant) {
            if let engine = self.engine {
                engine.closed(at: now)
            } else {
                self.ticket.closed(
                    forward: self.counters(.forward), backward: self.counters(.backward), at: now)
            }
        }
    }
#endif
