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
        private(set) var engine: Connection<HeldBytes>?
        /// Until when a closed socket takes in what its peer still sends.
        private var lingerUntil = Instant.never
        /// Whether the connection has ended: what still happens is only closing.
        private(set) var isOver = false
        private var isGone = false
        /// Which state of its line it has taken over.
        private var revision: Int
        /// Whether a change concerns it that it was not yet asked about.
        var awaitsVisit = false
        /// Whether its link was closed before it began.
        private var isUnwanted = false
        /// Whether it has asked its loop for another turn.
        var isWaitingForTurn = false
        /// How many bytes it may still carry in this turn.
        private var budget = 0

        /// How many actions of the engine are carried out in one turn.
        private static let actionsPerTurn = 256

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

        private func other(_ leg: EpollLeg) -> EpollLeg {
            leg === self.opener ? self.listener : self.opener
        }

        private func direction(from leg: EpollLeg) -> Direction {
            leg.leg == .opener ? .forward : .backward
        }

        private func sink(_ direction: Direction) -> EpollLeg {
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

        private func settle() {
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

        // MARK: - Without an engine

        private func carryBothWays() {
            guard self.listener.isConnected else { return }
            self.carry(from: self.opener, to: self.listener)
            if self.engine == nil { self.carry(from: self.listener, to: self.opener) }
            if self.engine != nil { return }
            if self.opener.hasInputEnded && self.listener.hasInputEnded
                && self.opener.rest == nil && self.listener.rest == nil
            {
                self.isOver = true
                self.opener.closeNow()
                self.listener.closeNow()
            }
        }

        private func carry(from source: EpollLeg, to sink: EpollLeg) {
            if sink.rest != nil && !self.writeRest(of: sink) { return }
            while source.isReadable {
                if self.budget <= 0 { return self.askForTurn() }
                let count = self.read(source)
                if count > 0 {
                    source.received += count
                    self.tally.received(count, self.direction(from: source), self.loop)
                    self.pass(count, to: sink)
                    if self.engine != nil || sink.rest != nil { return }
                } else if count == 0 {
                    // Who has ended his own stream is about to be closed.
                    if !sink.hasInputEnded || sink.rest != nil { sink.closeOutput() }
                } else if count != -Int(EAGAIN) {
                    return self.fail(source)
                }
            }
        }

        /// Reads once into the plane's memory: the number of bytes, 0 at the end, or a failure.
        private func read(_ source: EpollLeg) -> Int {
            let intake = self.loop.intake
            let size = min(intake.room, self.loop.turnSize)
            let count = Sockets.receive(source.descriptor, intake.memory, size)
            if count > 0 {
                self.budget -= count
                self.loop.noteCarried(count)
                // Less than there was room for: that was all, and news will be an event. Only the
                // end comes without one once it was told.
                if count < size && !source.hasEnd { source.isReadable = false }
            } else if count == 0 {
                source.noteInputEnded()
            } else {
                source.isReadable = false
            }
            return count
        }

        /// Writes bytes from the plane's memory; what the kernel does not take waits.
        private func pass(_ count: Int, to sink: EpollLeg) {
            let written = sink.send(self.loop.intake.memory, count)
            if written > 0 { self.noteDelivered(written, at: sink) }
            if written == count { return }
            sink.isBlocked = true
            sink.rest = self.loop.takeInput(from: max(0, written), to: count)
            if written < 0 && written != -Int(EAGAIN) { self.fail(sink) }
        }

        /// Writes what waits for a socket; whether nothing waits any more.
        private func writeRest(of sink: EpollLeg) -> Bool {
            guard let rest = sink.rest else { return true }
            if sink.isBlocked { return false }
            let written = sink.send(rest.memory, rest.count)
            if written > 0 { self.noteDelivered(written, at: sink) }
            if written == rest.count {
                sink.noteWritten()
                return true
            }
            sink.isBlocked = true
            if written > 0 { sink.rest?.dropFirst(written) }
            if written < 0 && written != -Int(EAGAIN) { self.fail(sink) }
            return false
        }

        private func noteDelivered(_ count: Int, at sink: EpollLeg) {
            let direction: Direction = sink.leg == .listener ? .forward : .backward
            if let engine = self.engine {
                engine.wrote(count, direction)
            } else {
                self.tally.delivered(count, direction, self.loop)
            }
        }

        private func passed(_ direction: Direction) -> PassedDirection<HeldBytes> {
            let source = direction == .forward ? self.opener : self.listener
            var passed = PassedDirection<HeldBytes>()
            passed.received = source.received
            passed.waiting = self.sink(direction).rest
            passed.hasEnded = source.hasInputEnded
            return passed
        }

        private func counters(_ direction: Direction) -> DirectionCounters {
            let source = direction == .forward ? self.opener : self.listener
            var counters = DirectionCounters()
            counters.received = source.received
            counters.discarded = self.sink(direction).discarded
            counters.written = counters.received - counters.discarded
            return counters
        }

        // MARK: - With an engine

        /// The engine, which takes over from here if there was none.
        @discardableResult
        private func makeEngine() -> Connection<HeldBytes> {
            if let engine = self.engine { return engine }
            let engine = Connection(
                self.ticket, forward: self.passed(.forward), backward: self.passed(.backward),
                pieceLimit: Intake.size, at: self.plane.clock.now)
            self.opener.rest = nil
            self.listener.rest = nil
            self.engine = engine
            return engine
        }

        /// Carries out all actions that are due, and reads on where there is room.
        private func run(_ engine: Connection<HeldBytes>) {
            var actions = 0
            while true {
                self.writeRests(engine)
                self.updateReadiness(engine)
                var hasMoved = false
                while !self.isOver, actions < Self.actionsPerTurn, self.budget > 0,
                    let action = engine.nextAction(at: self.plane.clock.now)
                {
                    actions += 1
                    hasMoved = true
                    self.perform(action, engine)
                    self.updateReadiness(engine)
                }
                if self.isOver { return }
                if actions == Self.actionsPerTurn || self.budget <= 0 { return self.askForTurn() }
                if self.takeIn(self.opener, engine) { hasMoved = true }
                if self.takeIn(self.listener, engine) { hasMoved = true }
                if !hasMoved { return }
            }
        }

        private func writeRests(_ engine: Connection<HeldBytes>) {
            for direction in Direction.allCases {
                let sink = self.sink(direction)
                // What the kernel did not take before a cut waits for its end.
                if sink.rest != nil && !engine.isGateClosed(direction) {
                    _ = self.writeRest(of: sink)
                }
            }
        }

        private func updateReadiness(_ engine: Connection<HeldBytes>) {
            engine.setReady(.forward, self.listener.canTakeBytes)
            engine.setReady(.backward, self.opener.canTakeBytes)
        }

        private func perform(
            _ action: StreamAction<HeldBytes>, _ engine: Connection<HeldBytes>
        ) {
            switch action {
            case .write(let direction, let bytes):
                let sink = self.sink(direction)
                if !sink.exists { return }
                self.budget -= bytes.count
                sink.rest = bytes
                sink.isBlocked = false
                _ = self.writeRest(of: sink)
            case .closeWriting(let direction): self.sink(direction).closeOutput()
            case .close: self.end { $0.close() }
            case .reset: self.end { $0.reset() }
            }
        }

        /// Reads once from a socket, if anybody wants it; whether anything came.
        private func takeIn(_ source: EpollLeg, _ engine: Connection<HeldBytes>) -> Bool {
            let direction = self.direction(from: source)
            let sink = self.sink(direction)
            guard source.isReadable, sink.isConnected, !engine.isSilent(source.leg),
                engine.wantsInput(direction)
            else { return false }
            let count = self.read(source)
            if count > 0 {
                if sink.canTakeBytes && engine.passes(count, direction) {
                    self.pass(count, to: sink)
                } else {
                    engine.received(
                        self.loop.takeInput(from: 0, to: count), direction,
                        at: self.plane.clock.now)
                }
            } else if count == 0 {
                engine.ended(direction, at: self.plane.clock.now)
            } else if count == -Int(EAGAIN) {
                return false
            } else {
                self.fail(source)
            }
            return true
        }

        // MARK: - Ends

        /// Makes deaf what must be.
        func applySilence() {
            guard !self.isOver, let engine = self.engine else { return }
            let isUnreached = self.dialling.progress != .done
            for leg in [self.opener, self.listener] {
                // Until the target is reached, its way is silent both ways or not at all; and who
                // dials it hears nothing where its answer would be lost.
                let isInVain =
                    leg === self.listener ? !engine.mayReachTarget : engine.isAnswerLost
                leg.setDeaf(engine.isSilent(leg.leg) || (isUnreached && isInVain))
            }
        }

        /// Ends the connection at once, because the proxy ends.
        func abort() {
            self.end { $0.reset() }
            self.settle()
        }

        /// Ends the connection at once, because its listener is closed for good.
        func close() {
            if self.isOver { return }
            if self.slot < 0 {
                self.isUnwanted = true
                return
            }
            self.end()
            self.service()
        }

        /// Ends both streams behind what was written.
        func end() { self.end { $0.close() } }

        private func end(_ closing: (EpollLeg) -> Void) {
            self.isOver = true
            self.stopDialling()
            closing(self.opener)
            closing(self.listener)
            if self.opener.isLingering || self.listener.isLingering {
                self.lingerUntil = self.plane.clock.now.advanced(
                    byNanoseconds: EpollLeg.lingerTime)
            }
        }

        /// Writes what waits, and forgets what still arrives.
        private func goOnClosing() {
            for leg in [self.opener, self.listener] where leg.isLingering && leg.exists {
                let direction: Direction = leg.leg == .opener ? .backward : .forward
                if leg.rest != nil, self.engine?.isGateClosed(direction) != true {
                    if self.writeRest(of: leg) {
                        self.lingerUntil = self.plane.clock.now.advanced(
                            byNanoseconds: EpollLeg.lingerTime)
                    }
                }
                self.forgetInput(of: leg)
            }
        }

        private func forgetInput(of leg: EpollLeg) {
            while leg.isReadable {
                if self.budget <= 0 { return self.askForTurn() }
                let count = self.read(leg)
                if count < 0 && count != -Int(EAGAIN) { return leg.closeNow() }
            }
            if leg.hasInputEnded && leg.rest == nil { leg.closeNow() }
        }
    }
#endif
