import NIOCore
import NIOHTTP1

/// Connects a node with its connections: who gets which message. Lives on one event loop.
final class MessageExchange {
    private let eventLoop: any EventLoop
    private let id: String
    private let log: @Sendable (String) -> Void
    private let origin = ContinuousClock.now
    private var host: NodeHost
    private var links: [String: PeerLink] = [:]
    /// On which connection each name was last heard.
    private var heard: [String: LineConnection] = [:]
    private var names: [ObjectIdentifier: [String]] = [:]
    /// Those who speak other protocols, by the names under which the node knows them.
    private var outlets: [String: any MessageOutlet] = [:]
    private var httpCount = 0
    /// The connections at the administrator's port.
    private var administrators: Set<ObjectIdentifier> = []
    private var unflushed: [LineConnection] = []
    private var unflushedLinks: [PeerLink] = []
    private var timer: Scheduled<Void>?
    private var folder: NodeFolder
    /// What waits until the log's latest records are durable.
    private var held: [Message] = []
    private let fail: (NodeError) -> Void
    /// Whether the log could not be written: what the node would say now, it could not stand by.
    private var hasFailed = false
    private var limiter = ReportLimiter()

    /// Makes an exchange; `fail` is told when the node cannot keep its log any more, after which
    /// nothing leaves it.
    init(
        host: NodeHost, id: String, folder: NodeFolder, eventLoop: any EventLoop,
        log: @escaping @Sendable (String) -> Void, fail: @escaping (NodeError) -> Void
    ) {
        self.host = host
        self.id = id
        self.folder = folder
        self.eventLoop = eventLoop
        self.log = log
        self.fail = fail
    }

    private var now: Duration { ContinuousClock.now - self.origin }

    /// Dials the peers and starts the node.
    ///
    /// - Throws: `NodeError` when the node's folder cannot be had.
    func start(peers: PeerList, seed: UInt64, redis: (host: String, port: Int)?) throws {
        self.host.life = try self.folder.open(for: self.id, log: self.log)
        if let redis {
            let service = RedisService(address: redis, eventLoop: self.eventLoop) {
                [weak self] in self?.take($0)
            }
            self.attach(service, as: RedisService.name)
        }
        for peer in peers.peers {
            let link = PeerLink(
                name: peer.name, address: (peer.host, peer.port), eventLoop: self.eventLoop,
                randomness: Randomness(seed: seed, label: "dial \(self.id) \(peer.name)"),
                report: { [weak self] in self?.report($0) },
                receive: { [weak self] in self?.receive($0, $1) })
            self.links[peer.name] = link
            link.dial()
        }
        let members = peers.members(with: self.id)
        self.carryOut(self.host.start(id: self.id, members: members, at: self.now))
        self.settle()
    }

    /// Takes a connection that somebody made, at the node's port or at its administrator's.
    func accept(_ channel: any Channel, isAdministrator: Bool) {
        let reader = isAdministrator ? LineReader() : self.host.reader
        let connection = LineConnection(pausesWhenUnread: true, reader: reader) {
            [weak self] in self?.receive($0, $1)
        }
        if isAdministrator { self.administrators.insert(ObjectIdentifier(connection)) }
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            channel.close(promise: nil)
        }
    }

    /// Takes a connection that somebody made at the node's HTTP port.
    func acceptHTTP(_ channel: any Channel) {
        self.httpCount += 1
        let connection = HTTPConnection(
            name: "http-\(self.httpCount)", node: self.id, exchange: self)
        do {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            channel.close(promise: nil)
        }
    }

    /// Lets messages to a name go to somebody who speaks another protocol.
    func attach(_ outlet: any MessageOutlet, as name: String) { self.outlets[name] = outlet }

    /// Takes note that somebody is gone.
    func detach(_ name: String) { self.outlets[name] = nil }

    /// Takes a message that somebody's words were translated into.
    func take(_ message: Message) {
        self.carryOut(self.host.receive(message, at: self.now))
        self.settle()
    }

    /// Gives the peers up; accepted connections end with their event loop.
    func stop() {
        for peer in self.links.keys.sorted() { self.links[peer]?.stop() }
        for name in self.outlets.keys.sorted() { self.outlets[name]?.stop() }
        self.timer?.cancel()
    }

    private func receive(_ connection: LineConnection, _ event: LineConnection.Event) {
        switch event {
        case .read(.line(let line)): self.receive(line, on: connection)
        case .read(.overlong(let count)):
            self.report(
                "skipped a line of \(count) bytes from \(connection.remote): a message has at most"
                    + " \(LineReader().limit) bytes")
        case .read(.unfinished(let count)):
            self.report("lost a line from \(connection.remote) that ended after \(count) bytes")
        case .readBatchEnded: self.settle()
        case .closed: self.forget(connection)
        case .opened, .becameWritable: break
        }
    }

    private func receive(_ line: [UInt8], on connection: LineConnection) {
        let message: Message
        do {
            message = try Message(parsing: line)
        } catch {
            let count = line.count
            self.report("skipped a line of \(count) bytes from \(connection.remote): \(error)")
            return
        }
        let isAdministrator = self.administrators.contains(ObjectIdentifier(connection))
        if isAdministrator != (message.source == Administration.name) {
            return self.report("skipped a message from '\(message.source)' at the wrong port")
        }
        if self.heard[message.source] !== connection {
            self.heard[message.source] = connection
            self.names[ObjectIdentifier(connection), default: []].append(message.source)
        }
        if isAdministrator, message.type == "clock" {
            self.carryOut(self.host.answer(self.setClock(message)))
        } else {
            self.carryOut(self.host.receive(message, at: self.now))
        }
    }

    /// Lets the clock of the node's later lives jump.
    private func setClock(_ message: Message) -> Effect {
        guard let jump = message["jump_ms"]?.intValue else {
            return .error(to: message, .malformedRequest, "'clock' has milliseconds in 'jump_ms'")
        }
        do throws(NodeError) {
            try self.folder.jumpClock(by: .milliseconds(jump))
            return .reply(to: message, ["type": "clock_ok"])
        } catch { return .error(to: message, .abort, error.sentence) }
    }

    private func forget(_ connection: LineConnection) {
        self.administrators.remove(ObjectIdentifier(connection))
        for name in self.names.removeValue(forKey: ObjectIdentifier(connection)) ?? []
        where self.heard[name] === connection {
            self.heard[name] = nil
        }
    }

    private func carryOut(_ outputs: [NodeHost.Output]) {
        for output in outputs where !self.hasFailed {
            switch output {
            case .report(let sentence): self.report(sentence)
            case .send(let message):
                if self.folder.isDirty { self.held.append(message) } else { self.send(message) }
            case .append(let record): self.folder.append(record)
            case .replaceLog(let records):
                do {
                    try self.folder.replaceLog(with: records)
                } catch {
                    return self.giveUp(error)
                }
                self.release()
            case .crash(let reason):
                self.settle()
                self.giveUp(NodeError(reason, code: .crashed))
            }
        }
    }

    /// Makes the log durable, once for all records since the last time, and lets go what waited.
    private func sync() {
        if self.hasFailed { return }
        do {
            try self.folder.sync()
        } catch {
            return self.giveUp(error)
        }
        self.release()
    }

    private func giveUp(_ error: NodeError) {
        self.hasFailed = true
        self.held = []
        self.fail(error)
    }

    private func release() {
        let messages = self.held
        self.held = []
        for message in messages { self.send(message) }
    }

    private func send(_ message: Message) {
        if let link = self.links[message.destination] {
            link.send(ByteBuffer(string: message.line + "\n"))
            self.unflushedLinks.append(link)
        } else if let outlet = self.outlets[message.destination] {
            outlet.send(message)
        } else if let connection = self.heard[message.destination] {
            connection.write(message.line)
            self.unflushed.append(connection)
        } else {
            // Common where a client left before its answer; of interest where a name is mistyped.
            self.report("lost a message for '\(message.destination)', who is not connected")
        }
    }

    /// Puts on the wire what was sent, and makes the timer fit the node's.
    private func settle() {
        self.sync()
        for connection in self.unflushed { connection.flush() }
        for link in self.unflushedLinks { link.flush() }
        self.unflushed.removeAll(keepingCapacity: true)
        self.unflushedLinks.removeAll(keepingCapacity: true)
        self.timer?.cancel()
        self.timer = nil
        guard let deadline = self.host.deadline else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let wait = max(.zero, deadline - self.now)
        self.timer = self.eventLoop.scheduleTask(in: TimeAmount(wait)) {
            bound.value.timerFired()
        }
    }

    private func timerFired() {
        self.carryOut(self.host.fireTimers(at: self.now))
        self.settle()
    }

    private func report(_ sentence: String) {
        switch self.limiter.decide(at: self.now) {
        case .pass: self.log(sentence)
        case .last: self.log("\(sentence) (further reports of this second are left out)")
        case .omit: break
        }
    }
}
