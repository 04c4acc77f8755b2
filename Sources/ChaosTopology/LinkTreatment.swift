import ChaosCore

/// What happens to the packets of one directed link.
package enum LinkTreatment: Hashable, Sendable {
    /// The kernel forwards them.
    case open
    /// The kernel drops them and says nothing.
    case dropped
    /// The kernel drops them and tells the sender that there is no way to the target (ICMP).
    case unreachable
    /// The kernel answers in the target's place that nobody is there: RST, or ICMP's "port unreachable".
    case refused
    /// They cross the packet switch, where the engine decides about each.
    case switched
    /// The kernel forwards them, and its network emulator delays and loses them (`engine: netem`).
    case shaped
    /// They belong to connections that the proxy accepts in the target's place.
    case intercepted

    /// What a link's cuts and faults come to. The strictest counts: nothing is delayed that is not
    /// delivered.
    ///
    /// - Parameters:
    ///   - cuts: The modes of the cuts that cover the link.
    ///   - reversedCuts: Those of the link the other way.
    ///   - faults: The kinds of the faults in force on it.
    ///   - hasMessages: Whether the proxy can take away messages of it, and leave connections alive.
    package init(
        cuts: [PartitionMode], reversedCuts: [PartitionMode], faults: [FaultKind],
        hasMessages: Bool = false
    ) {
        if cuts.contains(.drop) || (cuts.contains(.lose) && !hasMessages) {
            self = .dropped
        } else if cuts.contains(.unreachable) {
            self = .unreachable
        } else if cuts.contains(.reject) || faults.contains(.refuse) {
            self = .refused
        } else if !cuts.isEmpty || !faults.isEmpty || reversedCuts.contains(.establishedOnly) {
            self = .switched
        } else {
            self = .open
        }
    }

    /// The same of a port whose connections go through the proxy: it does all but what only routes can.
    package var whereIntercepted: LinkTreatment {
        switch self {
        case .dropped, .unreachable: self
        case .open, .refused, .switched, .shaped, .intercepted: .intercepted
        }
    }

    /// Whether nothing gets through.
    package var isCut: Bool {
        switch self {
        case .dropped, .unreachable, .refused: true
        case .open, .switched, .shaped, .intercepted: false
        }
    }
}
