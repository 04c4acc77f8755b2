import ChaosCore
import NodeKit

/// A node that does the tasks of its own buckets, and hands all others to their owners.
///
/// A task travels with its sender's table. A receiver with an older table takes that one; one with a newer table sends
/// it back, and the sender tries again, a few times at most. So nobody passes on what was passed on to him.
struct RoutingNode: CallingNode {
    /// What a wrong variant does.
    enum Flaw: Sendable {
        /// It goes by its own table, and passes on what it was passed.
        case trustsItsTable
        /// It does not know a task that comes again.
        case forgetsRequests
        /// It takes one request at a time.
        case awaits
    }

    /// How often a task is sent to another node before it is given up.
    private static let hopsMax = 3
    private static let defaultBucket = "world"

    var calls = Calls<RoutingNode>()
    private let flaw: Flaw?
    private var membership = Membership(id: "", members: [], seed: 0)
    private var table = RoutingTable(version: 0, [])
    private var counts: [String: Int64] = [:]
    private var answers = AnswerCache()
    /// The requests that wait for the one before them, the flaw ``Flaw/awaits`` only.
    private var waiting: [Message] = []
    private var isWaiting = false

    init(_ flaw: Flaw? = nil) { self.flaw = flaw }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            self.table = RoutingTable(membership)
            for record in membership.life.records { self.recall(record) }
            return []
        case .timer: return []
        case .message(let message) where message.type == "task": return self.take(task: message)
        case .message(let message):
            if self.flaw == .awaits, self.isWaiting {
                self.waiting.append(message)
                return []
            }
            return self.serve(message)
        }
    }

    private func bucket(of body: JSONObject) -> String {
        body["bucket"]?.stringValue ?? Self.defaultBucket
    }

    /// Serves a client.
    private mutating func serve(_ request: Message) -> [Effect] {
        let bucket = self.bucket(of: request.body)
        guard ["add", "read", "route"].contains(request.type) else {
            return [.unsupported(request)]
        }
        if request.type == "add", request["delta"]?.intValue == nil {
            return [.error(to: request, .malformedRequest, "'add' has a whole number in 'delta'")]
        }
        guard let owner = self.table.node(of: bucket) else {
            let sentence = "could not find an entry for '\(bucket)' in the table"
            return [.error(to: request, .keyDoesNotExist, sentence)]
        }
        if request.type == "route" {
            return [.reply(to: request, ["type": "route_ok", "node": .string(owner)])]
        }
        if owner == self.membership.id {
            let (answer, record) = self.run(request.body, for: request.source)
            return record + [.reply(to: request, answer)]
        }
        self.isWaiting = true
        return self.send(request, to: owner, hops: 1)
    }

    private mutating func send(_ request: Message, to owner: String, hops: Int) -> [Effect] {
        let body: JSONObject = [
            "type": "task", "request": .object(request.body), "client": .string(request.source),
            "table": self.table.json,
        ]
        let policy: CallPolicy =
            switch self.flaw {
            case .awaits, .trustsItsTable: .once(within: .seconds(5))
            case .forgetsRequests, nil:
                .repeated(every: .milliseconds(150), within: .milliseconds(1500))
            }
        return self.call(owner, body, policy) { node, answer, _ in
            node.conclude(request, answer, hops: hops)
        }
    }

    private mutating func conclude(
        _ request: Message, _ answer: CallAnswer, hops: Int
    ) -> [Effect] {
        var effects: [Effect]
        switch answer {
        case .reply(let reply) where reply.type == "redirect":
            if let table = RoutingTable(reply["table"]), table.version > self.table.version {
                self.table = table
            }
            let bucket = self.bucket(of: request.body)
            guard hops < Self.hopsMax, let owner = self.table.node(of: bucket) else {
                effects = [
                    .error(to: request, .temporarilyUnavailable, "nobody admits to '\(bucket)'")
                ]
                break
            }
            if owner == self.membership.id {
                let (answer, record) = self.run(request.body, for: request.source)
                effects = record + [.reply(to: request, answer)]
                break
            }
            return self.send(request, to: owner, hops: hops + 1)
        case .reply(let reply):
            effects = [.reply(to: request, reply["answer"]?.objectValue ?? [:])]
        case .error(let code, let text): effects = [.error(to: request, code, text)]
        case .timeout: effects = [.error(to: request, .timeout, "the owner did not answer")]
        }
        self.isWaiting = false
        while !self.isWaiting, !self.waiting.isEmpty {
            effects += self.serve(self.waiting.removeFirst())
        }
        return effects
    }

    /// Does another node's task, or says who does.
    private mutating func take(task message: Message) -> [Effect] {
        guard let body = message["request"]?.objectValue,
            let table = RoutingTable(message["table"])
        else { return [.error(to: message, .malformedRequest, "a task has a request and a table")] }
        let isTrusting = self.flaw == .trustsItsTable
        if !isTrusting, table.version > self.table.version { self.table = table }
        let bucket = self.bucket(of: body)
        guard let owner = self.table.node(of: bucket) else {
            return [
                .error(to: message, .keyDoesNotExist, "could not find an entry for '\(bucket)'")
            ]
        }
        if owner != self.membership.id {
            if !isTrusting {
                return [.reply(to: message, ["type": "redirect", "table": self.table.json])]
            }
            // Routed again, by this node's table, as if a client had asked here.
            return self.pass(message, to: owner)
        }
        if self.flaw != .forgetsRequests {
            switch self.answers.admit(message) {
            case .answered(let answer): return [.reply(to: message, answer)]
            case .pending: return []
            case .new: break
            }
        }
        let (answer, record) = self.run(body, for: message.source, as: message)
        let reply: JSONObject = ["type": "done", "answer": .object(answer)]
        self.answers.note(reply, for: message)
        return record + [.reply(to: message, reply)]
    }

    private mutating func pass(_ message: Message, to owner: String) -> [Effect] {
        self.call(owner, message.body, .once(within: .seconds(5))) { _, answer, _ in
            switch answer {
            case .reply(let reply):
                var body = reply.body
                body["in_reply_to"] = nil
                return [.reply(to: message, body)]
            case .error(let code, let text): return [.error(to: message, code, text)]
            case .timeout: return [.error(to: message, .timeout, "the owner did not answer")]
            }
        }
    }

    // MARK: The work

    /// Does a task, and writes it down before it is answered, with the message that brought it.
    private mutating func run(
        _ body: JSONObject, for source: String, as message: Message? = nil
    ) -> (answer: JSONObject, record: [Effect]) {
        let bucket = self.bucket(of: body)
        if body["type"]?.stringValue == "read" {
            return (["type": "read_ok", "value": .int(self.counts[bucket] ?? 0)], [])
        }
        let delta = body["delta"]?.intValue ?? 0
        self.counts[bucket, default: 0] += delta
        let record: JSONValue = [
            "bucket": .string(bucket), "delta": .int(delta), "source": .string(source),
            "task": message.map { .object($0.body) } ?? .null,
        ]
        return (["type": "add_ok"], [.append(record)])
    }

    private mutating func recall(_ record: JSONValue) {
        guard let bucket = record["bucket"]?.stringValue, let delta = record["delta"]?.intValue
        else { return }
        self.counts[bucket, default: 0] += delta
        guard let source = record["source"]?.stringValue, let body = record["task"]?.objectValue
        else { return }
        let message = Message(from: source, to: self.membership.id, body: body)
        _ = self.answers.admit(message)
        self.answers.note(["type": "done", "answer": ["type": "add_ok"]], for: message)
    }
}
