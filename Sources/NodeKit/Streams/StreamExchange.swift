import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Connects a node with its byte streams and its log. Lives on one event loop.
///
/// What a node writes leaves when everything has been handled that came at once, so that the log is
/// made durable once for all of it.
final class StreamExchange {
    private var node: any StreamNode
    /// How many seconds one second of the node's takes.
    private let timeScale: Double
    private let eventLoop: any EventLoop
    private let peers: [String: (host: String, port: Int)]
    private let log: @Sendable (String) -> Void
    private let fail: (NodeError) -> Void
    private let origin = ContinuousClock.now
    private var channels: [StreamID: any Channel] = [:]
    /// The connections that the node asked for and that are neither ready nor given up.
    private var dialling: Set<StreamID> = []
    /// Where datagrams come in and leave, and where those of peers do.
    private let datagrams: DatagramPort?
    private var unflushed: [StreamID] = []
    private var closing: [StreamID] = []
    private var timers: [String: Scheduled<Void>] = [:]
    private var file: AppendFile?
    private var wanted: StreamEffect.Durability?
    private var acceptedCount = 0
    private var hasFailed = false
    private var limiter = ReportLimiter()

    /// Makes an exchange; `fail` is told when the node cannot go on, after which nothing leaves it.
    init(
        _ node: any StreamNode, peers: PeerList, timeScale: Double, eventLoop: any EventLoop,
        datagrams: DatagramPort?, log: @escaping @Sendable (String) -> Void,
        fail: @escaping (NodeError) -> Void
    ) {
        precondition(timeScale > 0, "time does not stand still, got a scale of \(timeScale)")
        self.node = node
        self.timeScale = timeScale
        self.eventLoop = eventLoop
        self.peers = Dictionary(
            peers.peers.map { ($0.name, ($0.host, $0.port)) },
            uniquingKeysWith: { first, _ in first }
        )
        self.datagrams = datagrams
        self.log = log
        self.fail = fail
    }

    /// The time as the node counts it.
    private var now: Duration { (ContinuousClock.now - self.origin) / self.timeScale }

    /// Starts the node.
    ///
    /// - Throws: `NodeError` when the node's folder cannot be had.
    func start(
        id: String, others: [String], seed: UInt64, cookie: String, folder: String?
    ) throws(NodeError) {
        var bytes: [UInt8] = []
        var start: UInt64 = 0
        if let folder {
            let file = try AppendFile(in: folder, id: id)
            bytes = try file.read()
            start = file.start
            self.file = file
        }
        self.handle(
            .started(
                StreamStart(
                    id: id, others: others, seed: seed, date: WallClock.now, cookie: cookie,
                    hasDatagrams: self.datagrams != nil, start: start, log: bytes,
                    hosts: self.peers.mapValues(\.host))))
        self.settle()
    }

    /// Takes a datagram that somebody sent.
    func receive(_ datagram: [UInt8]) {
        self.handle(.datagram(datagram))
        self.settle()
    }

    /// Takes a connection that somebody made.
    func accept(_ channel: any Channel) {
        self.acceptedCount += 1
        self.attach(.inbound(self.acceptedCount), to: channel)
    }

    /// Gives everything up.
    func stop() {
        self.hasFailed = true
        for timer in self.timers.values { timer.cancel() }
        for channel in self.channels.values { channel.close(promise: nil) }
        self.datagrams?.close()
    }

    private func attach(_ stream: StreamID, to channel: any Channel) {
        self.channels[stream] = channel
        let handler = StreamHandler { [weak self] event in self?.take(event, on: stream) }
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            channel.close(promise: nil)
        }
    }

    private func take(_ event: StreamHandler.Event, on stream: StreamID) {
        // A stream that the node has given up, or lost already.
        guard self.channels[stream] != nil else { return }
        switch event {
        case .opened:
            self.dialling.remove(stream)
            self.handle(.opened(stream))
        case .received(let bytes): self.handle(.received(stream, bytes))
        case .ended(let end):
            self.channels[stream] = nil
            self.handle(.ended(stream, end))
            self.settle()
        case .readBatchEnded: self.settle()
        }
    }

    private func handle(_ input: StreamInput) {
        if self.hasFailed { return }
        for effect in self.node.handle(input, at: self.now) where !self.hasFailed {
            self.carryOut(effect)
        }
    }

    private func carryOut(_ effect: StreamEffect) {
        switch effect {
        case .open(let number, let peer, let patience):
            self.open(number, to: peer, within: patience)
        case .write(let stream, let bytes):
            guard let channel = self.channels[stream] else { return }
            channel.write(ByteBuffer(bytes: bytes), promise: nil)
            self.unflushed.append(stream)
        case .send(let peer, let bytes): self.datagrams?.send(bytes, to: peer)
        case .close(let stream):
            self.dialling.remove(stream)
            self.closing.append(stream)
        case .setTimer(let name, let delay): self.setTimer(name, after: delay)
        case .cancelTimer(let name): self.timers.removeValue(forKey: name)?.cancel()
        case .append(let bytes): self.file?.append(bytes)
        case .store(let durability): self.wanted = max(self.wanted ?? .kernel, durability)
        case .truncate(let count):
            self.keep { () throws(NodeError) in try self.file?.truncate(to: count) }
        case .stall(let duration): Self.sleep(duration * self.timeScale)
        case .report(let sentence): self.report(sentence)
        case .crash(let reason):
            self.hasFailed = true
            self.fail(NodeError(reason, code: .crashed))
        }
    }

    private func open(_ number: Int, to peer: String, within patience: Duration) {
        let stream = StreamID.outbound(number)
        guard let address = self.peers[peer] else {
            // Later, because effects of one input come before the next input.
            let end = StreamEnd(.other, "there is no peer '\(peer)'")
            return self.later { $0.handle(.ended(stream, end)) }
        }
        self.dialling.insert(stream)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        ClientBootstrap(group: self.eventLoop)
            .connectTimeout(TimeAmount(patience * self.timeScale))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard bound.value.dialling.contains(stream) else {
                        throw ChannelError.alreadyClosed
                    }
                    bound.value.attach(stream, to: channel)
                }
            }
            .connect(host: address.host, port: address.port)
            .whenFailure { error in
                let exchange = bound.value
                guard exchange.dialling.remove(stream) != nil else { return }
                exchange.channels[stream] = nil
                exchange.handle(.ended(stream, ConnectFailure(error).end))
                exchange.settle()
            }
    }

    private func later(_ act: @escaping @Sendable (StreamExchange) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute {
            act(bound.value)
            bound.value.settle()
        }
    }

    private func setTimer(_ name: String, after delay: Duration) {
        self.timers[name]?.cancel()
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let wait = max(.zero, delay) * self.timeScale
        self.timers[name] = self.eventLoop.scheduleTask(in: TimeAmount(wait)) {
            bound.value.timers[name] = nil
            bound.value.handle(.timer(name))
            bound.value.settle()
        }
    }

    /// Brings the log where it must be, and then puts on the wire what was written.
    private func settle() {
        if let durability = self.wanted {
            self.wanted = nil
            self.keep { () throws(NodeError) in try self.file?.store(durability) }
        }
        if self.hasFailed { return }
        for stream in self.unflushed { self.channels[stream]?.flush() }
        self.unflushed.removeAll(keepingCapacity: true)
        for stream in self.closing {
            self.channels.removeValue(forKey: stream)?.close(promise: nil)
        }
        self.closing.removeAll(keepingCapacity: true)
    }

    private func keep(_ change: () throws(NodeError) -> Void) {
        do {
            try change()
        } catch {
            self.hasFailed = true
            self.fail(error)
        }
    }

    private func report(_ sentence: String) {
        switch self.limiter.decide(at: self.now) {
        case .pass: self.log(sentence)
        case .last: self.log("\(sentence) (further reports of this second are left out)")
        case .omit: break
        }
    }

    /// Stands still with the whole event loop, which is what is asked for.
    private static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var left = timespec()
        while nanosleep(&rest, &left) != 0, errno == EINTR { rest = left }
    }
}

/// What the machine's clock shows.
private enum WallClock {
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// One connection of a node that speaks in streams. Lives on its event loop.
private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Event {
        case opened
        case received([UInt8])
        /// All bytes of one read were reported.
        case readBatchEnded
        case ended(StreamEnd)
    }

    private let tell: (Event) -> Void
    private var end = StreamEnd(.closed, "the other side closed the connection")

    init(tell: @escaping (Event) -> Void) { self.tell = tell }

    func channelActive(context: ChannelHandlerContext) {
        self.tell(.opened)
        self.tell(.readBatchEnded)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.tell(.received(Array(self.unwrapInboundIn(data).readableBytesView)))
    }

    func channelReadComplete(context: ChannelHandlerContext) { self.tell(.readBatchEnded) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Who does not read what it is sent is not read from either. Fails only on a closed
        // connection, where it does not matter.
        let isWritable = context.channel.isWritable
        try? context.channel.syncOptions?.setOption(.autoRead, value: isWritable)
    }

    func channelInactive(context: ChannelHandlerContext) { self.tell(.ended(self.end)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end = ConnectFailure(error).end
        context.close(promise: nil)
    }
}
