import ChaosCore

/// One transaction of a history: what it did, in order, and how it ended.
struct Transaction {
    /// One read or write inside a transaction.
    struct Step {
        enum Kind: String {
            case read = "r"
            case append
            case write = "w"
        }

        let kind: Kind
        /// The key's number.
        let key: Int
        /// What was read, appended or written.
        let value: JSONValue
    }

    /// Its invocation and completion.
    let invocation: Invocation
    /// The steps, with results where it is known to have taken effect.
    let steps: [Step]

    var outcome: Operation.Kind { self.invocation.outcome }
    var isOk: Bool { self.outcome == .ok }
}

/// All transactions of a history, keys numbered.
struct TransactionHistory {
    private(set) var transactions: [Transaction] = []
    private(set) var keys: [JSONValue] = []
    /// Transactions whose answer is not an answer to what was asked, with the reason.
    private(set) var wrongReplies: [(transaction: Int, reason: String)] = []

    private var numbers: [JSONValue: Int] = [:]

    /// Reads the transactions; `write` is the verb of their writes.
    ///
    /// Their values are lists of `[function, key, value]`.
    ///
    /// - Throws: `InputError` for an invocation that is no transaction.
    init(_ history: History, write: Transaction.Step.Kind) throws(InputError) {
        for invocation in history.invocations {
            let asked = try self.steps(of: invocation.begin, write: write)
            guard invocation.outcome == .ok, let end = invocation.end else {
                self.transactions.append(Transaction(invocation: invocation, steps: asked))
                continue
            }
            let reason: String
            let answered = Result { () throws(InputError) in try self.steps(of: end, write: write) }
            switch answered {
            case .success(let steps):
                if let mismatch = self.mismatch(asked, steps) {
                    reason = mismatch
                } else {
                    self.transactions.append(Transaction(invocation: invocation, steps: steps))
                    continue
                }
            case .failure(let error): reason = error.sentence
            }
            // It took effect, but what it says of its reads is worth nothing.
            self.wrongReplies.append((self.transactions.count, reason))
            self.transactions.append(
                Transaction(invocation: invocation, steps: asked.filter { $0.kind != .read }))
        }
    }

    private func mismatch(_ asked: [Transaction.Step], _ answered: [Transaction.Step]) -> String? {
        if asked.count != answered.count {
            return "\(asked.count) steps were asked for, \(answered.count) answered"
        }
        for (ask, answer) in zip(asked, answered)
        where ask.kind != answer.kind || ask.key != answer.key
            || ask.kind != .read && ask.value != answer.value
        {
            return "asked for \(self.text(ask)), answered \(self.text(answer))"
        }
        return nil
    }

    private mutating func steps(
        of operation: Operation, write: Transaction.Step.Kind
    ) throws(InputError) -> [Transaction.Step] {
        let shape = "a list of [\"r\" or \"\(write.rawValue)\", key, value]"
        guard let list = operation.value.arrayValue else {
            throw InputError.wrongValue(operation, mustBe: shape)
        }
        var steps: [Transaction.Step] = []
        steps.reserveCapacity(list.count)
        for element in list {
            guard let parts = element.arrayValue, parts.count == 3,
                let kind = parts[0].stringValue.flatMap({
                    Transaction.Step.Kind(rawValue: $0.withoutColon)
                }), kind == .read || kind == write
            else { throw InputError.wrongValue(operation, mustBe: shape) }
            steps.append(
                Transaction.Step(kind: kind, key: self.number(of: parts[1]), value: parts[2]))
        }
        return steps
    }

    private mutating func number(of key: JSONValue) -> Int {
        if let number = self.numbers[key] { return number }
        self.numbers[key] = self.keys.count
        self.keys.append(key)
        return self.keys.count - 1
    }

    // MARK: - Text

    /// A step as people write it: `append x 3`, `r y [1 2]`.
    func text(_ step: Transaction.Step) -> String {
        "\(step.kind.rawValue) \(self.name(step.key)) \(Self.text(step.value))"
    }

    /// The name of a key.
    func name(_ key: Int) -> String { Self.text(self.keys[key]) }

    /// A value as EDN has it, without quotes; long lists are cut.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): return text
        case .array(let elements):
            let hidden = elements.count - 12
            let shown = elements.suffix(12).map { Self.text($0) }.joined(separator: " ")
            return hidden > 0 ? "[…\(hidden) more… \(shown)]" : "[\(shown)]"
        default: return value.edn
        }
    }

    /// `T7: index 12, process 3: append x 3, r y [1]`.
    func text(of transaction: Int) -> String {
        let begin = self.transactions[transaction].invocation.begin
        let steps = self.transactions[transaction].steps.map { self.text($0) }
        let outcome = self.transactions[transaction].outcome
        let end = outcome == .ok ? "" : " (\(outcome.rawValue))"
        return "index \(begin.index), process \(begin.process)\(end): "
            + steps.joined(separator: ", ")
    }
}
