import NIOCore
import NIOPosix

/// The Redis server that a node uses, as somebody whom it sends messages to (`chaos-node --redis HOST:PORT`):
///
///     command{words} -> command_ok{value}      null for nothing, a number for a number, a list for an array, else a text
///                       error 14               the server refused, and did nothing
///                       error 11               there was no connection, and nothing was sent
///                       error 0                the connection ended before the reply: nobody knows
///
/// Commands leave as they come, over one connection that is made when there is something to send; replies belong to them in order
/// (Redis pipelining). A connection on which the oldest command waits for longer than ``silence`` is given up: nothing
/// else tells that the other end has vanished. Ask with `CallPolicy.once`: a command that is sent twice is done twice.
final class RedisService: MessageOutlet {
    /// The name under which nodes know it.
    static let name = "redis"
    /// After how long without a reply a connection counts as dead.
    private static let silence = Duration.seconds(1)
    private static let connectTimeout = TimeAmount.seconds(1)
    /// More callers than that are refused, so that a slow server does not fill the node's memory.
    private static let callersMax = 1000

    private enum State {
        case disconnected
        case connecting
        case connected(RedisConnection)
        case stopped
    }

    private let address: (host: String, port: Int)
    private let eventLoop: any EventLoop
    private let receive: (Message) -> Void
    private var state = State.disconnected
    /// The commands that wait for a connection.
    private var unsent: [Message] = []

    /// - Parameter receive: Takes the answers to the node.
    init(
        address: (host: String, port: Int), eventLoop: any EventLoop,
        receive: @escaping (Message) -> Void
    ) {
        self.address = address
        self.eventLoop = eventLoop
        self.receive = receive
    }

    func send(_ message: Message) {
        switch self.state {
        case .stopped: break
        case .connected(let connection) where connection.waitingCount < Self.callersMax:
            connection.send(message)
        case .disconnected where self.hasRoom, .connecting where self.hasRoom:
            self.unsent.append(message)
            self.connect()
        default: self.answer(message, error: .temporarilyUnavailable, "too many commands wait")
        }
    }

    private var hasRoom: Bool { self.unsent.count < Self.callersMax }

    func stop() {
        if case .connected(let connection) = self.state { connection.close() }
        self.state = .stopped
    }

    private func connect() {
        guard case .disconnected = self.state else { return }
        self.state = .connecting
        // Sound although the service is not Sendable: this is the only loop of its group.
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        ClientBootstrap(group: self.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value.makeConnection())
                }
            }
            .connect(host: self.address.host, port: self.address.port)
            .whenFailure { bound.value.ended(ConnectFailure($0).reason) }
    }

    private func makeConnection() -> RedisConnection {
        RedisConnection(silence: Self.silence) { [self] connection, event in
            switch event {
            case .opened:
                if case .stopped = self.state { return connection.close() }
                self.state = .connected(connection)
                let unsent = self.unsent
                self.unsent = []
                for message in unsent { connection.send(message) }
            case .reply(let request, let value): self.answer(request, value)
            case .lost(let request, let reason): self.answer(request, error: .timeout, reason)
            case .ended:
                if case .connected = self.state { self.ended("the connection ended") }
            }
        }
    }

    private func ended(_ reason: String) {
        if case .stopped = self.state { return }
        self.state = .disconnected
        let unsent = self.unsent
        self.unsent = []
        for message in unsent {
            self.answer(message, error: .temporarilyUnavailable, "no Redis: \(reason)")
        }
    }

    private func answer(_ request: Message, _ value: RESPValue) {
        if case .error(let text) = value {
            return self.answer(request, error: .abort, String(decoding: text, as: UTF8.self))
        }
        self.answer(request, ["type": "command_ok", "value": value.json])
    }

    private func answer(_ request: Message, error: ErrorCode, _ text: String) {
        self.answer(
            request, ["type": "error", "code": .int(error.rawValue), "text": .string(text)])
    }

    private func answer(_ request: Message, _ body: JSONObject) {
        guard let id = request.id else { return }
        var body = body
        body["in_reply_to"] = .int(id)
        let message = Message(from: Self.name, to: request.source, body: body)
        // Later, because the node may be in the middle of what it does with another message.
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.receive(message) }
    }
}

/// One connection to a Redis server, and who waits on it.
private final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case opened
        case reply(Message, RESPValue)
        /// A command whose reply will not come.
        case lost(Message, String)
        case ended
    }

    private let silence: Duration
    private let tell: (RedisConnection, Event) -> Void
    private var context: ChannelHandlerContext?
    private var parser = RESPParser()
    private var waiting = CircularBuffer<(request: Message, since: NIODeadline)>()
    private var alarm: Scheduled<Void>?

    init(silence: Duration, tell: @escaping (RedisConnection, Event) -> Void) {
        self.silence = silence
        self.tell = tell
    }

    var waitingCount: Int { self.waiting.count }

    func send(_ request: Message) {
        guard let context = self.context else {
            return self.tell(self, .lost(request, "the connection has ended"))
        }
        let words = (request["words"]?.arrayValue ?? []).map { word in
            Array((word.stringValue ?? word.text).utf8)
        }
        self.waiting.append((request, .now()))
        let bytes = ByteBuffer(bytes: RESPValue.command(words).bytes)
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
        self.watch()
    }

    func close() { self.context?.close(promise: nil) }

    /// Lets the connection end where the oldest command waits for too long.
    private func watch() {
        guard self.alarm == nil, let context = self.context, let oldest = self.waiting.first else {
            return
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.alarm = context.eventLoop.scheduleTask(
            deadline: oldest.since + TimeAmount(self.silence)
        ) {
            let connection = bound.value
            connection.alarm = nil
            guard let oldest = connection.waiting.first else { return }
            let isSilent = NIODeadline.now() - oldest.since >= TimeAmount(connection.silence)
            if isSilent { connection.close() } else { connection.watch() }
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        self.tell(self, .opened)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.parser.append(self.unwrapInboundIn(data).readableBytesView)
        do {
            while let value = try self.parser.next() {
                guard let (request, _) = self.waiting.popFirst() else {
                    // Nobody asked: whose reply comes next cannot be told any more.
                    return context.close(promise: nil)
                }
                self.tell(self, .reply(request, value))
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        self.alarm?.cancel()
        self.tell(self, .ended)
        let lost = self.waiting
        self.waiting = []
        for (request, _) in lost {
            self.tell(self, .lost(request, "the connection ended before the reply"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

extension RESPValue {
    /// The value as nodes see it.
    package var json: JSONValue {
        switch self {
        case .simple(let bytes), .error(let bytes), .bulk(let bytes):
            .string(String(decoding: bytes, as: UTF8.self))
        case .integer(let number): .int(number)
        case .array(let elements): .array(elements.map(\.json))
        case .absent, .absentArray: .null
        }
    }
}
