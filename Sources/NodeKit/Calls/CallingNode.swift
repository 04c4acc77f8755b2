/// A node that asks others and goes on when they answer.
///
/// It implements ``receive(_:at:)`` in the place of `handle`, and writes what comes after an answer
/// beside the question:
///
/// ```swift
/// return self.call("lin-kv", ["type": "read", "key": "x"], .repeated(within: .seconds(2))) {
///     node, answer, now in
///     guard let value = answer.message?["value"] else { return [] }
///     …
/// }
/// ```
public protocol CallingNode: Node {
    /// The requests that wait; a node only keeps them.
    var calls: Calls<Self> { get set }

    /// Takes in what happened, answers to calls excepted.
    mutating func receive(_ input: Input, at now: Duration) -> [Effect]
}

extension CallingNode {
    /// Hands answers to whom they belong, and everything else to ``receive(_:at:)``.
    public mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        self.calls.now = now
        var effects: [Effect]
        switch input {
        case .started(let membership):
            self.calls.start(membership)
            effects = self.receive(input, at: now)
        case .timer(Calls<Self>.timer):
            let (repeats, expired) = self.calls.run()
            effects = repeats
            for then in expired { effects += then(&self, .timeout, now) }
        case .message(let message) where message.inReplyTo != nil:
            guard let (answer, then) = self.calls.take(message) else { return [] }
            effects = then(&self, answer, now)
        default:
            effects = self.receive(input, at: now)
        }
        return effects + self.calls.nextTimer()
    }

    /// Sends a request; `then` runs once: with the answer, or when the policy's deadline is over.
    public mutating func call(
        _ destination: String, _ body: JSONObject, _ policy: CallPolicy,
        then: @escaping Calls<Self>.Continuation
    ) -> [Effect] {
        [self.calls.add(destination, body, policy, then: then)]
    }
}
