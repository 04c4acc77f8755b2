import ChaosCore
import NodeKit
import OrderedCollections

// S03: clients broadcast values to any node, and every node should come to know all of them.
//
//     broadcast{message} -> broadcast_ok
//     read               -> read_ok{messages}      what this node knows, never asking another
//     topology{topology} -> topology_ok            who should talk to whom: {"n1": ["n2"], …}
//
// The network may lose what nodes send one another. What a variant does about that is all in which
// it differs.

extension ReferenceSystem {
    static let broadcast = ReferenceSystem(
        name: "broadcast", summary: "every node comes to know every value",
        variants: [
            Variant("gossip", "neighbours compare what they know; heals every loss and restart") {
                GossipBroadcast()
            },
            Variant("hubs", "along a tree of two levels: 24 messages a value for 25 nodes") {
                HubBroadcast(window: .zero)
            },
            Variant("hubs-batched", "the same, many values in a message: fewer still, and later") {
                HubBroadcast(window: .milliseconds(200))
            },
            Variant("retry", "repeats until acknowledged; a neighbour that forgets is not healed") {
                RetryBroadcast()
            },
            Variant("give-up", "repeats ten times, two seconds; a longer cut loses for ever") {
                RetryBroadcast(attempts: 10)
            },
            Variant("naive", "tells each neighbour once; a lost message is lost for ever") {
                NaiveBroadcast()
            },
            Variant("star", "all by way of the first node; nothing gets past it while it is away") {
                StarBroadcast()
            },
            Variant("storm", "passes on what it knows already; the messages never end") {
                StormBroadcast()
            },
            Variant("echo-back", "also tells whom it heard it from; right, and costs more") {
                CarelessBroadcast(.echoesBack)
            },
            Variant("list", "keeps a list in the place of a set; doubled messages double values") {
                CarelessBroadcast(.keepsDuplicates)
            },
            Variant("ack-first", "acknowledges, then stores; a crash between loses the value") {
                CarelessBroadcast(.acknowledgesFirst)
            },
        ])
}

/// Reads `topology` requests.
enum BroadcastTopology {
    /// The neighbours that a topology gives a node; `nil` where it leaves the node out.
    static func neighbours(of id: String, in request: Message) -> [String]? {
        request["topology"]?[id]?.arrayValue?.compactMap(\.stringValue).filter { $0 != id }
    }
}

extension Effect {
    /// Answers `read` with the values that a node knows.
    static func broadcastReadOk(to request: Message, _ values: OrderedSet<JSONValue>) -> Effect {
        .reply(to: request, ["type": "read_ok", "messages": .array(Array(values))])
    }
}

/// What the simpler variants keep: the values they know, and with whom they talk.
struct BroadcastState {
    /// The values, in the order in which the node learned them.
    private(set) var values: OrderedSet<JSONValue> = []
    /// The nodes to talk to: all others, until a topology says otherwise.
    private(set) var neighbours: [String] = []
    private var id = ""

    /// Begins with all other nodes as neighbours.
    mutating func start(_ membership: Membership) {
        self.id = membership.id
        self.neighbours = membership.others
    }

    /// Takes in a value; `false` when it was known already.
    mutating func learn(_ value: JSONValue) -> Bool { self.values.append(value).inserted }

    /// Answers the requests that every variant answers alike.
    mutating func answer(_ request: Message) -> [Effect] {
        switch request.type {
        case "read":
            return [.broadcastReadOk(to: request, self.values)]
        case "topology":
            // A topology that leaves this node out leaves its neighbours as they are.
            if let names = BroadcastTopology.neighbours(of: self.id, in: request) {
                self.neighbours = names
            }
            return [.reply(to: request, ["type": "topology_ok"])]
        default:
            return [.unsupported(request)]
        }
    }
}
