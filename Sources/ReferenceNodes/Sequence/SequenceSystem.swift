import ChaosCore
import NodeKit

// S08: every producer numbers its pings from 0, and every consumer expects the next number.
//
//     produce{count}, add{delta} -> produce_ok, add_ok     so many pings
//     broadcast{message}         -> broadcast_ok           one ping that carries a message
//     read                       -> read_ok{value, messages, lost, duplicates}
//     expected_value{node}       -> expected_value_ok{value}
//
// `value` adds up what is expected of all producers, `lost` has the numbers that never came, as ranges.
// Between nodes: ping{node, index, message}, hello{node, expected}, position{node, next},
// heard{node, expected}.

extension ReferenceSystem {
    static let sequence = ReferenceSystem(
        name: "sequence", summary: "numbered pings, and consumers that notice what is missing",
        variants: [
            Variant("resend", "what was not heard comes again until it is: nothing is lost") {
                Sequence.node(.resends)
            },
            Variant("resync", "a gap is noticed, told, and jumped: at most once, and known") {
                Sequence.node(.jumps)
            },
            Variant("counts-only", "counts what arrives, and notices nothing") {
                Sequence.node(.counts)
            },
        ])
}

enum Sequence {
    /// What a consumer does about numbers that it does not expect.
    enum Habit: Sendable {
        case resends, jumps, counts
    }

    static let producer = "producer"
    static let consumer = "consumer"

    static func node(_ habit: Habit) -> ProcessNode {
        ProcessNode(
            requests: [
                "produce": Self.producer, "add": Self.producer, "broadcast": Self.producer,
                "topology": Self.producer, "read": Self.consumer,
                "expected_value": Self.consumer,
            ]
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.consumer) { SequenceConsumer(habit: habit) },
                    Supervisor.Child(Self.producer) { SequenceProducer(habit: habit) },
                ])
        }
    }
}
