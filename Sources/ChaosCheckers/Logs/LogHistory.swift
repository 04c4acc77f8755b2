import ChaosCore

/// The sends and polls of a history of logs, as Jepsen's Kafka tests write it.
///
/// An operation's value is a list of steps: `["send", key, value]`, answered `["send", key, [offset, value]]`, and `["poll"]`, answered
/// `["poll", {key: [[offset, value], …]}]`. `assign` and `subscribe` change where a process polls.
struct LogHistory {
    /// A value that some operation tried to append to a log.
    struct Send {
        let key: Int
        let value: JSONValue
        /// Where the log put it, if the answer said so.
        let offset: Int64?
        let invocation: Invocation
        /// The number of its operation.
        let operation: Int
    }

    /// What an ok poll showed of one key.
    struct Poll {
        let key: Int
        let records: [(offset: Int64, value: JSONValue)]
        let invocation: Invocation
        let operation: Int
    }

    /// What one process did, in order, as far as its place in the logs is concerned.
    enum Move {
        case send(Int)
        case poll(Int)
        /// It polls these keys now, from wherever it was told to where it did not before.
        case assign(Set<Int>)
        /// It may be given any keys at any time now.
        case subscribe
    }

    private(set) var keys: [String] = []
    private(set) var sends: [Send] = []
    private(set) var polls: [Poll] = []
    /// For each process its moves; those of one operation stand together.
    private(set) var moves: [(process: Int, operation: Int, move: Move)] = []
    private(set) var operationCount = 0

    private var numbers: [String: Int] = [:]

    /// - Throws: `InputError` for an operation that is none of these.
    init(_ history: History) throws(InputError) {
        for invocation in history.invocations {
            switch invocation.begin.function {
            case "send", "poll", "txn": try self.add(invocation)
            case "assign":
                guard invocation.outcome == .ok else { continue }
                var keys: Set<Int> = []
                for key in (invocation.end?.value ?? invocation.begin.value).arrayValue ?? [] {
                    keys.insert(self.number(of: key.stringValue ?? key.text))
                }
                self.moves.append((invocation.begin.process, self.operationCount, .assign(keys)))
            case "subscribe":
                self.moves.append((invocation.begin.process, self.operationCount, .subscribe))
            case "crash", "debug-topic-partitions": break
            default:
                throw InputError.unknownFunction(
                    invocation, model: "kafka",
                    known: ["send", "poll", "txn", "assign", "subscribe", "crash"])
            }
            self.operationCount += 1
        }
    }

    private mutating func number(of key: String) -> Int {
        if let number = self.numbers[key] { return number }
        self.numbers[key] = self.keys.count
        self.keys.append(key)
        return self.keys.count - 1
    }

    private mutating func add(_ invocation: Invocation) throws(InputError) {
        let isOk = invocation.outcome == .ok
        let operation = isOk ? invocation.end ?? invocation.begin : invocation.begin
        let process = invocation.begin.process
        for step in operation.value.arrayValue ?? [] {
            guard let parts = step.arrayValue, let name = parts.first?.stringValue?.withoutColon
            else { throw Self.wrong(operation) }
            switch name {
            case "send":
                guard parts.count == 3 else { throw Self.wrong(operation) }
                let key = self.number(of: parts[1].stringValue ?? parts[1].text)
                // Answered sends have the offset before the value.
                var value = parts[2]
                var offset: Int64?
                if isOk, let pair = parts[2].arrayValue, pair.count == 2 {
                    offset = pair[0].intValue
                    value = pair[1]
                }
                self.moves.append((process, self.operationCount, .send(self.sends.count)))
                self.sends.append(
                    Send(
                        key: key, value: value, offset: offset, invocation: invocation,
                        operation: self.operationCount))
            case "poll":
                guard isOk, parts.count == 2 else { continue }
                for member in parts[1].objectValue?.members ?? [] {
                    var records: [(offset: Int64, value: JSONValue)] = []
                    for record in member.value.arrayValue ?? [] {
                        guard let pair = record.arrayValue, pair.count == 2,
                            let offset = pair[0].intValue
                        else { throw Self.wrong(operation) }
                        records.append((offset, pair[1]))
                    }
                    self.moves.append((process, self.operationCount, .poll(self.polls.count)))
                    self.polls.append(
                        Poll(
                            key: self.number(of: member.key), records: records,
                            invocation: invocation, operation: self.operationCount))
                }
            default: throw Self.wrong(operation)
            }
        }
    }

    private static func wrong(_ operation: Operation) -> InputError {
        InputError.wrongValue(
            operation,
            mustBe: "a list of [\"send\", key, value] and [\"poll\", {key: [[offset, value]]}]")
    }
}
