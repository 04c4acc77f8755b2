/// What became of a process, as the table that runs it saw it.
public struct LifeEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// It was started, and has not handled anything yet.
        case started
        /// It has begun (``Mail/ready(_:)``).
        case ready
        /// Its node's administrator ended it, or asked it to end, for this reason.
        case asked(ExitReason)
        /// It ended.
        case terminated(ExitReason)
    }

    /// What happened.
    public let kind: Kind
    /// To whom.
    public let pid: PID
    /// The name under which it was to be registered.
    public let name: String?
    /// The how-manieth process of this name it is, from 1.
    public let generation: Int
    /// Who started it, if a process did.
    public let parent: PID?
    /// When, as time since the node started.
    public let time: Duration

    /// The event as others read it: `{event, name, pid, parent, reason, at_us}`.
    var json: JSONValue {
        let (word, reason): (String, ExitReason?) =
            switch self.kind {
            case .started: ("started", nil)
            case .ready: ("ready", nil)
            case .asked(let reason): ("asked", reason)
            case .terminated(let reason): ("terminated", reason)
            }
        var event: JSONObject = [
            "event": .string(word), "name": .string(self.name ?? ""),
            "pid": .string(self.pid.description),
        ]
        if let parent = self.parent { event["parent"] = .string(parent.description) }
        if let reason { event["reason"] = .string(reason.description) }
        event["at_us"] = .int(self.time.microseconds)
        return .object(event)
    }
}

/// The lives of a node's processes, from the first one on, up to a limit: whether supervisors did what they
/// promise can be told from the beginning alone.
public struct LifeJournal: Sendable {
    /// How many events are kept.
    private static let limit = 4000

    /// The first events, oldest first.
    public private(set) var events: [LifeEvent] = []
    /// How many there were since the node started.
    public private(set) var count = 0

    mutating func note(_ event: LifeEvent) {
        self.count += 1
        if self.events.count < Self.limit { self.events.append(event) }
    }
}

/// One process as its table sees it.
public struct ProcessRecord: Hashable, Sendable {
    /// Which one.
    public let pid: PID
    /// The name under which it is registered.
    public let name: String?
    /// Who started it, if a process did.
    public let parent: PID?
    /// How much mail waits for it.
    public let mailboxCount: Int
    /// To how many others it is linked.
    public let linkCount: Int
    /// How many calls to it have not been answered.
    public let openCallCount: Int
    /// Whether its mail waits until it is resumed.
    public let isSuspended: Bool
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 {
        self.components.seconds * 1_000_000 + self.components.attoseconds / 1_000_000_000_000
    }
}
