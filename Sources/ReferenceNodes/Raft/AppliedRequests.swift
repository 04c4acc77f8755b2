import ChaosCore
import NodeKit
import OrderedCollections

/// The commands that were applied lately, with their answers, so that one that stands in the log twice
/// takes effect once. Part of the replicated state: the same on every node.
struct AppliedRequests: Sendable {
    private static let limit = 1024

    private var answers: OrderedDictionary<JSONValue, JSONObject> = [:]

    init() {}

    init(snapshot: JSONValue) {
        for entry in snapshot.arrayValue ?? [] {
            guard let pair = entry.arrayValue, pair.count == 2, let answer = pair[1].objectValue
            else { continue }
            self.answers[pair[0]] = answer
        }
    }

    var snapshot: JSONValue { .array(self.answers.map { [$0.key, .object($0.value)] }) }

    /// The answer that a command got already.
    subscript(command: JSONValue) -> JSONObject? { self.answers[command] }

    mutating func note(_ answer: JSONObject, for command: JSONValue) {
        self.answers[command] = answer
        if self.answers.count > Self.limit { self.answers.removeFirst() }
    }
}
