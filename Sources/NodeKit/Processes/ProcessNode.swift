/// A node whose work is done by processes: it watches its peers, runs a table of processes, and hands
/// clients' requests to them by name.
///
/// Its administrator (``Administration``) may also end a process, and look at all of them.
public struct ProcessNode: Node {
    private let root: @Sendable () -> any Behaviour
    private let requests: [String: String]
    private var peers: PeerWatch
    private var table = ProcessTable()

    /// Makes a node.
    ///
    /// - Parameters:
    ///   - requests: The name of the process that handles each type of request.
    ///   - peers: How other nodes are watched.
    ///   - root: Makes the first process, a supervisor in most cases.
    public init(
        requests: [String: String], peers: PeerWatch = PeerWatch(),
        root: @escaping @Sendable () -> any Behaviour
    ) {
        self.requests = requests
        self.peers = peers
        self.root = root
    }

    /// Lets peers, processes, clients and the administrator have what is theirs.
    public mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        var effects: [Effect] = []
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
            self.table.receive(message)
        case .message(let message) where message.source == Administration.name:
            effects = self.administer(message)
        case .message(let message):
            guard let name = self.requests[message.type] else {
                return [.unsupported(message)]
            }
            if !self.table.request(message, to: name) {
                let sentence = "the process '\(name)' does not run"
                effects = [.error(to: message, .temporarilyUnavailable, sentence)]
            }
        }
        return effects + self.table.run(at: now)
    }

    private mutating func take(_ told: (effects: [Effect], news: [PeerNews])) -> [Effect] {
        for news in told.news { self.table.note(news) }
        return told.effects
    }

    private mutating func administer(_ message: Message) -> [Effect] {
        switch message.type {
        case "crash":
            let name = message["process"]?.stringValue ?? ""
            guard self.table.exit(named: name, .crash("its administrator says so")) else {
                let known = self.table.names.keys.sorted().joined(separator: ", ")
                return [
                    .error(
                        to: message, .keyDoesNotExist,
                        "there is no process '\(name)'; there are \(known)")
                ]
            }
            return [.reply(to: message, ["type": "crash_ok"])]
        case "tree":
            return [.reply(to: message, ["type": "tree_ok", "processes": self.table.tree])]
        default: return [.unsupported(message)]
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
                    "mailbox": .int(Int64(entry.mailbox.count)),
                    "links": .array(entry.links.map { .string($0.description) }),
                ]
            })
    }
}
