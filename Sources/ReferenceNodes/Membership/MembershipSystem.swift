import ChaosCore
import NodeKit

// S04: nodes that find each other by gossip over UDP.
//
//     members -> members_ok{members: [{node, life}]}    those that live, the node itself too
//
// Between nodes: datagrams of a seal (HMAC-SHA256 under the cookie, in hexadecimal), a space, and
// [["n1", life, heartbeat], …], all members that the sender takes for alive.

extension ReferenceSystem {
    static let membership = ReferenceSystem(
        name: "membership", summary: "who is there, found out by gossip over UDP",
        variants: [
            Variant("heartbeats", "whose heartbeat does not grow is dead, and stays so") {
                MembershipNode([])
            },
            Variant("announce-once", "says that it is there once, when it begins") {
                MembershipNode([.announcesOnce])
            },
            Variant("hearsay", "takes every word about a node for a sign of its life") {
                MembershipNode([.believesHearsay])
            },
            Variant("unsealed", "believes whoever sends it anything") {
                MembershipNode([.ignoresSeals])
            },
        ])
}

enum GossipMembership {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// Nodes gossip with those they know, and are known by nobody who missed their first word.
        case announcesOnce
        /// It makes no difference how old the news of a node is.
        case believesHearsay
        /// Datagrams of any cookie are read.
        case ignoresSeals
    }

    /// The time between two words of a node's.
    static let interval = Duration.milliseconds(100)
    /// To how many it speaks each time.
    static let fanOut = 2
    /// After so long without a newer heartbeat a member is dead.
    static let patience = Duration.milliseconds(1500)
    /// How long a dead one is remembered: longer than anybody tells of it.
    static let tombstone = Duration.seconds(30)
}
