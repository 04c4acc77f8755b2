/// A node: messages in, effects out.
///
/// A node is a value with one function. It never waits, reads a clock, or touches a socket or file:
/// what happened comes in with the time at which it happened, and what is to be done goes out. So it
/// runs unchanged over TCP (``TCPNode``), over standard input and output under Maelstrom
/// (``StandardIONode``), and in a simulation whose network and clock a test owns (``NodeHost``).
///
/// ```swift
/// struct Echo: Node {
///     mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
///         guard case .message(let message) = input else { return [] }
///         guard message.type == "echo" else { return [.unsupported(message)] }
///         return [.reply(to: message, ["type": "echo_ok", "echo": message["echo"] ?? nil])]
///     }
/// }
/// ```
public protocol Node: Sendable {
    /// Takes in what happened and says what to do about it.
    ///
    /// `now` is the time since the node started; it never goes back. The effects are carried out in
    /// order, before the next input comes in.
    mutating func handle(_ input: Input, at now: Duration) -> [Effect]
}

/// What happens to a node.
public enum Input: Sendable {
    /// The node begins to live. Always the first input, and there is only one.
    case started(Membership)
    /// A message arrived. Messages may be lost, doubled and overtake one another.
    case message(Message)
    /// A timer that the node had set ran out.
    case timer(String)
}

/// What a node asks for.
public enum Effect: Hashable, Sendable {
    /// Sends a body to a node or client, at most once: it may get lost, and nobody says so.
    case send(to: String, _ body: JSONObject)
    /// Answers a request; `in_reply_to` is added. A message without `msg_id` wants no answer, and
    /// then nothing is sent.
    case reply(to: Message, _ body: JSONObject)
    /// Brings `Input.timer` with this name after a while. Setting a timer again replaces it.
    case setTimer(String, after: Duration)
    /// Adds a record to the node's log on disk. Nothing that is sent after it leaves before the
    /// record is durable, so what a node promises after writing it down, it can keep. A node that
    /// was given no folder forgets its records when it dies.
    case append(JSONValue)
    /// Puts these records in the place of the whole log, at once or not at all.
    case replaceLog([JSONValue])
    /// Ends the process, as an error does that nobody catches. What was asked for before is carried out and what
    /// was appended is durable; nothing after it happens. Where a test crashes a protocol between two steps.
    case crash(String)

    /// Answers a request with an error.
    public static func error(
        to request: Message, _ code: ErrorCode, _ text: String
    ) -> Effect {
        let body: JSONObject = [
            "type": "error", "code": .int(code.rawValue), "text": .string(text),
        ]
        return .reply(to: request, body)
    }

    /// Answers a request of a type that the node does not know: error 10. An unknown message that
    /// is no request, or is itself a reply, is ignored.
    public static func unsupported(_ message: Message) -> Effect {
        .error(to: message, .notSupported, "unknown type of request '\(message.type)'")
    }
}

/// Who a node is, and who else there is.
public struct Membership: Sendable {
    /// The node's own name.
    public let id: String
    /// The names of all nodes of the cluster, its own included.
    public let members: [String]
    /// The node's own source of randomness, fixed by the run's seed, the node's name, and how often
    /// it was started on its folder.
    public let randomness: Randomness
    /// What the node brings from earlier lives.
    public let life: NodeLife

    /// Makes a membership; the randomness follows from seed, name and life.
    public init(id: String, members: [String], seed: UInt64, life: NodeLife = NodeLife()) {
        self.id = id
        self.members = members
        self.life = life
        // A node without a folder has the same numbers in each life, which a test can foretell.
        let isFirst = life.start <= 1
        self.randomness = Randomness(seed: seed, label: isFirst ? id : "\(id) \(life.start)")
    }

    /// The names of all other nodes, in order.
    public var others: [String] { self.members.filter { $0 != self.id } }
}

/// What tells one life of a node from another, and what it knows of the earlier ones.
public struct NodeLife: Hashable, Sendable {
    /// A number that no other life of this node has: ``start`` where there is a folder to count in,
    /// a random one where there is none.
    public let incarnation: UInt64
    /// How often the node was started on its folder, this time included; 0 without a folder.
    public let start: UInt64
    /// The records of the node's log, oldest first; none without a folder.
    public let records: [JSONValue]
    /// What the machine's clock showed when this life began, as time since 1970. It may have been
    /// set back since the life before.
    public let date: Duration

    /// Makes a life of a node that has a folder.
    public init(start: UInt64, records: [JSONValue], date: Duration = .zero) {
        self.incarnation = start
        self.start = start
        self.records = records
        self.date = date
    }

    /// Makes a life without a past.
    public init(incarnation: UInt64 = 0, date: Duration = .zero) {
        self.incarnation = incarnation
        self.start = 0
        self.records = []
        self.date = date
    }
}
