import ChaosCore
import NodeKit

/// Runs transactions on the node's own copy and tells the others later, so that every node answers
/// always, whoever it reaches (Bailis et al., Highly Available Transactions, VLDB 2013).
///
/// Writes carry a logical time later than everything their transaction could see, and the latest wins.
/// So all nodes come to agree, and whatever a transaction depends on is earlier than itself: there is
/// no circle of writes (G0), nor of writes and reads (G1c). What differs is when others see a write.
struct AvailableTransactionNode: Node {
    enum Kind: Sendable {
        /// The last write of each key, all in one message, after the transaction.
        case readCommitted
        /// Each write at once, those that the transaction itself writes over included (G1b).
        case readUncommitted
        /// As read-committed, without times: the last to arrive wins, in another order on each node.
        case arrivalOrder
        /// Tells the others first, and aborts where one does not answer: what it aborted stays (G1a).
        case tellsBeforeCommit
    }

    /// How long `tellsBeforeCommit` waits for all to answer.
    private static let patience = Duration.milliseconds(300)

    private let kind: Kind
    private var id = ""
    private var others: [String] = []
    private var replica = Replica<LatestWrites>()
    /// The logical clock: later than everything this node has seen or done.
    private var time: Int64 = 0
    private var served = AnswerCache()
    /// Transactions that wait to hear from the others, by their time.
    private var votes: [Int64: (missing: Set<String>, request: Message, answer: Effect)] = [:]

    init(_ kind: Kind) { self.kind = kind }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.id = membership.id
            self.others = membership.others
            let effects = self.replica.start(membership)
            return self.kind == .arrivalOrder ? [] : effects
        case .timer(Replica<LatestWrites>.timer):
            return self.replica.compare()
        case .timer(let name):
            return self.abort(name)
        case .message(let message):
            return self.receive(message)
        }
    }

    private mutating func receive(_ message: Message) -> [Effect] {
        switch message.type {
        case "prepare":
            let time = message["time"] ?? nil
            return self.receiveValues(message)
                + [.send(to: message.source, ["type": "prepared", "time": time])]
        case "prepared":
            return self.count(message)
        case let type where Replica<LatestWrites>.messageTypes.contains(type):
            return self.receiveValues(message)
        default:
            break
        }
        do {
            let steps = try TransactionStep.steps(of: message, write: "w")
            guard self.served.admit(message) == .new else { return [] }
            return self.run(steps, for: message)
        } catch {
            return [error.answer]
        }
    }

    private mutating func receiveValues(_ message: Message) -> [Effect] {
        if self.kind == .arrivalOrder {
            for part in message["values"]?.arrayValue ?? [] {
                _ = self.replica.join(self.now(part))
            }
            return []
        }
        return self.replica.receive(message)
    }

    /// A write as if it happened now, for the variant that goes by arrival.
    private mutating func now(_ part: JSONValue) -> JSONValue {
        guard let entries = part.arrayValue, entries.count == 4 else { return .null }
        let stamp = LatestWrites.Stamp(time: self.replica.state.time + 1, node: self.id)
        return LatestWrites.part(entries[0], entries[1], stamp)
    }

    private mutating func run(_ steps: [TransactionStep], for request: Message) -> [Effect] {
        var own: [JSONValue: JSONValue] = [:]
        var order: [JSONValue] = []
        var parts: [JSONValue] = []
        let results = steps.map { step -> JSONValue in
            switch step.operation {
            case .read:
                return step.json(reading: own[step.key] ?? self.replica.state[step.key] ?? .null)
            case .write(let value):
                if own.updateValue(value, forKey: step.key) == nil { order.append(step.key) }
                if self.kind == .readUncommitted { parts.append(self.part(step.key, value)) }
                return step.json
            }
        }
        let answer = Effect.txnOk(to: request, results)
        if self.kind == .readUncommitted {
            return parts.flatMap { self.commit([$0]) } + [answer]
        }
        // One time for the whole transaction.
        let time = max(self.time, self.replica.state.time) + 1
        self.time = time
        let stamp = LatestWrites.Stamp(time: time, node: self.id)
        parts = order.map { LatestWrites.part($0, own[$0] ?? .null, stamp) }
        if parts.isEmpty { return [answer] }
        if self.kind == .tellsBeforeCommit, !self.others.isEmpty {
            return self.prepare(parts, at: time, for: request, answer)
        }
        return self.commit(parts) + [answer]
    }

    private mutating func part(_ key: JSONValue, _ value: JSONValue) -> JSONValue {
        self.time = max(self.time, self.replica.state.time) + 1
        return LatestWrites.part(key, value, LatestWrites.Stamp(time: self.time, node: self.id))
    }

    /// Writes to the log, the own copy, and the others, in one record and one message each.
    private mutating func commit(_ parts: [JSONValue]) -> [Effect] {
        // The log has the parts one by one, as a replica reads them.
        parts.map { .append($0) } + self.replica.learn(parts, from: "")
    }

    // MARK: Telling before it is certain

    private mutating func prepare(
        _ parts: [JSONValue], at time: Int64, for request: Message, _ answer: Effect
    ) -> [Effect] {
        for part in parts { _ = self.replica.join(part) }
        self.votes[time] = (Set(self.others), request, answer)
        let body: JSONObject = ["type": "prepare", "time": .int(time), "values": .array(parts)]
        return self.others.map { .send(to: $0, body) }
            + [.setTimer("\(time)", after: Self.patience)]
    }

    private mutating func count(_ message: Message) -> [Effect] {
        guard let time = message["time"]?.intValue, self.votes[time] != nil else { return [] }
        self.votes[time]?.missing.remove(message.source)
        guard let vote = self.votes[time], vote.missing.isEmpty else { return [] }
        self.votes[time] = nil
        return [vote.answer]
    }

    private mutating func abort(_ timer: String) -> [Effect] {
        guard let time = Int64(timer), let vote = self.votes.removeValue(forKey: time) else {
            return []
        }
        let silent = vote.missing.sorted().joined(separator: ", ")
        return [.error(to: vote.request, .transactionConflict, "no answer from \(silent)")]
    }
}
