/// The requests that a node knows already, so that one that arrives twice takes effect once.
///
/// Requests are told apart by sender, `msg_id` and body. The oldest are forgotten beyond a limit: a
/// copy that arrives later than that counts as new.
public struct AnswerCache: Sendable {
    /// What is known of a request.
    public enum Knowledge: Hashable, Sendable {
        /// Nobody has seen it; it is noted now.
        case new
        /// It is being worked on.
        case pending
        /// This was its answer.
        case answered(JSONObject)
    }

    private struct Key: Hashable {
        let source: String
        let id: Int64
        let body: JSONObject
    }

    private let limit: Int
    private var answers: [Key: JSONObject?] = [:]
    private var order: [Key] = []
    private var oldest = 0

    /// Makes an empty cache for at most so many requests.
    public init(limit: Int = 4096) {
        precondition(limit > 0, "a cache holds at least one request, got \(limit)")
        self.limit = limit
    }

    /// Looks a request up, and notes it where it is new. Without `msg_id` a message is always new.
    public mutating func admit(_ request: Message) -> Knowledge {
        guard let key = Self.key(of: request) else { return .new }
        switch self.answers[key] {
        case .some(.some(let answer)): return .answered(answer)
        case .some(.none): return .pending
        case .none: break
        }
        self.answers[key] = .some(.none)
        self.order.append(key)
        if self.order.count - self.oldest > self.limit {
            self.answers[self.order[self.oldest]] = nil
            self.oldest += 1
            // Now and then, so that forgetting costs little.
            if self.oldest > self.limit {
                self.order.removeFirst(self.oldest)
                self.oldest = 0
            }
        }
        return .new
    }

    /// Whether a request was admitted and got its answer.
    public func isAnswered(_ request: Message) -> Bool {
        guard let key = Self.key(of: request), let answer = self.answers[key] else { return false }
        return answer != nil
    }

    /// Notes the answer to a request that was admitted.
    public mutating func note(_ answer: JSONObject, for request: Message) {
        guard let key = Self.key(of: request), self.answers[key] != nil else { return }
        self.answers[key] = .some(answer)
    }

    /// Forgets a request, so that a repetition is new: it had no effect.
    public mutating func forget(_ request: Message) {
        guard let key = Self.key(of: request) else { return }
        self.answers[key] = nil
    }

    private static func key(of request: Message) -> Key? {
        guard let id = request.id else { return nil }
        return Key(source: request.source, id: id, body: request.body)
    }
}
