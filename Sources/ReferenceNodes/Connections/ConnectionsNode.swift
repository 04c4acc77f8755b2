import ChaosCore
import NodeKit

/// A node that connects to others when it is asked to, or is told of them, and answers who is there.
struct ConnectionsNode: StreamNode {
    /// A client's request that waits.
    private struct Question: Sendable {
        let request: Message
        let stream: StreamID
    }

    private struct Ping: Sendable {
        let question: Question
        let connection: Int
        let deadline: Duration
    }

    private static let timer = "tick"

    private let flaws: Set<Connections.Flaw>
    private var id = ""
    private var others: [String] = []
    private var desk = MessageDesk()
    private var peers = PeerConnections(id: "", life: 0, cookie: "", flaws: [])
    /// Where the cluster has a port mapper.
    private var mapper: PortMapperClient?
    /// Who waits for a link to each node.
    private var waiting: [String: [Question]] = [:]
    private var pings: [Int64: Ping] = [:]
    private var pingCount: Int64 = 0
    private var streamCount = 0

    init(_ flaws: Set<Connections.Flaw>) { self.flaws = flaws }

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        switch input {
        case .started(let start):
            self.begin(start)
            effects = self.tick(at: now)
        case .opened(let stream):
            effects = self.peers.opened(stream) + (self.mapper?.opened(stream) ?? [])
        case .received(let stream, let bytes):
            for message in self.desk.read(bytes, on: stream) {
                effects += self.take(message, on: stream, at: now)
            }
        case .ended(let stream, let end):
            self.desk.forget(stream)
            self.peers.ended(stream, end.reason)
            self.mapper?.ended(stream, end.reason)
        case .timer: effects = self.tick(at: now)
        case .datagram: break
        }
        effects += self.goOn(at: now)
        for case .close(let stream) in effects { self.desk.forget(stream) }
        return effects
    }

    private mutating func begin(_ start: StreamStart) {
        self.id = start.id
        self.others = start.others.filter { $0 != Connections.mapper }
        // No two lives of a node begin in the same microsecond.
        let life = start.date.wholeNanoseconds / 1000
        self.peers = PeerConnections(
            id: start.id, life: life, cookie: start.cookie, flaws: self.flaws)
        if start.others.contains(Connections.mapper) {
            self.mapper = PortMapperClient(
                id: start.id, life: life, registersOnce: self.flaws.contains(.registersOnce))
        }
    }

    private mutating func nextStream() -> Int {
        self.streamCount += 1
        return self.streamCount
    }

    private mutating func tick(at now: Duration) -> [StreamEffect] {
        var effects = self.peers.tick(at: now)
        var count = self.streamCount
        effects +=
            self.mapper?.run(at: now) {
                count += 1
                return count
            } ?? []
        self.streamCount = count
        for (number, ping) in self.pings.sorted(by: { $0.key < $1.key })
        where ping.deadline <= now {
            self.pings[number] = nil
            effects += self.answer(ping.question, "pang", ping.connection)
        }
        return effects + [.setTimer(Self.timer, after: Connections.tickInterval)]
    }

    // MARK: - What comes in

    private mutating func take(
        _ message: Message, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        if case .inbound = stream, message.id != nil {
            return self.serve(Question(request: message, stream: stream), at: now)
        }
        var effects = self.mapper?.receive(message, on: stream) ?? []
        effects += self.peers.receive(message, on: stream, at: now)
        guard let peer = self.peers.peer(on: stream), let number = message["number"]?.intValue
        else { return effects }
        switch message.type {
        case "ping":
            let pong: JSONObject = ["type": "pong", "number": .int(number)]
            effects.append(self.peers.write(pong, to: peer, on: stream))
        case "pong":
            guard let ping = self.pings.removeValue(forKey: number) else { break }
            effects += self.answer(ping.question, "pong", ping.connection)
        default: break
        }
        return effects
    }

    private mutating func serve(_ question: Question, at now: Duration) -> [StreamEffect] {
        let request = question.request
        let node = request["node"]?.stringValue ?? ""
        switch request.type {
        case "connect", "ping":
            if node == self.id { return self.succeed(question, at: now) }
            guard self.others.contains(node) else {
                let sentence = "there is no node '\(node)'"
                return self.desk.answer(
                    .error(to: request, .keyDoesNotExist, sentence), on: question.stream)
            }
            if self.peers.links[node] != nil { return self.succeed(question, at: now) }
            self.waiting[node, default: []].append(question)
            return self.reach(node, at: now)
        case "disconnect":
            let effects = self.peers.disconnect(node)
            return effects + self.reply(question, ["type": "disconnect_ok"])
        case "list": return self.reply(question, ["type": "list_ok", "nodes": self.list])
        case "news":
            return self.reply(question, ["type": "news_ok", "news": .array(self.peers.news)])
        default: return self.desk.answer(.unsupported(request), on: question.stream)
        }
    }

    // MARK: - Connecting

    /// Dials a node, where there is a port mapper after asking it.
    private mutating func reach(_ node: String, at now: Duration) -> [StreamEffect] {
        let number = self.nextStream()
        return self.mapper?.ask(for: node, over: number, at: now)
            ?? self.peers.dial(node, over: number, at: now)
    }

    /// Does what has become possible, or impossible.
    private mutating func goOn(at now: Duration) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        let found = self.mapper?.outcomes ?? []
        self.mapper?.outcomes = []
        for (node, failure) in found {
            if let failure {
                effects += self.conclude(node, failure, at: now)
            } else {
                effects += self.peers.dial(node, over: self.nextStream(), at: now)
            }
        }
        let made = self.peers.outcomes
        self.peers.outcomes = []
        for (node, failure) in made { effects += self.conclude(node, failure, at: now) }
        // Everybody connects to everybody.
        let unlinked = Set(self.peers.unlinked).intersection(self.others)
        self.peers.unlinked = []
        for node in unlinked.sorted() where self.peers.links[node] == nil {
            effects += self.reach(node, at: now)
        }
        return effects
    }

    private mutating func conclude(
        _ node: String, _ failure: String?, at now: Duration
    ) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        for question in self.waiting.removeValue(forKey: node) ?? [] {
            // Somebody else's connection may have made the link meanwhile.
            if failure == nil || self.peers.links[node] != nil {
                effects += self.succeed(question, at: now)
            } else if question.request.type == "ping" {
                effects += self.answer(question, "pang", nil)
            } else {
                let error = Effect.error(
                    to: question.request, .temporarilyUnavailable, failure ?? "")
                effects += self.desk.answer(error, on: question.stream)
            }
        }
        return effects
    }

    /// The link that somebody waited for is up.
    private mutating func succeed(_ question: Question, at now: Duration) -> [StreamEffect] {
        if question.request.type == "connect" {
            return self.reply(question, ["type": "connect_ok"])
        }
        let node = question.request["node"]?.stringValue ?? ""
        guard let link = self.peers.links[node] else {
            return self.answer(question, "pong", nil)
        }
        self.pingCount += 1
        self.pings[self.pingCount] = Ping(
            question: question, connection: link.number, deadline: now + Connections.pingPatience)
        let ping: JSONObject = ["type": "ping", "number": .int(self.pingCount)]
        return [self.peers.write(ping, to: node, on: link.stream)]
    }

    // MARK: - Answers

    private var list: JSONValue {
        .array(
            self.peers.links.sorted { $0.key < $1.key }.map { node, link in
                [
                    "node": .string(node), "life": .int(link.life),
                    "connection": .int(Int64(link.number)),
                ]
            })
    }

    private func answer(
        _ question: Question, _ word: String, _ connection: Int?
    ) -> [StreamEffect] {
        var body: JSONObject = ["type": "ping_ok", "answer": .string(word)]
        if let connection { body["connection"] = .int(Int64(connection)) }
        return self.reply(question, body)
    }

    private func reply(_ question: Question, _ body: JSONObject) -> [StreamEffect] {
        self.desk.answer(.reply(to: question.request, body), on: question.stream)
    }
}
