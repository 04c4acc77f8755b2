import ChaosCore
import NodeKit

/// The port mapper: knows the name of every node that holds a connection to it, as Erlang's `epmd` does. Its memory is
/// its connections: when it dies it knows nobody.
///
/// Where nodes listen is given to them here (`--peers`), so what it is asked is whether a node is there, and in which life.
struct PortMapperNode: StreamNode {
    private var desk = MessageDesk()
    private var names: [String: (life: JSONValue, stream: StreamID)] = [:]

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        switch input {
        case .received(let stream, let bytes):
            return self.desk.read(bytes, on: stream).flatMap { request in
                self.desk.answer(self.answer(request, on: stream), on: stream)
            }
        case .ended(let stream, _):
            self.desk.forget(stream)
            self.names = self.names.filter { $0.value.stream != stream }
            return []
        case .started, .opened, .datagram, .timer: return []
        }
    }

    private mutating func answer(_ request: Message, on stream: StreamID) -> Effect {
        switch request.type {
        case "alive":
            self.names[request.source] = (request["life"] ?? .null, stream)
            return .reply(to: request, ["type": "alive_ok"])
        case "where":
            let name = request["name"]?.stringValue ?? ""
            guard let entry = self.names[name] else {
                return .error(to: request, .keyDoesNotExist, "the port mapper knows no '\(name)'")
            }
            return .reply(to: request, ["type": "where_ok", "life": entry.life])
        case "names":
            let names = self.names.keys.sorted().map { JSONValue.string($0) }
            return .reply(to: request, ["type": "names_ok", "names": .array(names)])
        default: return .unsupported(request)
        }
    }
}

/// How a node speaks with the port mapper: it keeps its name registered over one connection, and asks for others over
/// one for each question.
struct PortMapperClient: Sendable {
    private struct Question: Sendable {
        let name: String
        let deadline: Duration
    }

    /// The time between two registrations, so that a mapper that has forgotten knows again.
    private static let renewal = Duration.seconds(1)

    private let id: String
    private let life: Int64
    private let registersOnce: Bool
    private var registration: StreamID?
    /// When the registration has to be confirmed, or made again.
    private var renewsAt = Duration.zero
    private var isConfirmed = false
    private var hasRegistered = false
    private var questions: [StreamID: Question] = [:]
    /// What became of questions: `nil`, or why the node cannot be dialled.
    var outcomes: [(name: String, failure: String?)] = []

    init(id: String, life: Int64, registersOnce: Bool) {
        self.id = id
        self.life = life
        self.registersOnce = registersOnce
    }

    /// Asks for a node, over a connection of this number.
    mutating func ask(for name: String, over number: Int, at now: Duration) -> [StreamEffect] {
        if self.questions.values.contains(where: { $0.name == name }) { return [] }
        self.questions[.outbound(number)] = Question(
            name: name, deadline: now + Connections.patience)
        return [.open(number, to: Connections.mapper)]
    }

    /// Keeps the name registered, with connections of these numbers, and gives up what takes too long.
    mutating func run(at now: Duration, nextNumber: () -> Int) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        for (stream, question) in self.questions where question.deadline <= now {
            self.questions[stream] = nil
            self.outcomes.append((question.name, "the port mapper: no answer"))
            effects.append(.close(stream))
        }
        if self.registersOnce && self.hasRegistered || now < self.renewsAt { return effects }
        self.renewsAt = now + Self.renewal
        if let registration = self.registration, self.isConfirmed {
            self.isConfirmed = false
            return effects + [self.alive(on: registration)]
        }
        if let registration = self.registration { effects.append(.close(registration)) }
        let number = nextNumber()
        self.registration = .outbound(number)
        self.isConfirmed = false
        return effects + [.open(number, to: Connections.mapper)]
    }

    func opened(_ stream: StreamID) -> [StreamEffect] {
        if stream == self.registration { return [self.alive(on: stream)] }
        guard let name = self.questions[stream]?.name else { return [] }
        let question: JSONObject = ["type": "where", "msg_id": 1, "name": .string(name)]
        return [self.write(question, on: stream)]
    }

    mutating func receive(_ message: Message, on stream: StreamID) -> [StreamEffect] {
        if stream == self.registration {
            self.isConfirmed = true
            self.hasRegistered = true
            return []
        }
        guard let name = self.questions.removeValue(forKey: stream)?.name else { return [] }
        let failure = message.type == "where_ok" ? nil : message["text"]?.stringValue ?? ""
        self.outcomes.append((name, failure))
        return [.close(stream)]
    }

    mutating func ended(_ stream: StreamID, _ reason: String) {
        if stream == self.registration {
            self.registration = nil
            self.renewsAt = .zero
        }
        guard let name = self.questions.removeValue(forKey: stream)?.name else { return }
        self.outcomes.append((name, "the port mapper: \(reason)"))
    }

    private func alive(on stream: StreamID) -> StreamEffect {
        self.write(["type": "alive", "msg_id": 1, "life": .int(self.life)], on: stream)
    }

    private func write(_ body: JSONObject, on stream: StreamID) -> StreamEffect {
        Connections.write(body, from: self.id, to: Connections.mapper, on: stream)
    }
}
