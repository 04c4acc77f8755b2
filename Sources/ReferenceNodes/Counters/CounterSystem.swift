import ChaosCore
import NodeKit

// S17, S37: a counter that every node adds to, in parts of the network that may not hear each other.
//
//     add{delta} -> add_ok
//     read       -> read_ok{value}
//
// `g-counter` only grows: a delta below 0 is refused.

extension ReferenceSystem {
    static let gCounter = ReferenceSystem(
        name: "g-counter", summary: "a counter that grows, and is the same everywhere in the end",
        variants: Self.counters(isGrowOnly: true))

    static let pnCounter = ReferenceSystem(
        name: "pn-counter", summary: "the same, up and down",
        variants: Self.counters(isGrowOnly: false))

    private static func counters(isGrowOnly: Bool) -> [Variant] {
        [
            Variant("crdt", "a slot for each node and life, joined by maximum; kept on disk") {
                SlotCounterNode(isGrowOnly: isGrowOnly)
            },
            Variant("seq-kv", "a key for each node in seq-kv, read after a write of its own") {
                StoredCounterNode(isGrowOnly: isGrowOnly)
            },
            Variant("operations", "broadcasts '+1': doubled counts twice, lost not at all") {
                MessageCounterNode(.operations, isGrowOnly: isGrowOnly)
            },
            Variant("total", "broadcasts its total, the latest wins: additions at once are lost") {
                MessageCounterNode(.totals, isGrowOnly: isGrowOnly)
            },
            Variant("local", "each node has a counter of its own") {
                MessageCounterNode(.nothing, isGrowOnly: isGrowOnly)
            },
            Variant("push-only", "never compares: a lost last message is missed for ever") {
                SlotCounterNode([.neverCompares], isGrowOnly: isGrowOnly)
            },
            Variant("volatile", "the same slot from 0 after a restart: additions vanish below it") {
                SlotCounterNode([.forgets], isGrowOnly: isGrowOnly)
            },
            Variant("seq-kv-stale", "reads seq-kv as it comes, and may be shown the past") {
                StoredCounterNode([.readsThePast], isGrowOnly: isGrowOnly)
            },
            Variant("seq-kv-overwrite", "reads and writes one key: two at once, one addition") {
                SharedCounterNode(.overwrites, isGrowOnly: isGrowOnly)
            },
            Variant("seq-kv-retry", "adds again where no answer came: a lost answer counts twice") {
                SharedCounterNode(.addsAgain, isGrowOnly: isGrowOnly)
            },
        ]
    }
}

/// The requests to a counter.
enum CounterRequest {
    case add(Int64)
    case read

    /// Reads a request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ message: Message, isGrowOnly: Bool) throws(RequestRefusal) {
        switch message.type {
        case "read": self = .read
        case "add":
            guard let delta = message["delta"]?.intValue else {
                throw RequestRefusal(message, "'add' has a whole number in 'delta'")
            }
            if isGrowOnly, delta < 0 {
                throw RequestRefusal(
                    message, "this counter only grows, found delta '\(delta)'")
            }
            self = .add(delta)
        default: throw RequestRefusal(unsupported: message)
        }
    }
}

extension Effect {
    static func addOk(to request: Message) -> Effect { .reply(to: request, ["type": "add_ok"]) }

    static func readOk(to request: Message, _ value: Int64) -> Effect {
        .reply(to: request, ["type": "read_ok", "value": .int(value)])
    }
}
