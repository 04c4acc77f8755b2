/// A node whose work is done by processes: it watches its peers, runs a table of processes, and hands
/// clients' requests to them by name.
///
/// Its administrator (``Administration``) may also end a process (`crash{process}`, or in order with
/// `exit{process}`), let one stand still (`suspend{process}`, `resume{process}`), and look at all of them (`tree`). Where the node says what its supervisors promise, everybody
/// may ask what became of its processes: `trace`.
public struct ProcessNode: Node {
    private let root: @Sendable () -> any Behaviour
    private let requests: [String: String]
    private let administration: [String: String]
    private let promise: JSONObject?
    private var peers: PeerWatch
    private var table = ProcessTable()

    /// Makes a node.
    ///
    /// - Parameters:
    ///   - requests: The name of the process that handles each type of request.
    ///   - administration: The same for what its administrator alone may ask for.
    ///   - promise: What the supervisors promise (``Supervisor/specification(named:)``).
    ///   - peers: How other nodes are watched.
    ///   - root: Makes the first process, a supervisor in most cases.
    public init(
        requests: [String: String], administration: [String: String] = [:],
        promise: JSONObject? = nil, peers: PeerWatch = PeerWatch(),
        root: @escaping @Sendable () -> any Behaviour
    ) {
        self.requests = requests
        self.administration = administration
        self.promise = promise
        self.peers = peers
        self.root = root
    }

    /// Lets peers, processes, clients and the administrator have what is theirs.
    public mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        var effects: [Effect] = []
        self.table.advance(to: now)
        switch input {
        case .started(let membership):
            self.table.start(membership)
            effects = self.peers.start(membership)
            self.table.spawn(self.root(), name: "root")
        case .timer(PeerWatch.timer): effects = self.take(self.peers.beat(at: now))
        case .timer: break
        case .message(let message) where message.type == PeerWatch.messageType:
            effects = self.take(self.peers.receive(message, at: now))
        case .message(let message) where message[ProcessTable.member] != nil:
            self.peers.noteMail(from: message.source)
            self.table.receive(message)
        case .message(let message) where message.source == Administration.name:
            effects = self.administer(message, at: now)
        case .message(let message): effects = self.pass(message, self.requests, at: now)
        }
        let wishes = self.table.run(at: now)
        for case .send(let node, let body) in wishes where body[ProcessTable.member] != nil {
            self.peers.noteMail(to: node)
        }
        return effects + wishes
    }

    /// Hands a request to the process that handles its type.
    private mutating func pass(
        _ message: Message, _ requests: [String: String], at now: Duration
    ) -> [Effect] {
        if message.type == "trace", let promise = self.promise {
            return [.reply(to: message, self.trace(promise, at: now))]
        }
        guard let name = requests[message.type] else { return [.unsupported(message)] }
        if self.table.request(message, to: name) { return [] }
        let sentence = "the process '\(name)' does not run"
        return [.error(to: message, .temporarilyUnavailable, sentence)]
    }

    private func trace(_ promise: JSONObject, at now: Duration) -> JSONObject {
        let journal = self.table.journal
        return [
            "type": "trace_ok", "tree": .object(promise),
            "events": .array(journal.events.map(\.json)),
            "count": .int(Int64(journal.count)), "at_us": .int(now.microseconds),
        ]
    }

    private mutating func take(_ told: (effects: [Effect], news: [PeerNews])) -> [Effect] {
        for news in told.news { self.table.note(news) }
        return told.effects
    }

    private mutating func administer(_ message: Message, at now: Duration) -> [Effect] {
        switch message.type {
        case "crash", "exit", "suspend", "resume":
            let name = message["process"]?.stringValue ?? ""
            let isThere =
                switch message.type {
                case "crash": self.table.exit(named: name, .crash("its administrator says so"))
                case "exit": self.table.ask(named: name, toEndWith: .normal)
                default: self.table.suspend(named: name, message.type == "suspend")
                }
            guard isThere else {
                let known = self.table.names.keys.sorted().joined(separator: ", ")
                return [
                    .error(
                        to: message, .keyDoesNotExist,
                        "there is no process '\(name)'; there are \(known)")
                ]
            }
            return [.reply(to: message, ["type": .string("\(message.type)_ok")])]
        case "tree":
            return [.reply(to: message, ["type": "tree_ok", "processes": self.table.tree])]
        default:
            let known = self.requests.merging(self.administration) { $1 }
            return self.pass(message, known, at: now)
        }
    }
}

extension ProcessTable {
    /// The processes, as an administrator sees them.
    var tree: JSONValue {
        .array(
            self.living.compactMap { pid in
                guard let entry = self.entries[pid] else { return nil }
                return [
                    "pid": .string(pid.description),
                    "name": entry.name.map { .string($0) } ?? .null,
                    "parent": entry.parent.map { .string($0.description) } ?? .null,
                    "mailbox": .int(Int64(entry.mailbox.count)),
                    "links": .array(entry.links.map { .string($0.description) }),
                ]
            })
    }
}
