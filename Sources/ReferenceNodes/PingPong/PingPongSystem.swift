import ChaosCore
import NodeKit

// S07: every node has a producer of pings and a consumer that counts those of all producers.
//
//     send_ping            -> send_ping_ok{index}         the producer's next ping, to all consumers
//     total_pings          -> total_pings_ok{value}       what this node's consumer counted
//     count_for_node{node} -> count_for_node_ok{value}    of one producer
//     get_counts           -> get_counts_ok{counts, bad}  total_pings of all nodes that answer
//     add{delta}, read     -> add_ok, read_ok{value}      so many pings; total_pings
//
// Between nodes: ping{node, index, epoch} and catch_up{node}.

extension ReferenceSystem {
    static let pingPong = ReferenceSystem(
        name: "ping-pong", summary: "producers of pings, and consumers that count them all",
        variants: [
            Variant("epochs", "counts with epochs, on disk, asked for and told again") {
                PingPong.node([])
            },
            Variant("nodeup-only", "told again when a node comes back, and only then") {
                PingPong.node([.neverCompares])
            },
            Variant("relative", "each ping counts one: doubled twice, lost never") {
                PingPong.node([.countsArrivals, .ignoresNodeUp, .neverCompares])
            },
            Variant("no-nodeup", "nobody is told again when a node comes back") {
                PingPong.node([.ignoresNodeUp, .neverCompares])
            },
            Variant("no-catch-up", "a consumer that starts again does not ask") {
                PingPong.node([.neverAsks, .neverCompares])
            },
            Variant("last-wins", "the last ping to arrive wins: one that was overtaken sets back") {
                PingPong.node([.takesTheLast, .neverCompares])
            },
            Variant("volatile", "pings are counted from 0 after a restart, below what others know")
            {
                PingPong.node([.forgets])
            },
            Variant(
                "name-as-count", "sends its name in the place of its count to a node that is back"
            ) {
                PingPong.node([.sendsItsName, .neverCompares])
            },
            Variant(
                "misattributed", "sends its count under the other's name to a node that is back"
            ) {
                PingPong.node([.sendsTheOthersName, .neverCompares])
            },
        ])
}

enum PingPong {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// A consumer counts pings in the place of taking their index.
        case countsArrivals
        /// A producer does not tell a node that comes back.
        case ignoresNodeUp
        /// A consumer that starts does not ask.
        case neverAsks
        /// A consumer takes the index of whatever ping comes last.
        case takesTheLast
        /// A producer keeps its count in memory, and no epoch tells its lives apart.
        case forgets
        /// A producer tells a node that comes back its name in the place of its count.
        case sendsItsName
        /// A producer tells a node that comes back its own count as that node's.
        case sendsTheOthersName
        /// Nobody is told again while nothing happens.
        case neverCompares
    }

    static let producer = "producer"
    static let consumer = "consumer"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(
            requests: [
                "send_ping": Self.producer, "add": Self.producer, "get_counts": Self.producer,
                "total_pings": Self.consumer, "count_for_node": Self.consumer,
                "read": Self.consumer,
            ]
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.consumer) { PingConsumer(flaws: flaws) },
                    Supervisor.Child(Self.producer) { PingProducer(flaws: flaws) },
                ])
        }
    }
}
