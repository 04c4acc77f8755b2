import ChaosCore
import ChaosEngine
import NIOCore
import NIOPosix

// The way to the target: after `accept_delay`, never across a cut, and again after heal if a cut came
// in between.

/// How far the way to a connection's target is, and what is under way.
struct Dialling {
    enum Progress {
        /// Not begun: a delay or a cut is in front of it.
        case waiting
        /// The target was called and has not answered.
        case calling
        /// The target answered, or will not.
        case done
    }

    var progress = Progress.waiting
    /// The end of the wait that `accept_delay` asks for.
    var delay: Scheduled<Void>?
    /// Whether a cut came while the target was called: its answer may be lost.
    var wasCut = false
    /// Which call is the current one; answers to others are late.
    var call = 0
    /// The socket of the current call.
    var channel: (any Channel)?
}

extension ProxyConnection {
    /// How long a target may take to answer.
    static var dialTimeout: TimeAmount { .seconds(10) }

    /// Dials, after the time that `accept_delay` asks for.
    func beginDialling() {
        let delay = self.plane.network.acceptDelay(of: self.spec.link)
        if delay == .zero { return self.dialIfPossible() }
        self.dialling.delay = self.plane.loop.assumeIsolated().scheduleTask(
            in: .nanoseconds(delay.wholeNanoseconds)
        ) {
            self.dialling.delay = nil
            self.dialIfPossible()
            self.pump()
        }
    }

    /// Goes on after a change of the network.
    func resumeDialling() {
        if let delay = self.dialling.delay {
            let faults = self.plane.network.state(of: self.spec.link).winningInjections
            if !faults.contains(where: { $0.fault.kind == .acceptDelay }) {
                delay.cancel()
                self.dialling.delay = nil
            }
        }
        if self.dialling.progress == .calling {
            if !self.engine.mayReachTarget {
                self.dialling.wasCut = true
            } else if self.dialling.wasCut, let channel = self.dialling.channel,
                Deafness.isUnanswered(channel)
            {
                // The kernel alone might wait a minute before it tries again. Only the kernel knows
                // that there is no answer: the event loop may not have looked yet.
                self.hangUp()
            }
        }
        if self.opener?.isConnected == true { self.dialIfPossible() }
    }

    /// Ends what may still be under way.
    func stopDialling() {
        self.dialling.delay?.cancel()
        self.dialling.delay = nil
        if self.dialling.progress == .calling { self.hangUp() }
    }

    private func hangUp() {
        self.dialling.call += 1
        self.dialling.progress = .waiting
        // The target may have answered already: a reset, not an end, tells it that nothing comes.
        self.listener?.reset()
        self.dropListener()
        self.dialling.channel?.close(promise: nil)
        self.dialling.channel = nil
    }

    private func dialIfPossible() {
        guard self.dialling.progress == .waiting, self.dialling.delay == nil, !self.isOver,
            self.engine.mayReachTarget
        else { return }
        self.dialling.progress = .calling
        self.dialling.wasCut = false
        self.dialling.call += 1
        let call = self.dialling.call
        self.connect(call).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.answered(channel, call)
            case .failure(let error): self.dialFailed(error, call)
            }
        }
    }

    private func connect(_ call: Int) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: self.plane.loop)
            .connectTimeout(Self.dialTimeout)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: DataPlane.receiveAllocator)
            .channelOption(.writeBufferWaterMark, value: DataPlane.waterMark)
        do {
            switch self.spec.upstream {
            case .unix(let path):
                return self.attaching(call, bootstrap).connect(unixDomainSocketPath: path)
            case .tcp(let host, let port):
                var dialler =
                    bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelOption(.socketOption(.so_rcvbuf), value: DataPlane.receiveWindow)
                if let source = self.spec.sourceHost {
                    dialler = SourceAddress.bind(
                        dialler, to: try SocketAddress(ipAddress: source, port: 0))
                }
                guard let address = try? SocketAddress(ipAddress: host, port: Int(port)) else {
                    // A name may have several addresses; the one that answers first is taken.
                    return dialler.connect(host: host, port: Int(port))
                }
                return self.attaching(call, dialler).connect(to: address)
            }
        } catch {
            return self.plane.loop.makeFailedFuture(error)
        }
    }

    /// Makes the socket known before it is connected, so that a cut can make it deaf.
    private func attaching(_ call: Int, _ bootstrap: ClientBootstrap) -> ClientBootstrap {
        let bound = NIOLoopBound(self, eventLoop: self.plane.loop)
        return bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let connection = bound.value
                guard connection.dialling.call == call else { throw ChannelError.ioOnClosedChannel }
                connection.dialling.channel = channel
                try connection.attach(.listener, channel, isDeaf: false)
            }
        }
    }

    private func answered(_ channel: any Channel, _ call: Int) {
        guard self.dialling.call == call else { return channel.close(promise: nil) }
        self.dialling.channel = nil
        if self.listener != nil { return }
        do {
            try self.attach(.listener, channel, isDeaf: false)
        } catch {
            self.dialFailed(error, call)
        }
    }

    /// A target that cannot be reached resets what was accepted for it: the nearest thing to a
    /// refusal, once the kernel has accepted.
    private func dialFailed(_ error: any Error, _ call: Int) {
        guard self.dialling.call == call else { return }
        self.hangUp()
        // A call that a cut kept from its target has not failed; it is made again after heal.
        if !self.engine.mayReachTarget { return }
        self.targetRefused(SocketFailure.reason(error))
    }

    /// Tells that the target cannot be reached, and ends the connection.
    func targetRefused(_ why: String) {
        self.listener?.reset()
        self.dropListener()
        self.dialling.progress = .done
        self.plane.record(
            "connection",
            [
                ("state", "unreachable"), ("link", .string(self.spec.link.description)),
                ("connection", .int(Int64(self.engine.ordinal))),
                ("target", .string(self.spec.upstream.description)),
                ("why", .string(why)),
            ])
        if self.spec.endsUnreached { self.close() } else { self.failed(.listener) }
    }
}
