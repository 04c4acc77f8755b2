import NIOCore
import NIOPosix

/// The connection that a node dials to one peer, and what waits for it. Lives on its event loop.
package final class PeerLink {
    private enum State {
        case idle
        case connecting
        case connected(LineConnection, since: NIODeadline)
        case stopped
    }

    /// How much may wait for a connection; beyond it the oldest messages are dropped.
    static let queueLimit = 4 * 1024 * 1024
    /// How long an attempt to connect may take. Short enough that a node dials anew soon after a
    /// silent network heals: the kernel's own repetitions of a SYN come ever later.
    private static let connectTimeout = TimeAmount.seconds(2)
    /// The waits between attempts double from the first to the last of these, each with jitter.
    private static let waits: (first: Duration, last: Duration) = (.milliseconds(50), .seconds(1))

    private let name: String
    private let address: (host: String, port: Int)
    private let eventLoop: any EventLoop
    private let receive: (LineConnection, LineConnection.Event) -> Void
    private let report: (String) -> Void
    private var randomness: Randomness
    private var state = State.idle
    private var nextWait = PeerLink.waits.first
    private var queue = CircularBuffer<ByteBuffer>()
    private var queuedBytes = 0
    private var isOverflowing = false

    /// Prepares a link; it connects when ``dial()`` is called.
    ///
    /// - Parameters:
    ///   - report: Is told when messages have to be dropped.
    ///   - receive: Is told what the peer sends back over this connection.
    package init(
        name: String, address: (host: String, port: Int), eventLoop: any EventLoop,
        randomness: Randomness, report: @escaping (String) -> Void,
        receive: @escaping (LineConnection, LineConnection.Event) -> Void
    ) {
        self.name = name
        self.address = address
        self.eventLoop = eventLoop
        self.randomness = randomness
        self.report = report
        self.receive = receive
    }

    /// Sends a line, which ends with its line feed, now or once the connection takes it.
    package func send(_ line: ByteBuffer) {
        if case .connected(let connection, _) = self.state, self.queue.isEmpty,
            connection.isWritable
        {
            connection.write(line)
            return
        }
        self.queue.append(line)
        self.queuedBytes += line.readableBytes
        while self.queuedBytes > Self.queueLimit, self.queue.count > 1 {
            self.queuedBytes -= self.queue.removeFirst().readableBytes
            if !self.isOverflowing {
                self.isOverflowing = true
                self.report("more than 4 MiB wait for '\(self.name)': dropping the oldest messages")
            }
        }
    }

    /// Puts on the wire what was sent.
    package func flush() {
        if case .connected(let connection, _) = self.state { connection.flush() }
    }

    /// Ends the connection and dials no more.
    package func stop() {
        if case .connected(let connection, _) = self.state { connection.close() }
        self.state = .stopped
    }

    /// Begins an attempt to connect.
    package func dial() {
        if case .stopped = self.state { return }
        self.state = .connecting
        let (host, port) = self.address
        // Sound although the link is not Sendable: the channel runs on the link's event loop, since
        // that is the only loop of its group.
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        ClientBootstrap(group: self.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 65536, high: 262_144))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = bound.value.makeConnection()
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: host, port: port)
            .whenFailure { _ in bound.value.dialLater() }
    }

    private func makeConnection() -> LineConnection {
        LineConnection(pausesWhenUnread: false) { [self] connection, event in
            switch event {
            case .opened: self.opened(connection)
            case .becameWritable: self.drain(into: connection)
            case .closed: self.closed()
            case .read, .readBatchEnded: self.receive(connection, event)
            }
        }
    }

    private func opened(_ connection: LineConnection) {
        if case .stopped = self.state {
            connection.close()
            return
        }
        self.state = .connected(connection, since: .now())
        self.drain(into: connection)
    }

    private func drain(into connection: LineConnection) {
        while connection.isWritable, let line = self.queue.popFirst() {
            self.queuedBytes -= line.readableBytes
            connection.write(line)
        }
        connection.flush()
        if self.queue.isEmpty { self.isOverflowing = false }
    }

    private func closed() {
        // A connection that breaks at once, as those of a proxy without a server do, is no success.
        if case .connected(_, let since) = self.state, NIODeadline.now() - since > .seconds(1) {
            self.nextWait = Self.waits.first
        }
        self.dialLater()
    }

    private func dialLater() {
        if case .stopped = self.state { return }
        self.state = .idle
        let wait = self.randomness.jittered(self.nextWait)
        self.nextWait = min(self.nextWait * 2, Self.waits.last)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: TimeAmount(wait)) { bound.value.dial() }
    }
}
