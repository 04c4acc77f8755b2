import ChaosCore
import NodeKit

// S19: a set to which every node adds, and from which every node removes.
//
//     add{element} -> add_ok   remove{element} -> remove_ok   read -> read_ok{value: […]}

extension ReferenceSystem {
    static let orSet = ReferenceSystem(
        name: "or-set", summary: "a set with removals, the same everywhere in the end",
        variants: [
            Variant("dots", "additions have dots, and removals mark those they saw; on disk") {
                DottedSetNode()
            },
            Variant("deltas", "the same, of which nodes tell each other what is new") {
                DeltaSetNode<ObservedRemoveSet>()
            },
            Variant("deltas-no-context", "forgets a removal that comes before its addition") {
                DeltaSetNode<ContextFreeSet>()
            },
            Variant("no-tombstones", "removes and forgets: who missed it brings the element back") {
                ForgetfulSetNode()
            },
        ])
}

/// The requests to a set with removals.
enum RemovableSetRequest {
    case add(JSONValue)
    case remove(JSONValue)
    case read

    /// Reads a request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ message: Message) throws(RequestRefusal) {
        switch message.type {
        case "read": self = .read
        case "add", "remove":
            guard let element = message["element"] else {
                throw RequestRefusal(message, "'\(message.type)' has something in 'element'")
            }
            self = message.type == "add" ? .add(element) : .remove(element)
        default: throw RequestRefusal(unsupported: message)
        }
    }
}
