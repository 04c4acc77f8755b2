import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

// One proxied connection: two sockets and the engine between them. It translates events into the
// engine's calls and the engine's actions into writes; it decides nothing. Everything happens on the
// data plane's event loop.

/// Carries out what the engine decides for one connection.
final class ProxyConnection {
    private let plane: DataPlane
    private let spec: ProxiedLink
    private let engine: Connection<ByteBuffer>
    private var opener: (any Channel)?
    private var listener: (any Channel)?
    private var isDialling = false
    private var mayDial = false
    private var isPumping = false
    private var mustPumpAgain = false
    private var isOver = false
    private var timer: (task: Scheduled<Void>, at: Instant)?
    private var openLegs = 1

    init(opener: any Channel, over spec: ProxiedLink, on plane: DataPlane) {
        self.plane = plane
        self.spec = spec
        self.opener = opener
        self.engine = Connection(over: spec.link, in: plane.network, at: plane.clock.now)
    }

    /// Starts once the accepted socket is active.
    func start() {
        self.applySilence()
        let delay = self.plane.network.acceptDelay(of: self.spec.link)
        if delay == .zero {
            self.mayDial = true
            self.dial()
        } else {
            self.plane.loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.wholeNanoseconds)) {
                self.mayDial = true
                self.dial()
            }
        }
        self.pump()
    }

    // MARK: - Dialling

    /// Connects to the target, unless a cut keeps everything from it: then after heal.
    private func dial() {
        guard self.mayDial, !self.isDialling, self.listener == nil, !self.isOver,
            self.plane.network.listenerPolicy(for: self.spec.link) != .silent
        else { return }
        self.isDialling = true
        let bootstrap = ClientBootstrap(group: self.plane.loop)
            .connectTimeout(.seconds(10))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .channelOption(.recvAllocator, value: DataPlane.receiveAllocator)
            .channelOption(.writeBufferWaterMark, value: DataPlane.waterMark)
        let connected: EventLoopFuture<any Channel>
        do {
            switch self.spec.upstream {
            case .unix(let path): connected = bootstrap.connect(unixDomainSocketPath: path)
            case .tcp(let host, let port):
                var dialler = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                if let source = self.spec.sourceHost {
                    dialler = dialler.bind(to: try SocketAddress(ipAddress: source, port: 0))
                }
                connected = dialler.connect(host: host, port: Int(port))
            }
        } catch {
            self.dialFailed()
            return
        }
        connected.assumeIsolated().whenComplete { result in
            self.isDialling = false
            switch result {
            case .success(let channel): self.dialled(channel)
            case .failure: self.dialFailed()
            }
        }
    }

    private func dialled(_ channel: any Channel) {
        if self.isOver {
            channel.close(promise: nil)
            return
        }
        self.listener = channel
        self.openLegs += 1
        do {
            try channel.pipeline.syncOperations.addHandler(LegHandler(.listener, of: self))
        } catch {
            self.failed(.listener)
        }
        if !channel.isActive { self.closed(.listener) }
        self.applySilence()
        self.pump()
    }

    /// A target that cannot be reached resets what was accepted for it: the nearest thing to a
    /// refusal, once the kernel has accepted.
    private func dialFailed() {
        self.engine.wasReset(.listener, at: self.plane.clock.now)
        self.pump()
    }

    // MARK: - What the sockets did

    private func direction(from leg: Leg) -> Direction { leg == .opener ? .forward : .backward }

    private func channel(_ leg: Leg) -> (any Channel)? { leg == .opener ? self.opener : self.listener }

    private func sink(_ direction: Direction) -> (any Channel)? {
        self.channel(direction == .forward ? .listener : .opener)
    }

    func read(_ bytes: ByteBuffer, from leg: Leg) {
        let direction = self.direction(from: leg)
        if let sink = self.sink(direction), sink.isActive,
            self.engine.passes(bytes.readableBytes, direction)
        {
            self.engine.wrote(bytes.readableBytes, direction)
            sink.writeAndFlush(bytes, promise: nil)
        } else {
            self.engine.received(bytes, direction, at: self.plane.clock.now)
            // Between two reads of one turn, so that the engine's limit holds within the turn too.
            self.pump()
        }
    }

    func ended(_ leg: Leg) {
        self.engine.ended(self.direction(from: leg), at: self.plane.clock.now)
        self.pump()
    }

    func failed(_ leg: Leg) {
        self.engine.wasReset(leg, at: self.plane.clock.now)
        self.pump()
    }

    func closed(_ leg: Leg) {
        if self.channel(leg) == nil { return }
        if leg == .opener { self.opener = nil } else { self.listener = nil }
        self.openLegs -= 1
        if !self.engine.isOver { self.engine.ended(self.direction(from: leg), at: self.plane.clock.now) }
        self.pump()
        self.finishIfDone()
    }

    private func finishIfDone() {
        guard self.openLegs == 0, !self.isDialling else { return }
        // With both sockets gone nothing can be delivered, whatever still waits.
        self.timer?.task.cancel()
        self.timer = nil
        if !self.isOver || self.plane.remove(self) {
            self.isOver = true
            self.engine.closed(at: self.plane.clock.now)
            _ = self.plane.remove(self)
        }
        self.plane.flushJournal()
    }

    // MARK: - What the engine wants

    /// Applies changed faults and cuts.
    func networkChanged() {
        self.engine.networkChanged(at: self.plane.clock.now)
        self.applySilence()
        self.dial()
        self.pump()
    }

    private func applySilence() {
        for leg in Leg.allCases {
            if let channel = self.channel(leg) { _ = Deafness.set(self.engine.isSilent(leg), on: channel) }
        }
    }

    /// Carries out all actions that are due, then reads on where there is room.
    func pump() {
        if self.isPumping {
            self.mustPumpAgain = true
            return
        }
        self.isPumping = true
        defer { self.isPumping = false }
        repeat {
            self.mustPumpAgain = false
            self.updateReadiness()
            while !self.isOver, let action = self.engine.nextAction(at: self.plane.clock.now) {
                self.perform(action)
                self.updateReadiness()
            }
        } while self.mustPumpAgain && !self.isOver
        self.plane.flushJournal()
        if self.isOver { return }
        self.readOn()
        self.setTimer()
    }

    private func updateReadiness() {
        for direction in Direction.allCases {
            let sink = self.sink(direction)
            self.engine.setReady(direction, sink.map { $0.isActive && $0.isWritable } ?? false)
        }
    }

    private func perform(_ action: StreamAction<ByteBuffer>) {
        switch action {
        case .write(let direction, let bytes):
            self.engine.wrote(bytes.readableBytes, direction)
            self.sink(direction)?.writeAndFlush(bytes, promise: nil)
        case .closeWriting(let direction):
            if let sink = self.sink(direction) { self.close(sink, .output) }
        case .close:
            self.isOver = true
            for leg in Leg.allCases {
                if let channel = self.channel(leg) { self.close(channel, .all) }
            }
        case .reset: self.reset()
        }
    }

    /// Closes behind everything written: NIO fails pending writes when a socket whose input has
    /// ended is closed, so closing waits for them.
    private func close(_ channel: any Channel, _ mode: CloseMode) {
        channel.writeAndFlush(ByteBuffer()).assumeIsolated().whenComplete { _ in
            channel.close(mode: mode, promise: nil)
        }
    }

    private func reset() {
        self.isOver = true
        for leg in Leg.allCases {
            guard let channel = self.channel(leg) else { continue }
            // Closing without lingering sends RST; a failure means that the socket is closed already.
            _ = (channel as? any SocketOptionProvider)?.setSoLinger(
                linger(l_onoff: 1, l_linger: 0))
            channel.close(promise: nil)
        }
    }

    /// Ends the connection at once, because the proxy ends.
    func abort() {
        self.isOver = true
        self.timer?.task.cancel()
        for leg in Leg.allCases { self.channel(leg)?.close(promise: nil) }
    }

    private func readOn() {
        for leg in Leg.allCases {
            let direction = self.direction(from: leg)
            guard let source = self.channel(leg), source.isActive, !self.engine.isSilent(leg),
                self.engine.wantsInput(direction), let sink = self.sink(direction)
            else { continue }
            // Without faults the partner's socket is the only queue; with them the engine's is.
            if sink.isWritable || !self.engine.isTransparent(direction) { source.read() }
        }
    }

    private func setTimer() {
        let deadline = self.engine.deadline
        if let timer = self.timer, timer.at <= deadline { return }
        self.timer?.task.cancel()
        self.timer = nil
        if deadline == .never { return }
        let task = self.plane.loop.assumeIsolated().scheduleTask(
            deadline: self.plane.clock.deadline(of: deadline)
        ) {
            self.timer = nil
            self.pump()
        }
        self.timer = (task, deadline)
    }
}
