import ChaosCore
import NodeKit

// S37: one counter, which is read and added to from several nodes. Whose is it?
//
//     add{delta} -> add_ok
//     read       -> read_ok{value}
//
// Two answers are right, and each has its price: a slot for each node is always available, and nodes may differ for a
// while; a majority that agrees on every addition never differs, and a minority has to wait.

extension ReferenceSystem {
    static let distributedCounter = ReferenceSystem(
        name: "distributed-counter",
        summary: "one counter for a cluster: whose is it?",
        variants: [
            Variant("crdt", "a slot for each node, joined: always available, equal in the end") {
                SlotCounterNode(isGrowOnly: false)
            },
            Variant("quorum", "a majority agrees on every addition: one counter at any time") {
                RaftNode<CounterMachine>()
            },
            Variant("local-name", "registered under a local name: a counter for each node") {
                MessageCounterNode(.nothing, isGrowOnly: false)
            },
            Variant("single-owner", "the first node has it, on disk: alone, nobody else can count")
            {
                RPCNode(.exactlyOnce)
            },
            Variant("recreated", "the first node that lives has it: its next owner begins at 0") {
                RecreatedCounterNode()
            },
        ])
}

/// A count, as what a replicated log is applied to.
struct CounterMachine: StateMachine {
    private var count: Int64 = 0

    init() {}

    init(snapshot: JSONValue) { self.count = snapshot.intValue ?? 0 }

    var snapshot: JSONValue { .int(self.count) }

    static func isQuery(_ request: Message) throws(RequestRefusal) -> Bool {
        if case .read = try CounterRequest(request, isGrowOnly: false) { return true }
        return false
    }

    mutating func apply(_ request: JSONObject) -> JSONObject {
        self.count += request["delta"]?.intValue ?? 0
        return ["type": "add_ok", "value": .int(self.count)]
    }

    func query(_ request: JSONObject) -> JSONObject {
        ["type": "read_ok", "value": .int(self.count)]
    }
}
