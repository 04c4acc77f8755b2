import ChaosCore
import NodeKit

// S14: processes on all nodes are members of groups, and what is published to a group reaches its members.
//
//     add{element}       -> add_ok            a process of that name starts on this node and joins
//     remove{element}    -> remove_ok         it ends
//     read               -> read_ok{value}    the names of the members that can be reached
//     publish{message}   -> publish_ok{count} to all of them, at most once
//     inbox{element}     -> inbox_ok{value}   what a member on this node got
//
// Between nodes: entries{parts}, and message{value} to a member.

extension ReferenceSystem {
    static let processGroups = ReferenceSystem(
        name: "process-groups",
        summary: "who is a member, on all nodes, and messages to all members",
        variants: [
            Variant("monitored", "members are monitored, and who belongs is compared now and then")
            {
                ProcessGroups.node([])
            },
            Variant("push-only", "tells who joins or leaves once: who was cut off never hears") {
                ProcessGroups.node([.tellsOnce])
            },
            Variant("no-monitor", "nobody watches the members: dead ones stay") {
                ProcessGroups.node([.neverMonitors])
            },
        ])
}

enum ProcessGroups {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// Who belongs is told when it changes, and never again.
        case tellsOnce
        /// Members are not monitored.
        case neverMonitors
    }

    static let registry = "groups"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        let types = ["add", "remove", "read", "publish", "inbox"]
        return ProcessNode(
            requests: Dictionary(uniqueKeysWithValues: types.map { ($0, Self.registry) })
        ) {
            Supervisor(
                .oneForOne,
                [Supervisor.Child(Self.registry) { GroupRegistry(flaws: flaws) }])
        }
    }
}
