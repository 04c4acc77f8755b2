import ChaosCore
import ChaosEngine
import NIOCore

// One proxied connection: two sockets and the engine between them. It translates events into the
// engine's calls and the engine's actions into writes; it decides nothing. Everything happens on the
// data plane's event loop.

/// Carries out what the engine decides for one connection.
final class ProxyConnection {
    /// Its number among all connections of the data plane.
    let number: Int
    let spec: ProxiedLink
    let plane: DataPlane
    let engine: Connection<ByteBuffer>
    /// The socket that was accepted, and the one that was dialled for it.
    private(set) var opener: LegHandler?
    private(set) var listener: LegHandler?
    /// How far the way to the target is.
    var dialling = Dialling()
    /// Whether the engine has ended the connection: what still happens is only closing.
    private(set) var isOver = false
    private var isGone = false
    private var isPumping = false
    private var mustPumpAgain = false
    private var isTurnScheduled = false
    private var timer: (task: Scheduled<Void>, at: Instant)?

    /// How many actions are carried out before other connections have their turn.
    private static let actionsPerTurn = 256
    /// Up to which size bytes pass at once. What NIO holds is out of reach of a later cut.
    private static let pieceSize = 64 << 10

    init(number: Int, over spec: ProxiedLink, on plane: DataPlane) {
        self.number = number
        self.spec = spec
        self.plane = plane
        self.engine = Connection(over: spec.link, in: plane.network, at: plane.clock.now)
    }

    /// Adds a socket to the connection.
    func attach(_ leg: Leg, _ channel: any Channel, isDeaf: Bool?) throws {
        let handler = LegHandler(
            leg, of: self, on: channel, isDeaf: isDeaf, secure: try self.secure(leg, channel))
        if leg == .opener { self.opener = handler } else { self.listener = handler }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private func secure(_ leg: Leg, _ channel: any Channel) throws -> SecureLeg? {
        guard let tls = self.spec.tls else { return nil }
        switch leg {
        case .opener: return try tls.listening.map { try SecureLeg(serving: $0, channel) }
        case .listener:
            let name = tls.serverName(asked: self.opener?.askedName, upstream: self.spec.upstream)
            return try tls.dialling.map { try SecureLeg(dialling: $0, name: name, channel) }
        }
    }

    /// What this connection holds, for status.
    var status: ConnectionStatus {
        let queued = Direction.allCases.map { self.engine.counters($0).queued }.reduce(0, +)
        let buffered = Leg.allCases.compactMap { self.handler($0)?.bufferedBytes }.reduce(0, +)
        return ConnectionStatus(
            link: self.spec.link, ordinal: self.engine.ordinal, openedAt: self.engine.openedAt,
            queuedBytes: queued, bufferedBytes: buffered)
    }

    // MARK: - What the sockets did

    private func handler(_ leg: Leg) -> LegHandler? { leg == .opener ? self.opener : self.listener }

    private func direction(from leg: Leg) -> Direction { leg == .opener ? .forward : .backward }

    private func sink(_ direction: Direction) -> LegHandler? {
        direction == .forward ? self.listener : self.opener
    }

    func connected(_ leg: Leg) {
        if leg == .opener { self.beginDialling() } else { self.dialling.progress = .done }
        if self.isOver { self.handler(leg)?.reset() }
        self.applySilence()
        self.pump()
    }

    func read(_ bytes: ByteBuffer, from leg: Leg) {
        let direction = self.direction(from: leg)
        var bytes = bytes
        while let sink = self.sink(direction), sink.canTakeBytes, !self.isOver {
            let size = min(bytes.readableBytes, Self.pieceSize)
            guard size > 0, self.engine.passes(size, direction) else { break }
            self.engine.wrote(size, direction)
            sink.write(bytes.removePrefix(size))
        }
        if bytes.readableBytes == 0 { return }
        self.engine.received(bytes.compacted(), direction, at: self.plane.clock.now)
        // Between two reads of one turn, so that the engine's limit holds within the turn too.
        self.pump()
    }

    func ended(_ leg: Leg) {
        self.engine.ended(self.direction(from: leg), at: self.plane.clock.now)
        self.pump()
    }

    func failed(_ leg: Leg) {
        self.engine.wasReset(leg, at: self.plane.clock.now)
        self.pump()
    }

    func closed(_ leg: Leg) { self.pump() }

    /// A socket and its peer did not agree on keys.
    func handshakeFailed(_ leg: Leg, _ error: any Error) {
        if leg == .listener { return self.targetRefused(SecureLeg.reason(error)) }
        self.plane.record(
            "connection",
            [
                ("state", "insecure"), ("link", .string(self.spec.link.description)),
                ("connection", .int(Int64(self.engine.ordinal))),
                ("why", .string(SecureLeg.reason(error))),
            ])
        self.failed(leg)
    }

    /// Forgets the connection once both sockets are closed and none will be opened.
    private func finishIfDone() {
        let isClosed = Leg.allCases.allSatisfy { self.handler($0)?.isClosed ?? true }
        guard isClosed, self.isOver || self.dialling.progress == .done, !self.isGone else { return }
        self.isGone = true
        self.isOver = true
        self.stopTimer()
        self.stopDialling()
        self.engine.closed(at: self.plane.clock.now)
        self.opener?.detach()
        self.opener = nil
        self.dropListener()
        self.plane.remove(self)
    }

    // MARK: - What the engine wants

    /// Applies changed faults and cuts.
    func networkChanged() {
        self.engine.networkChanged(at: self.plane.clock.now)
        self.resumeDialling()
        self.applySilence()
        self.pump()
    }

    private func applySilence() {
        if self.isOver { return }
        let isUnreached = self.dialling.progress != .done
        for leg in Leg.allCases {
            // Until the target is reached, its way is silent both ways or not at all; and who dials
            // it hears nothing where its answer would be lost.
            let isInVain =
                leg == .listener ? !self.engine.mayReachTarget : self.engine.isAnswerLost
            self.handler(leg)?.setDeaf(self.engine.isSilent(leg) || (isUnreached && isInVain))
        }
    }

    /// Carries out all actions that are due, then reads on where there is room.
    func pump() {
        if self.isPumping {
            self.mustPumpAgain = true
            return
        }
        self.isPumping = true
        var actions = 0
        repeat {
            self.mustPumpAgain = false
            self.updateReadiness()
            while !self.isOver, actions < Self.actionsPerTurn,
                let action = self.engine.nextAction(at: self.plane.clock.now)
            {
                actions += 1
                self.perform(action)
                self.updateReadiness()
            }
        } while self.mustPumpAgain && !self.isOver && actions < Self.actionsPerTurn
        self.isPumping = false
        if self.isOver {
            self.stopTimer()
        } else if actions == Self.actionsPerTurn {
            self.scheduleTurn()
        } else {
            self.readOn()
            self.setTimer()
        }
        self.plane.flushJournal()
        self.finishIfDone()
    }

    private func scheduleTurn() {
        if self.isTurnScheduled { return }
        self.isTurnScheduled = true
        self.plane.turn().assumeIsolated().whenComplete { _ in
            self.isTurnScheduled = false
            self.pump()
        }
    }

    private func updateReadiness() {
        for direction in Direction.allCases {
            self.engine.setReady(direction, self.sink(direction)?.canTakeBytes ?? false)
        }
    }

    private func perform(_ action: StreamAction<ByteBuffer>) {
        switch action {
        case .write(let direction, let bytes):
            self.engine.wrote(bytes.readableBytes, direction)
            self.sink(direction)?.write(bytes)
        case .closeWriting(let direction): self.sink(direction)?.closeOutput()
        case .close: self.end { $0.close() }
        case .reset: self.end { $0.reset() }
        }
    }

    /// Ends the connection at once, because the proxy ends.
    func abort() {
        self.end { $0.reset() }
        self.pump()
    }

    /// Ends the connection at once, because its listener is closed for good.
    func close() {
        self.end { $0.close() }
        self.pump()
    }

    private func end(_ closing: (LegHandler) -> Void) {
        self.isOver = true
        self.stopDialling()
        for leg in Leg.allCases { self.handler(leg).map(closing) }
    }

    private func readOn() {
        for leg in Leg.allCases {
            let direction = self.direction(from: leg)
            if !self.engine.isSilent(leg), self.engine.wantsInput(direction),
                self.sink(direction)?.isConnected == true
            {
                self.handler(leg)?.read()
            }
        }
    }

    private func setTimer() {
        let deadline = self.engine.deadline
        if let timer = self.timer, timer.at <= deadline { return }
        self.stopTimer()
        if deadline == .never { return }
        let task = self.plane.loop.assumeIsolated().scheduleTask(
            deadline: self.plane.clock.deadline(of: deadline)
        ) {
            self.timer = nil
            self.pump()
        }
        self.timer = (task, deadline)
    }

    private func stopTimer() {
        self.timer?.task.cancel()
        self.timer = nil
    }

    /// Forgets the socket that faces the target.
    func dropListener() {
        self.listener?.detach()
        self.listener = nil
    }
}
