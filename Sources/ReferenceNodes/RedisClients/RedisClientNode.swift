import ChaosCore
import NodeKit

/// A node that answers Maelstrom's messages with what a Redis server says, through one of the client
/// libraries here: what the client gets wrong, those who ask can see.
///
///     echo{echo}  -> echo_ok{echo}     ECHO: whether the answer is that to the question
///     add{delta}  -> add_ok            INCRBY: whether it took effect once
///     read        -> read_ok{value}    GET
///
/// Its peer is the server. What is certainly not done is error 11, what nobody knows is error 0, and what
/// the server refuses is error 14.
struct RedisClientNode: StreamNode {
    private static let timer = "redis"
    private static let counter = Array("counter".utf8)

    private let makePool: @Sendable (Randomness) -> RedisPool
    private var pool: RedisPool?
    private var server: String?
    private var desk = MessageDesk()
    /// Who asked, and where the answer goes.
    private var questions: [Int: (request: Message, stream: StreamID)] = [:]
    private var lastCall = 0
    /// The connection of each client that has one.
    private var connections: [Int: Int] = [:]
    private var owners: [Int: Int] = [:]
    private var lastConnection = 0
    /// Whether the supervisor gave up: the process is still there, and nothing in it.
    private var hasStopped = false

    init(makePool: @escaping @Sendable (Randomness) -> RedisPool) { self.makePool = makePool }

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        if self.hasStopped { return Self.turnAway(input) }
        var actions: [RedisPool.Action] = []
        var effects: [StreamEffect] = []
        switch input {
        case .started(let start):
            guard let server = start.others.first else {
                return [.crash("a client needs a server: '--peers r1=HOST:PORT'")]
            }
            self.server = server
            self.pool = self.makePool(Randomness(seed: start.seed, label: start.id))
            actions = self.pool?.start(at: now) ?? []
        case .received(let stream, let bytes):
            if case .outbound(let number) = stream {
                guard let client = self.owners[number] else { return [] }
                actions = self.pool?.tell(client, .received(bytes), at: now) ?? []
                break
            }
            for message in self.desk.read(bytes, on: stream) {
                effects += self.ask(message, on: stream, at: now)
            }
        case .opened(.outbound(let number)):
            guard let client = self.owners[number] else { return [] }
            actions = self.pool?.tell(client, .opened, at: now) ?? []
        case .ended(.outbound(let number), let end):
            guard let client = self.owners.removeValue(forKey: number) else { return [] }
            self.connections[client] = nil
            actions = self.pool?.tell(client, .ended(end.reason), at: now) ?? []
        case .opened(.inbound), .datagram: return []
        case .ended(let stream, _):
            self.desk.forget(stream)
            self.questions = self.questions.filter { $0.value.stream != stream }
            actions = self.pool?.forget(stream, at: now) ?? []
        case .timer: actions = self.pool?.run(at: now) ?? []
        }
        effects += actions.flatMap { self.carryOut($0) }
        return self.hasStopped ? effects : effects + [self.nextTimer(at: now)]
    }

    /// What is left of a node whose supervisor gave up: it takes connections, and ends them.
    private static func turnAway(_ input: StreamInput) -> [StreamEffect] {
        switch input {
        case .opened(let stream), .received(let stream, _): [.close(stream)]
        case .started, .ended, .datagram, .timer: []
        }
    }

    private func nextTimer(at now: Duration) -> StreamEffect {
        guard let deadline = self.pool?.deadline else { return .cancelTimer(Self.timer) }
        return .setTimer(Self.timer, after: max(.zero, deadline - now))
    }

    private mutating func ask(
        _ request: Message, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        guard let words = Self.command(request) else {
            return self.desk.answer(.unsupported(request), on: stream)
        }
        self.lastCall += 1
        self.questions[self.lastCall] = (request, stream)
        let actions = self.pool?.call(self.lastCall, words, for: stream, at: now) ?? []
        return actions.flatMap { self.carryOut($0) }
    }

    private mutating func carryOut(_ action: RedisPool.Action) -> [StreamEffect] {
        switch action {
        case .report(let sentence): return [.report(sentence)]
        case .crash(let reason):
            self.hasStopped = true
            return [.report(reason), .cancelTimer(Self.timer)]
        case .finish(let id, let outcome):
            guard let question = self.questions.removeValue(forKey: id) else { return [] }
            let answer = Self.answer(question.request, outcome)
            return self.desk.answer(answer, on: question.stream)
        case .client(let client, .open):
            self.lastConnection += 1
            self.connections[client] = self.lastConnection
            self.owners[self.lastConnection] = client
            return [.open(self.lastConnection, to: self.server ?? "")]
        case .client(let client, .write(let bytes)):
            guard let connection = self.connections[client] else { return [] }
            return [.write(.outbound(connection), bytes)]
        case .client(let client, _):
            guard let connection = self.connections.removeValue(forKey: client) else { return [] }
            self.owners[connection] = nil
            return [.close(.outbound(connection))]
        }
    }

    /// The command that a request asks for; `nil` of one that is not known.
    private static func command(_ request: Message) -> [[UInt8]]? {
        switch request.type {
        case "echo": return [Array("ECHO".utf8), Array((request["echo"] ?? nil).text.utf8)]
        case "add":
            guard let delta = request["delta"]?.intValue else { return nil }
            return [Array("INCRBY".utf8), Self.counter, RedisText.bytes(delta)]
        case "read": return [Array("GET".utf8), Self.counter]
        default: return nil
        }
    }

    private static func answer(_ request: Message, _ outcome: RedisOutcome) -> Effect {
        let reply: RESPValue
        switch outcome {
        case .refused(let reason): return .error(to: request, .temporarilyUnavailable, reason)
        case .unknown(let reason): return .error(to: request, .timeout, reason)
        case .reply(.error(let text)):
            return .error(to: request, .abort, String(decoding: text, as: UTF8.self))
        case .reply(let value): reply = value
        }
        switch (request.type, reply) {
        case ("echo", .bulk(let text)):
            // An answer to somebody else is an answer all the same: that is the point.
            let payload = (try? JSONValue(parsing: text)) ?? .null
            return .reply(to: request, ["type": "echo_ok", "echo": payload])
        case ("add", .integer): return .reply(to: request, ["type": "add_ok"])
        case ("read", .absent): return .reply(to: request, ["type": "read_ok", "value": 0])
        case ("read", .bulk(let text)):
            guard let number = Int64(redis: text) else { break }
            return .reply(to: request, ["type": "read_ok", "value": .int(number)])
        default: break
        }
        return .error(to: request, .crash, "'\(request.type)' was answered with \(reply)")
    }
}
