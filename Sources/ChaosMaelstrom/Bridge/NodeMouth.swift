import ChaosCluster
import ChaosCore
import NIOCore
import NIOPosix
import NodeKit

/// One node as the network sees it: what its process writes goes out, what comes in goes to its
/// standard input. Lives on the bridge's event loop.
final class NodeMouth {
    private enum State {
        /// No process was started yet; what comes in waits for the first one.
        case unborn
        /// The process was told who it is and has not answered.
        case initialising
        case talking
        /// Its output has ended; the process may follow.
        case mute
        /// The process has ended; what comes in is lost, as at any host that is down.
        case dead
    }

    /// The client that sends `init`, as the first of all clients.
    private static let initialiser = "c0"
    private static let initialiserID: Int64 = 1
    /// How many lines are kept for the report of a death.
    private static let recentMax = 5
    /// How many bytes of a line are shown.
    private static let shownMax = 300
    /// How many messages wait for a node's first process.
    private static let waitingMax = 10_000
    /// How long a dead process's output may stay open.
    private static let endLimit = TimeAmount.seconds(1)
    /// How long a restarted node may take to answer `init` before people are told.
    private static let initialisingLimit = TimeAmount.seconds(10)

    private let node: NodeName
    private let name: String
    private unowned let exchange: BridgeExchange
    private var state = State.unborn
    /// Counts processes, so that news of an old one is recognised.
    private var generation = 0
    private var pipe: LineConnection?
    private var began = NIODeadline.now()
    private var links: [String: PeerLink] = [:]
    /// Connections that others made to this node.
    private var inbound: [ObjectIdentifier: Inbound] = [:]
    /// On which connection each client was last heard.
    private var clients: [String: LineConnection] = [:]
    /// The names of clients that have been here and left.
    private var departed: Set<String> = []
    private var waiting: [[UInt8]] = []
    private var recent: [[UInt8]] = []
    private var endPromises: [EventLoopPromise<[String]>] = []

    private struct Inbound {
        let connection: LineConnection
        /// Who speaks there, once it said so.
        var opener: Opener?

        enum Opener {
            case node
            case client(String)
        }
    }

    init(_ node: NodeName, _ exchange: BridgeExchange) {
        self.node = node
        self.name = node.text
        self.exchange = exchange
    }

    // MARK: - The process

    /// Takes over the pipes of a new process and tells it who it is.
    func begin(input: Int32, output: Int32) {
        self.generation += 1
        let generation = self.generation
        self.pipe?.close()
        self.pipe = nil
        self.recent = []
        self.state = .initialising
        self.began = .now()
        let bound = NIOLoopBound(self, eventLoop: self.exchange.eventLoop)
        NIOPipeBootstrap(group: self.exchange.eventLoop)
            .channelOption(.writeBufferWaterMark, value: .init(low: 1 << 20, high: 4 << 20))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipe = bound.value.makePipe(generation)
                    try channel.pipeline.syncOperations.addHandler(pipe)
                }
            }
            .takingOwnershipOfDescriptors(input: output, output: input)
            .whenFailure { bound.value.lost(generation, "\($0)") }
        if generation > 1 {
            self.exchange.eventLoop.scheduleTask(in: Self.initialisingLimit) {
                bound.value.checkInitialised(generation)
            }
        }
    }

    private func makePipe(_ generation: Int) -> LineConnection {
        LineConnection(pausesWhenUnread: false) { [unowned self] pipe, event in
            guard generation == self.generation else { return }
            switch event {
            case .opened: self.opened(pipe)
            case .read(.line(let line)): self.said(line)
            case .read(.overlong(let count)):
                self.exchange.report(
                    self.name, "overlong",
                    "it wrote a line of \(count) bytes, which is lost: a message has at most"
                        + " \(LineReader().limit) bytes")
            case .read(.unfinished(let count)):
                self.exchange.report(
                    self.name, "unfinished",
                    "its output ended after \(count) bytes without a line feed, which are lost")
            case .readBatchEnded:
                self.exchange.settle()
                self.noteUnfinished(pipe)
            case .becameWritable: self.setReading(true)
            case .closed: self.fellSilent()
            }
        }
    }

    private func opened(_ pipe: LineConnection) {
        self.pipe = pipe
        let message: JSONValue = [
            "id": .int(Int64(clamping: self.exchange.nextNumber())),
            "src": .string(Self.initialiser), "dest": .string(self.name),
            "body": [
                "type": "init", "msg_id": .int(Self.initialiserID), "node_id": .string(self.name),
                "node_ids": .array(self.exchange.names.map { .string($0) }),
            ],
        ]
        self.exchange.statistics.clients.sent += 1
        self.exchange.statistics.clients.received += 1
        self.exchange.write(Array(message.text.utf8), to: pipe)
        for line in self.waiting { self.tell(line) }
        self.waiting = []
        self.exchange.settle()
    }

    private func lost(_ generation: Int, _ reason: String) {
        guard generation == self.generation else { return }
        self.exchange.report(self.name, "pipe", "its pipes cannot be used: \(reason)")
    }

    /// The process has closed its standard output, or has ended and nobody said so yet.
    private func fellSilent() {
        self.pipe = nil
        let generation = self.generation
        if self.hasEnded == generation {
            self.die()
            return self.finishEnd()
        }
        self.state = .mute
        // Whoever ends is known to have ended soon; a process that only closes its output goes on.
        let bound = NIOLoopBound(self, eventLoop: self.exchange.eventLoop)
        self.exchange.eventLoop.scheduleTask(in: Self.endLimit) {
            let mouth = bound.value
            if mouth.generation != generation || mouth.hasEnded == generation { return }
            mouth.exchange.doubt(
                "\(mouth.name): it closed its standard output and still runs, so nothing that it"
                    + " says is heard any more")
        }
    }

    /// The generation whose end was told.
    private var hasEnded = 0

    /// The process has ended; the promise gets its last lines once its output has ended as well.
    func end(_ promise: EventLoopPromise<[String]>) {
        self.hasEnded = self.generation
        self.endPromises.append(promise)
        guard self.pipe != nil else {
            self.die()
            return self.finishEnd()
        }
        let bound = NIOLoopBound(self, eventLoop: self.exchange.eventLoop)
        self.exchange.eventLoop.scheduleTask(in: Self.endLimit) {
            let mouth = bound.value
            if mouth.endPromises.isEmpty { return }
            mouth.pipe?.close()
            mouth.die()
            mouth.finishEnd()
        }
    }

    private func finishEnd() {
        let lines = self.recent.map(Self.shown)
        let promises = self.endPromises
        self.endPromises = []
        for promise in promises { promise.succeed(lines) }
    }

    /// The host is down: its connections end, and what it had to say is said.
    private func die() {
        self.state = .dead
        for link in self.links.values { link.stop() }
        self.links = [:]
        for inbound in self.inbound.values { inbound.connection.close() }
    }

    func stop() {
        self.pipe?.close()
        self.die()
        self.finishEnd()
    }

    // MARK: - What the process says

    private func said(_ line: [UInt8]) {
        if self.recent.count == Self.recentMax { self.recent.removeFirst() }
        self.recent.append(line)
        let envelope: Envelope
        do throws(EnvelopeError) { envelope = try Envelope(of: line) } catch {
            self.exchange.report(
                self.name, "malformed", "\(error.rule), found '\(Self.shown(line))'",
                hint: error.hint)
            if case .initialising = self.state {
                self.exchange.board.note(
                    NodeLack("'\(Self.shown(line))': \(error.rule)", hint: error.hint),
                    of: self.node)
            }
            return
        }
        if let member = envelope.extraMembers.first {
            self.exchange.reportOnce(
                self.name, "extra",
                "its messages have a member '\(member)' beside src, dest and body, which Maelstrom"
                    + " itself refuses")
        }
        if envelope.source != self.name {
            self.exchange.reportOnce(
                self.name, "source",
                "a message has its sender in 'src', found '\(envelope.source)' in"
                    + " '\(Self.shown(line))'")
        }
        self.route(line, envelope)
    }

    private func route(_ line: [UInt8], _ envelope: Envelope) {
        let target = envelope.destination
        if target == Self.initialiser, self.clients[target] == nil {
            self.exchange.statistics.clients.sent += 1
            self.exchange.statistics.clients.received += 1
            self.answered(envelope.body(of: line))
            return
        }
        let isServer = self.exchange.mouths[target] != nil || self.exchange.isService(target)
        guard isServer || self.clients[target] != nil else {
            self.miss(target, line)
            return
        }
        let numbered = envelope.numbered(line, as: self.exchange.nextNumber())
        if let connection = self.clients[target] {
            self.exchange.statistics.clients.sent += 1
            self.exchange.statistics.clients.received += 1
            self.checkReference(line, envelope)
            self.exchange.write(numbered, to: connection)
            return
        }
        self.exchange.statistics.servers.sent += 1
        if target == self.name {
            self.exchange.statistics.servers.received += 1
            self.tell(numbered)
            return
        }
        if !self.exchange.isService(target) { self.exchange.statistics.sentToNodes += 1 }
        if let link = self.link(to: target) {
            self.exchange.write(numbered, to: link)
        }
    }

    /// A client takes nothing but answers, and knows them by the number of the request.
    private func checkReference(_ line: [UInt8], _ envelope: Envelope) {
        let reference = envelope.reference(in: line)
        let isNumber = reference?.first.map { $0 >= 0x30 && $0 <= 0x39 } ?? false
        if isNumber { return }
        let found =
            reference.map { "'\(String(decoding: $0, as: UTF8.self))' there in" } ?? "none in"
        self.exchange.reportOnce(
            self.name, "reference",
            "an answer to a client names the request in 'in_reply_to', found \(found)"
                + " '\(Self.shown(line))'",
            hint: "'in_reply_to' is the 'msg_id' of the request, a number")
    }

    /// Somebody is named who is not there. A client that has left does not matter.
    private func miss(_ target: String, _ line: [UInt8]) {
        if self.departed.contains(target) { return }
        let known = self.exchange.names.joined(separator: ", ")
        self.exchange.report(
            self.name, "destination",
            "there is nobody named '\(target)', found in 'dest' of '\(Self.shown(line))'",
            hint: self.exchange.names.count <= 12 ? "nodes are \(known)" : nil)
    }

    /// The connection over which this node sends to another or to a service.
    private func link(to target: String) -> PeerLink? {
        if let link = self.links[target] { return link }
        guard let place = self.exchange.plan.view(NodeName(target), self.node) else { return nil }
        let link = PeerLink(
            name: target, address: place, eventLoop: self.exchange.eventLoop,
            randomness: Randomness(
                seed: self.exchange.plan.seed.value, label: "dial \(self.name) \(target)"),
            report: { [unowned self] in self.exchange.report(self.name, "link", $0) },
            receive: { [unowned self] in self.replied($1) })
        self.links[target] = link
        link.dial()
        return link
    }

    /// What comes back over a connection of this node's own: a service's reply.
    private func replied(_ event: LineConnection.Event) {
        switch event {
        case .read(.line(let line)):
            self.exchange.statistics.servers.received += 1
            self.tell(line)
        case .readBatchEnded: self.exchange.settle()
        default: break
        }
    }

    // MARK: - init

    private func answered(_ body: JSONObject) {
        guard case .initialising = self.state else { return }
        let type = body["type"]?.stringValue ?? ""
        if type == "init_ok", body["in_reply_to"]?.intValue == Self.initialiserID {
            self.state = .talking
            self.exchange.board.note(nil, of: self.node)
            let took = Duration.nanoseconds((NIODeadline.now() - self.began).nanoseconds)
            if self.generation > 1, took > .seconds(10) {
                self.exchange.report(
                    self.name, "late", "it answered 'init' after \(took.roundedText) only")
            }
            return
        }
        let lack: NodeLack
        if type == "init_ok" {
            let found = body["in_reply_to"].map { "the in_reply_to \($0.text)" } ?? "none"
            lack = NodeLack(
                "\(found == "none" ? "an init_ok without in_reply_to" : "an init_ok with \(found)")",
                hint: "'in_reply_to' is the 'msg_id' of the request: \(Self.initialiserID)")
        } else if type == "error" {
            lack = NodeLack(
                "the error \(body["code"]?.text ?? "?"): \(body["text"]?.stringValue ?? "no text")")
        } else {
            lack = NodeLack("'\(JSONValue.object(body).text)' instead")
        }
        self.exchange.board.note(lack, of: self.node)
    }

    /// A message whose line feed does not come keeps a node from ever being ready.
    private func noteUnfinished(_ pipe: LineConnection) {
        guard case .initialising = self.state else { return }
        let rest = pipe.unfinishedLine
        if rest.isEmpty { return }
        self.exchange.board.note(
            NodeLack(
                "\(rest.count) bytes without a line feed behind them: '\(Self.shown(rest))'",
                hint: "end every message with a line feed, and flush standard output"),
            of: self.node)
    }

    private func checkInitialised(_ generation: Int) {
        guard generation == self.generation, case .initialising = self.state else { return }
        let lack = self.exchange.board.lack(of: self.node)
        self.exchange.report(
            self.name, "init",
            "it must answer 'init' with 'init_ok' within 10s of its restart, found "
                + (lack?.finding ?? "nothing"), hint: lack?.hint)
    }

    // MARK: - What others say to it

    /// Something happened on a connection that somebody made to this node.
    func received(_ event: LineConnection.Event, on connection: LineConnection) {
        let key = ObjectIdentifier(connection)
        switch event {
        case .opened: self.inbound[key] = Inbound(connection: connection)
        case .read(.line(let line)): self.received(line, on: connection, key)
        case .readBatchEnded: self.exchange.settle()
        case .closed:
            if case .client(let client)? = self.inbound.removeValue(forKey: key)?.opener,
                self.clients[client] === connection
            {
                self.clients[client] = nil
                self.departed.insert(client)
            }
        case .read, .becameWritable: break
        }
    }

    private func received(
        _ line: [UInt8], on connection: LineConnection, _ key: ObjectIdentifier
    ) {
        if self.inbound[key]?.opener == nil { self.recognise(line, on: connection, key) }
        guard case .client? = self.inbound[key]?.opener else {
            if case .dead = self.state { return }
            self.exchange.statistics.servers.received += 1
            self.tell(line)
            return
        }
        self.exchange.statistics.clients.sent += 1
        if case .dead = self.state { return self.refuse(line, on: connection) }
        self.exchange.statistics.clients.received += 1
        self.tell(Self.numbered(line, self.exchange.nextNumber()))
    }

    /// Finds out by its first message who speaks on a connection.
    private func recognise(
        _ line: [UInt8], on connection: LineConnection, _ key: ObjectIdentifier
    ) {
        // What is garbled on its way (a fault may do that) is told by nobody.
        guard let source = (try? Envelope(of: line))?.source else { return }
        if self.exchange.mouths[source] != nil {
            self.inbound[key]?.opener = .node
        } else {
            self.inbound[key]?.opener = .client(source)
            self.clients[source] = connection
            self.departed.remove(source)
        }
    }

    /// A client's request to a host that is down has certainly no effect, as where nobody listens.
    private func refuse(_ line: [UInt8], on connection: LineConnection) {
        guard let request = try? Message(parsing: line), let id = request.id else { return }
        let reply = Message(
            from: self.name, to: request.source,
            body: [
                "type": "error", "code": .int(ErrorCode.temporarilyUnavailable.rawValue),
                "text": .string("\(self.name) is down: connection refused"),
                "in_reply_to": .int(id),
            ])
        self.exchange.write(Array(reply.line.utf8), to: connection)
    }

    /// Gives the process a line to read.
    private func tell(_ line: [UInt8]) {
        guard let pipe = self.pipe else {
            switch self.state {
            case .dead, .mute: return
            case .unborn, .initialising, .talking: break
            }
            if self.waiting.count < Self.waitingMax { self.waiting.append(line) }
            return
        }
        self.exchange.write(line, to: pipe)
        if !pipe.isWritable { self.setReading(false) }
    }

    /// A process that does not read, such as a paused one, holds up those that write to it.
    private func setReading(_ isReading: Bool) {
        for inbound in self.inbound.values { inbound.connection.setReading(isReading) }
    }

    /// The line of a client of ours with a number in front.
    private static func numbered(_ line: [UInt8], _ number: UInt64) -> [UInt8] {
        Array("{\"id\":\(number),".utf8) + line.dropFirst()
    }

    /// A line as people are shown it.
    private static func shown(_ line: [UInt8]) -> String {
        let text = String(decoding: line.prefix(Self.shownMax), as: UTF8.self)
        return line.count > Self.shownMax ? text + " … (\(line.count) bytes)" : text
    }
}
