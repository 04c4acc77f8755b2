import ChaosCore

/// What the two directions of a connection must know of each other: which replies are to be
/// suppressed, and which requests an HTTP response answers.
///
/// Requests count when they leave for the listener: those that a fault took away never have a
/// reply, and those sent twice have two.
final class Exchange {
    /// The methods of delivered requests that the responses' framing was not told yet, in order.
    private var methods: [String] = []
    /// Whether an HTTP connection has become something else (CONNECT, Upgrade).
    var isTunnel = false

    /// How many bytes of lost DATA each direction still has to grant to its receiver, who sent them the
    /// other way and must not wait for ever for the room that they took.
    private var credit = (forward: 0, backward: 0)

    private var requestsDelivered = 0
    private var repliesSeen = 0
    // Only asked for membership, never gone through.
    private var suppressedIdentifiers: Set<Int64> = []
    private var suppressedOrdinals: Set<Int> = []

    /// What HTTP stages know of the requests under way, by the stage.
    private var conversations: [Int: HTTPConversation] = [:]

    /// The conversation that both halves of an HTTP stage share.
    func conversation(of stage: Int) -> HTTPConversation {
        if let conversation = self.conversations[stage] { return conversation }
        let conversation = HTTPConversation()
        self.conversations[stage] = conversation
        return conversation
    }

    /// Whether some reply must not arrive.
    var isSuppressing: Bool {
        !self.suppressedIdentifiers.isEmpty || !self.suppressedOrdinals.isEmpty
    }

    /// Notes that requests begin to leave for the listener, with what is known of them and of those
    /// right behind.
    ///
    /// Replies that must not arrive are known by `in_reply_to` where requests carry a `msg_id`;
    /// elsewhere replies come in the order of their requests, as RESP and HTTP/1.1 have it.
    func delivered(_ count: Int, notes: [RequestNote]) {
        for note in notes {
            if let method = note.method { self.methods.append(method) }
            if !note.isUnacknowledged { continue }
            if let identifier = note.messageID {
                self.suppressedIdentifiers.insert(identifier)
            } else {
                self.suppressedOrdinals.insert(self.requestsDelivered + note.index)
            }
        }
        self.requestsDelivered += count
    }

    /// The methods of the requests delivered since this was last asked.
    func takeMethods() -> [String] {
        if self.methods.isEmpty { return [] }
        defer { self.methods.removeAll(keepingCapacity: true) }
        return self.methods
    }

    /// Whether a direction has to grant something.
    func owesCredit(_ direction: Direction) -> Bool {
        (direction == .forward ? self.credit.forward : self.credit.backward) > 0
    }

    /// Notes that bytes of DATA were taken away from a direction, which its receiver would have granted anew.
    func tookAway(_ count: Int, from direction: Direction) {
        if direction == .forward {
            self.credit.backward += count
        } else {
            self.credit.forward += count
        }
    }

    /// What a direction grants now.
    func takeCredit(_ direction: Direction) -> Int {
        if direction == .forward {
            defer { self.credit.forward = 0 }
            return self.credit.forward
        }
        defer { self.credit.backward = 0 }
        return self.credit.backward
    }

    /// Notes a reply, and tells whether it is one that must not arrive.
    func suppresses(_ reply: inout LazyMessageView) -> Bool {
        let ordinal = self.repliesSeen
        self.repliesSeen += 1
        if !self.isSuppressing { return false }
        if self.suppressedOrdinals.contains(ordinal) { return true }
        if self.suppressedIdentifiers.isEmpty { return false }
        guard let identifier = reply.value.correlation.inReplyTo else { return false }
        return self.suppressedIdentifiers.contains(identifier)
    }

    /// Notes a reply that is not read, and tells whether it must not arrive by its place in order.
    func suppressesNextByOrder() -> Bool {
        defer { self.repliesSeen += 1 }
        return self.suppressedOrdinals.contains(self.repliesSeen)
    }

    /// Notes a reply that passes without a look.
    func sawReply() { self.repliesSeen += 1 }
}

/// What the other direction of a connection must know of one request.
struct RequestNote {
    /// Which of the requests that leave together it is.
    var index = 0
    /// The method of an HTTP request.
    var method: String?
    /// Whether its reply must not arrive.
    var isUnacknowledged = false
    /// The id that its reply will name, if it has one.
    var messageID: Int64?
}
