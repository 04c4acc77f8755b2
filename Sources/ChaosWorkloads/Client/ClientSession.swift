import ChaosCore
import NIOCore
import NIOPosix
import NodeKit
import OrderedCollections

/// The connection of a client and what is in flight on it. Lives on one event loop.
final class ClientSession {
    private enum State {
        case disconnected
        case connecting
        case connected(LineConnection)
        case closed
    }

    private struct Pending {
        let line: String
        let promise: EventLoopPromise<RequestOutcome>
        let timeout: Scheduled<Void>
    }

    /// How long an attempt to connect may take before the next one: soon after a silent network
    /// heals, since the kernel's own repetitions of a SYN come ever later.
    private static let connectTimeout = TimeAmount.seconds(2)

    private let name: String
    private let node: ClientAddress
    private let eventLoop: any EventLoop
    private var state = State.disconnected
    private var lastID: Int64 = 0
    private var pending: OrderedDictionary<Int64, Pending> = [:]
    /// The requests that wait for a connection, in order; those that timed out are among them.
    private var unsent: [Int64] = []

    init(name: String, node: ClientAddress, eventLoop: any EventLoop) {
        self.name = name
        self.node = node
        self.eventLoop = eventLoop
    }

    /// Sends a request now or as soon as there is a connection.
    func request(
        _ body: JSONObject, timeout: Duration, promise: EventLoopPromise<RequestOutcome>
    ) {
        self.lastID += 1
        let id = self.lastID
        var body = body
        body["msg_id"] = .int(id)
        let message = Message(from: self.name, to: self.node.node, body: body)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let task = self.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            bound.value.end(id, .unknown("no reply within \(timeout.text)"))
        }
        self.pending[id] = Pending(line: message.line, promise: promise, timeout: task)
        self.unsent.append(id)
        switch self.state {
        case .connected(let connection): self.send(over: connection)
        case .disconnected: self.connect()
        case .connecting: break
        case .closed: self.end(id, .notSent("the client has closed"))
        }
    }

    /// Gives up waiting for a request.
    func abandon(_ promise: EventLoopPromise<RequestOutcome>) {
        let entry = self.pending.elements.first {
            $0.value.promise.futureResult === promise.futureResult
        }
        if let entry { self.end(entry.key, .unknown("the run ended before the reply")) }
    }

    /// Closes the connection for good.
    func close() {
        let state = self.state
        self.state = .closed
        if case .connected(let connection) = state { connection.close() }
        self.endUnsent("the client has closed")
        self.endSent("the client has closed")
    }

    private func end(_ id: Int64, _ outcome: RequestOutcome) {
        guard let pending = self.pending.removeValue(forKey: id) else { return }
        pending.timeout.cancel()
        pending.promise.succeed(outcome)
    }

    private func endUnsent(_ reason: String) {
        let unsent = self.unsent
        self.unsent = []
        for id in unsent { self.end(id, .notSent(reason)) }
    }

    private func endSent(_ reason: String) {
        let unsent = Set(self.unsent)
        for id in self.pending.keys where !unsent.contains(id) { self.end(id, .unknown(reason)) }
    }

    private func connect() {
        self.state = .connecting
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        ClientBootstrap(group: self.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = bound.value
                    let connection = LineConnection(pausesWhenUnread: false) {
                        session.handle($1, on: $0)
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .connect(host: self.node.host, port: self.node.port)
            .whenFailure { bound.value.connectFailed($0) }
    }

    private func connectFailed(_ error: any Error) {
        guard case .connecting = self.state else { return }
        let failure = ConnectFailure(error)
        if failure.isTimeout && !self.pending.isEmpty {
            // Nobody said no: try again as long as somebody waits.
            self.connect()
            return
        }
        self.state = .disconnected
        self.endUnsent("cannot connect: \(failure.reason)")
    }

    private func handle(_ event: LineConnection.Event, on connection: LineConnection) {
        switch event {
        case .opened:
            guard case .connecting = self.state else {
                connection.close()
                return
            }
            self.state = .connected(connection)
            self.send(over: connection)
        case .read(.line(let line)):
            guard let message = try? Message(parsing: line), let id = message.inReplyTo else {
                return
            }
            self.end(id, .reply(message.body))
        case .closed:
            if case .connected = self.state { self.state = .disconnected }
            self.endSent("the connection ended before the reply")
        case .read, .readBatchEnded, .becameWritable: break
        }
    }

    private func send(over connection: LineConnection) {
        let unsent = self.unsent
        self.unsent = []
        for id in unsent {
            if let pending = self.pending[id] { connection.write(pending.line) }
        }
        connection.flush()
    }
}
