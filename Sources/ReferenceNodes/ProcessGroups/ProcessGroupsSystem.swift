import ChaosCore
import NodeKit

// S14: processes on all nodes are members of groups, and what is published to a group reaches its members.
//
//     add{element}       -> add_ok            a process of that name starts on this node and joins
//     remove{element}    -> remove_ok         it ends
//     read               -> read_ok{value}    the names of the members that can be reached
//     publish{message}   -> publish_ok{count} to all of them, at most once
//     inbox{element}     -> inbox_ok{value, age_us}   what a member on this node got, and how long it has lived
//     greetings          -> greetings_ok{value}       what this node published by itself
//
// Every node has a member ["lobby", NODE] of another group from its beginning. When a node comes up, each other one publishes
// a greeting in the lobby.
//
// Between nodes: entries{parts, all_of?}, and message{id, value} to a member.

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
            Variant("publishes-at-nodeup", "publishes before it knows who belongs on a node") {
                ProcessGroups.node([.publishesAtOnce])
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
        /// What is published when a node comes up goes to those who are known to belong at that moment.
        case publishesAtOnce
        /// Members are not monitored.
        case neverMonitors
    }

    static let registry = "groups"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        let types = ["add", "remove", "read", "publish", "inbox", "greetings"]
        return ProcessNode(
            requests: Dictionary(uniqueKeysWithValues: types.map { ($0, Self.registry) })
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child(Self.registry) { GroupRegistry(flaws: flaws) },
                    Supervisor.Child("lobby") { GroupMember(isOfTheLobby: true) },
                ])
        }
    }
}
