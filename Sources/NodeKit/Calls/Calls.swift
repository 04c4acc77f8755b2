/// The requests of a node that wait for their answers.
///
/// A request is known by its `msg_id`, which no other request of this node has, in this life or an
/// earlier one: an answer that comes late, twice, or for an earlier life is nobody's.
public struct Calls<Caller>: Sendable {
    /// What the node does with the answer, at the given time.
    public typealias Continuation =
        @Sendable (_ node: inout Caller, _ answer: CallAnswer, _ now: Duration) -> [Effect]

    private struct Call {
        let destination: String
        let body: JSONObject
        let deadline: Duration
        let longestWait: Duration
        var wait: Duration?
        var repeatsAt: Duration?
        let then: Continuation

        var due: Duration { min(self.deadline, self.repeatsAt ?? self.deadline) }
    }

    /// The name of the one timer that all calls share.
    static var timer: String { "calls" }

    private var calls: [Int64: Call] = [:]
    private var nextID: Int64 = 1
    private var randomness = Randomness(seed: 0, label: "")
    /// The time of the input that the node is handling.
    var now = Duration.zero
    private var timerIsSetFor: Duration?

    /// Makes an empty table.
    public init() {}

    /// How many requests wait.
    public var count: Int { self.calls.count }

    mutating func start(_ membership: Membership) {
        self.randomness = membership.randomness
        // 2^20 lives of 2^32 requests each stay below 2^53, up to which JSON is exact everywhere.
        self.nextID = Int64(membership.life.incarnation & 0xF_FFFF) << 32 + 1
    }

    mutating func add(
        _ destination: String, _ body: JSONObject, _ policy: CallPolicy,
        then: @escaping Continuation
    ) -> Effect {
        let id = self.nextID
        self.nextID += 1
        var body = body
        body["msg_id"] = .int(id)
        let wait = policy.firstWait.map { self.randomness.jittered($0) }
        self.calls[id] = Call(
            destination: destination, body: body, deadline: self.now + policy.deadline,
            longestWait: (policy.firstWait ?? .zero) * 8, wait: policy.firstWait,
            repeatsAt: wait.map { self.now + $0 }, then: then)
        return .send(to: destination, body)
    }

    /// The continuation that a reply is for; `nil` when nobody waits for it.
    mutating func take(_ message: Message) -> (answer: CallAnswer, then: Continuation)? {
        guard let id = message.inReplyTo, let call = self.calls[id],
            call.destination == message.source
        else { return nil }
        self.calls[id] = nil
        if message.type == "error" {
            let code = ErrorCode(rawValue: message["code"]?.intValue ?? ErrorCode.crash.rawValue)
            return (.error(code, message["text"]?.stringValue ?? ""), call.then)
        }
        return (.reply(message), call.then)
    }

    /// Repeats what is due for it; what is past its deadline comes back.
    mutating func run() -> (repeats: [Effect], expired: [Continuation]) {
        self.timerIsSetFor = nil
        var repeats: [Effect] = []
        var expired: [Continuation] = []
        for (id, var call) in self.calls.sorted(by: { $0.key < $1.key }) where call.due <= self.now
        {
            if call.deadline <= self.now {
                self.calls[id] = nil
                expired.append(call.then)
                continue
            }
            let wait = min((call.wait ?? .zero) * 2, call.longestWait)
            call.wait = wait
            call.repeatsAt = self.now + self.randomness.jittered(wait)
            self.calls[id] = call
            repeats.append(.send(to: call.destination, call.body))
        }
        return (repeats, expired)
    }

    /// Sets the timer where it is not set for the next thing to do.
    mutating func nextTimer() -> [Effect] {
        guard let due = self.calls.values.map(\.due).min() else { return [] }
        if let timerIsSetFor, timerIsSetFor <= due { return [] }
        self.timerIsSetFor = due
        return [.setTimer(Self.timer, after: due - self.now)]
    }
}
