import ChaosCore
import NodeKit

/// Sends each value along a tree of two levels, which costs one message a node, and repairs by
/// comparing notes now and then.
///
///     n6 ─┐                       ┌─ n8
///         n1 ─── hubs know all ── n3
///     n11─┘      other hubs       └─ n13
///
/// The first √n nodes are hubs. Any two nodes are at most three hops apart, so 25 nodes with links of
/// 100 ms know a value after 300 ms, and 24 messages a value are the fewest possible. News between
/// hubs and leaves are a `news{values}`: a hub passes what a hub told it to its leaves only.
///
/// With a window, a node collects the values for a neighbour and sends them together: fewer messages,
/// later. Nobody acknowledges; what a lost message or a dead hub kept back comes by comparison, with
/// any other node.
struct HubBroadcast: Node {
    private let window: Duration
    /// A comparison while news are under way always finds a difference, so they are rare.
    private var replica = Replica<GrowingSet>(comparingEvery: .seconds(1))
    private var id = ""
    private var hubs: [String] = []
    private var leaves: [String] = []
    /// What waits for its window to end, by neighbour.
    private var outboxes: [String: [JSONValue]] = [:]
    /// Whether a window is open.
    private var isCollecting = false

    /// - Parameter window: How long a value may wait for others; zero sends each at once.
    init(window: Duration) { self.window = window }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            let effects = self.replica.start(membership)
            self.arrange(membership)
            return effects
        case .timer(Replica<GrowingSet>.timer):
            return self.replica.compare()
        case .timer:
            return self.flush()
        case .message(let message):
            return self.handle(message)
        }
    }

    /// Finds the node's place in the tree, which follows from the names alone.
    private mutating func arrange(_ membership: Membership) {
        let members = membership.members
        let count = Int(Double(members.count).squareRoot())
        self.id = membership.id
        let position = members.firstIndex(of: self.id) ?? 0
        if position < count {
            self.hubs = members.prefix(count).filter { $0 != self.id }
            self.leaves = members.indices.dropFirst(count)
                .filter { $0 % count == position }.map { members[$0] }
        } else {
            self.hubs = [members[position % count]]
        }
        self.replica.neighbours = self.hubs + self.leaves
        self.replica.partners = membership.others
    }

    private mutating func handle(_ message: Message) -> [Effect] {
        switch message.type {
        case "broadcast":
            let value = message["message"] ?? nil
            let isNew = !self.replica.state.elements.contains(value)
            return (isNew ? [.append(value)] : []) + self.spread([value], from: message.source)
                + [.reply(to: message, ["type": "broadcast_ok"])]
        case "news":
            return self.spread(message["values"]?.arrayValue ?? [], from: message.source)
        case "read":
            return [.broadcastReadOk(to: message, self.replica.state.elements)]
        case "topology":
            // The tree follows from the names; the advice is not taken.
            return [.reply(to: message, ["type": "topology_ok"])]
        case let type where Replica<GrowingSet>.messageTypes.contains(type):
            return self.replica.receive(message)
        default:
            return [.unsupported(message)]
        }
    }

    private mutating func spread(_ values: [JSONValue], from source: String) -> [Effect] {
        let news = values.filter { self.replica.join($0) }
        if news.isEmpty { return [] }
        let targets = self.hubs.contains(source) ? self.leaves : self.hubs + self.leaves
        for target in targets where target != source {
            self.outboxes[target, default: []] += news
        }
        if self.window == .zero { return self.flush() }
        if self.isCollecting { return [] }
        self.isCollecting = true
        return [.setTimer("flush", after: self.window)]
    }

    private mutating func flush() -> [Effect] {
        self.isCollecting = false
        defer { self.outboxes = [:] }
        return self.outboxes.sorted { $0.key < $1.key }.map { neighbour, values in
            .send(to: neighbour, ["type": "news", "values": .array(values)])
        }
    }
}
