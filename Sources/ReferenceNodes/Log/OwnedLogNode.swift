import ChaosCore
import NodeKit

/// Each log belongs to one node, found from the key alone; the others pass requests on to it.
///
/// An owner writes a record to its disk before it acknowledges it, and knows a request that comes
/// again, so a request may be repeated until it is answered. While an owner is not reached its logs
/// are unavailable, and all others are not concerned.
///
///     own{request} -> own_ok{answer}
struct OwnedLogNode: CallingNode {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// Every log is the node's own. Right for one node; several have logs that differ.
        static let ownsAll = Flaws(rawValue: 1)
        /// Nothing is written to disk.
        static let forgets = Flaws(rawValue: 2)
        /// A request that comes again is served again.
        static let appendsAgain = Flaws(rawValue: 4)
    }

    /// The most records of a log in one answer.
    private static let pollLimit = 256

    private let flaws: Flaws
    private var members: [String] = []
    private var id = ""
    private var logs: [String: [JSONValue]] = [:]
    private var committed: [String: Int64] = [:]
    private var served = AnswerCache()
    var calls = Calls<OwnedLogNode>()

    init(_ flaws: Flaws = []) { self.flaws = flaws }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.members = membership.members
            self.id = membership.id
            for record in membership.life.records { self.replay(record) }
            return []
        case .timer:
            return []
        case .message(let message) where message.type == "own":
            return self.serve(message)
        case .message(let message):
            return self.handle(message)
        }
    }

    /// Takes in what an earlier life had written: `{key, committed}`, or `{key, request}` with the
    /// whole request that a record came by, so that its repetition is known.
    private mutating func replay(_ record: JSONValue) {
        guard let key = record["key"]?.stringValue else { return }
        if let offset = record["committed"]?.intValue { self.committed[key] = offset }
        guard let request = record["request"] else { return }
        let offset = Int64(self.logs[key, default: []].count)
        self.logs[key, default: []].append(request["msg"] ?? nil)
        guard let source = request["src"]?.stringValue, let body = request["body"]?.objectValue
        else { return }
        let message = Message(from: source, to: self.id, body: body)
        _ = self.served.admit(message)
        self.served.note(self.answer(to: message, .int(offset)), for: message)
    }

    /// The body that answers a request that came from a client or another node.
    private func answer(to message: Message, _ result: JSONValue) -> JSONObject {
        message.type == "own"
            ? ["type": "own_ok", "answer": result] : ["type": "send_ok", "offset": result]
    }

    private func owner(of key: String) -> String {
        if self.flaws.contains(.ownsAll) { return self.id }
        return self.members[Int(Seed(0).derived(key).value % UInt64(self.members.count))]
    }

    /// Serves a client: splits what it asks by owner, and answers when all have answered.
    private mutating func handle(_ message: Message) -> [Effect] {
        do {
            switch try LogRequest(message) {
            case .send(let key, let value):
                if let effects = self.repetition(of: message) { return effects }
                let request: JSONValue = ["send", .string(key), value]
                return self.ask(self.owner(of: key), request, for: message) { node, answer in
                    guard let answer, answer != .null else { return [.unanswered(message)] }
                    let body = node.answer(to: message, answer)
                    node.served.note(body, for: message)
                    return [.reply(to: message, body)]
                }
            case .poll(let offsets):
                let parts = offsets.map { (key: $0.key, part: JSONValue.int($0.offset)) }
                return self.gather("poll", parts, [], for: message) { found in
                    .pollOk(to: message, found.map { ($0.key, $0.part.arrayValue ?? []) })
                }
            case .commit(let offsets):
                let parts = offsets.map { (key: $0.key, part: JSONValue.int($0.offset)) }
                return self.gather("commit", parts, [], for: message) { _ in
                    .reply(to: message, ["type": "commit_offsets_ok"])
                }
            case .listCommitted(let keys):
                let parts = keys.map { (key: $0, part: JSONValue.null) }
                return self.gather("committed", parts, [], for: message) { found in
                    let known = found.compactMap { entry in
                        entry.part.intValue.map { (key: entry.key, offset: $0) }
                    }
                    return .committed(to: message, known)
                }
            }
        } catch {
            return [error.answer]
        }
    }

    private typealias Part = (key: String, part: JSONValue)

    /// Asks the owners of all keys, one after the other.
    private mutating func gather(
        _ operation: String, _ parts: [Part], _ found: [Part], for message: Message,
        answer: @escaping @Sendable ([Part]) -> Effect
    ) -> [Effect] {
        guard let first = parts.first else { return [answer(found)] }
        let owner = self.owner(of: first.key)
        let here = parts.filter { self.owner(of: $0.key) == owner }
        let rest = parts.filter { self.owner(of: $0.key) != owner }
        let body: JSONValue = [
            .string(operation), .object(JSONObject(here.map { ($0.key, $0.part) })),
        ]
        return self.ask(owner, body, for: message) { node, result in
            guard let members = result?.objectValue?.members else { return [.unanswered(message)] }
            return node.gather(
                operation, rest, found + members.map { ($0.key, $0.value) }, for: message,
                answer: answer)
        }
    }

    private mutating func ask(
        _ owner: String, _ request: JSONValue, for message: Message,
        then: @escaping @Sendable (inout Self, JSONValue?) -> [Effect]
    ) -> [Effect] {
        if owner == self.id {
            let (result, effects) = self.perform(request, for: message)
            return effects + then(&self, result)
        }
        let body: JSONObject = ["type": "own", "request": request]
        return self.call(owner, body, .repeated(within: .seconds(2))) { node, answer, _ in
            then(&node, answer.message?["answer"])
        }
    }

    /// Serves another node.
    private mutating func serve(_ message: Message) -> [Effect] {
        if let effects = self.repetition(of: message) { return effects }
        let (result, effects) = self.perform(message["request"] ?? nil, for: message)
        let body = self.answer(to: message, result)
        self.served.note(body, for: message)
        return effects + [.reply(to: message, body)]
    }

    /// What to do about a request that is known; `nil` when it is new.
    private mutating func repetition(of message: Message) -> [Effect]? {
        if self.flaws.contains(.appendsAgain) { return nil }
        switch self.served.admit(message) {
        case .new: return nil
        case .pending: return []
        case .answered(let body): return [.reply(to: message, body)]
        }
    }

    /// Does to the node's own logs what is asked.
    private mutating func perform(
        _ request: JSONValue, for message: Message
    ) -> (result: JSONValue, effects: [Effect]) {
        let entries = request.arrayValue ?? []
        if entries.count == 3, let key = entries[1].stringValue {
            let offset = self.logs[key, default: []].count
            self.logs[key, default: []].append(entries[2])
            let request: JSONValue = [
                "msg": entries[2], "src": .string(message.source), "body": .object(message.body),
            ]
            return (
                .int(Int64(offset)), self.record(["key": .string(key), "request": request])
            )
        }
        guard entries.count == 2, let parts = entries[1].objectValue?.members else {
            return (.null, [])
        }
        var results: [(key: String, value: JSONValue)] = []
        var effects: [Effect] = []
        for part in parts {
            let offset = part.value.intValue ?? 0
            switch entries[0] {
            case "poll":
                let log = self.logs[part.key] ?? []
                let start = Int(clamping: offset)
                let end = min(log.count, start + Self.pollLimit)
                let records = start < end ? start..<end : 0..<0
                results.append(
                    (part.key, .array(records.map { [.int(Int64($0)), log[$0]] })))
            case "commit":
                if offset > self.committed[part.key] ?? -1 {
                    self.committed[part.key] = offset
                    effects += self.record(
                        ["key": .string(part.key), "committed": .int(offset)])
                }
                results.append((part.key, nil))
            default:
                if let offset = self.committed[part.key] {
                    results.append((part.key, .int(offset)))
                }
            }
        }
        return (.object(JSONObject(results)), effects)
    }

    private func record(_ entry: JSONValue) -> [Effect] {
        self.flaws.contains(.forgets) ? [] : [.append(entry)]
    }
}

extension Effect {
    /// Answers a request whose fate is not known: error 0.
    static func unanswered(_ request: Message) -> Effect {
        .error(to: request, .timeout, "nobody answered in time; it may have taken effect")
    }
}
