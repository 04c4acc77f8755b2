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
            Variant("retry", "repeats until acknowledged; a neighbour that forgets is not healed") {
                RetryBroadcast()
            },
            Variant("naive", "tells each neighbour once; a lost message is lost for ever") {
                NaiveBroadcast()
            },
        ])
}

/// What every variant keeps: the values it knows, and with whom it talks.
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
            return [
                .reply(to: request, ["type": "read_ok", "messages": .array(Array(self.values))])
            ]
        case "topology":
            // A topology that leaves this node out leaves its neighbours as they are.
            if let names = request["topology"]?[self.id]?.arrayValue {
                self.neighbours = names.compactMap(\.stringValue).filter { $0 != self.id }
            }
            return [.reply(to: request, ["type": "topology_ok"])]
        default:
            return [.unsupported(request)]
        }
    }
}
