import ChaosCore

/// A rule of policy routing (ip-rule(8), linux/fib_rules.h) as a value.
package struct RouteRule: Hashable, Sendable {
    /// Where packets go that a rule selects.
    package enum Verdict: Hashable, Sendable {
        /// Dropped without a word (`FR_ACT_BLACKHOLE`).
        case blackhole
        /// Dropped, and ICMP tells (`FR_ACT_UNREACHABLE`).
        case unreachable
        /// Looked up in a table (`FR_ACT_TO_TBL`).
        case lookup(Table)
    }

    /// Tables of routes.
    package enum Table: UInt32, Hashable, Sendable {
        /// To the packet switch.
        case packetSwitch = 77
        /// To where nodes are.
        case main = 254
        /// What this namespace takes for itself.
        case local = 255
    }

    package var family: LabAddresses.Family
    /// Lower ones are asked first.
    package var priority: UInt32
    /// The interface at which packets come in.
    package var input: String?
    /// An address, or a network behind a slash; the same of the sender.
    package var destination: String?
    package var source: String?
    /// `nil` for all.
    package var transport: Transport?
    package var destinationPort: UInt16?
    package var sourcePort: UInt16?
    package var verdict: Verdict

    /// What a rule can tell apart that has ports.
    package enum Transport: UInt8, Hashable, Sendable {
        case tcp = 6
        case udp = 17
    }

    package init(
        _ family: LabAddresses.Family, priority: UInt32, input: String? = nil,
        destination: String? = nil, source: String? = nil, transport: Transport? = nil,
        destinationPort: UInt16? = nil, sourcePort: UInt16? = nil, _ verdict: Verdict
    ) {
        self.family = family
        self.priority = priority
        self.input = input
        self.destination = destination
        self.source = source
        self.transport = transport
        self.destinationPort = destinationPort
        self.sourcePort = sourcePort
        self.verdict = verdict
    }

    /// The name of the interface at which packets come in that this namespace itself sends, for rules.
    package static let ownPackets = "lo"

    /// In which order rules are asked.
    package enum Priority {
        /// What this namespace sends in a node's place over a link that is cut.
        package static let inPlace: UInt32 = 90
        /// A declared port at the target's end, then one at the source's, then everything of a pair.
        package static let targetPort: UInt32 = 100
        package static let sourcePort: UInt32 = 110
        package static let pair: UInt32 = 200
        /// What the router itself sends goes to where nodes are, and intercepted ports to the router.
        package static let sent: UInt32 = 900
        package static let intercepted: UInt32 = 910
        /// What nobody cut goes to where nodes are, and the rest to this namespace.
        package static let forward: UInt32 = 1000
        package static let own: UInt32 = 1003
    }

    /// The rules that a router has from the start.
    package static let base: [RouteRule] = LabAddresses.Family.allCases.flatMap { family in
        [
            RouteRule(
                family, priority: Priority.forward, destination: LabAddresses.network(family),
                .lookup(.main)),
            RouteRule(family, priority: Priority.own, .lookup(.local)),
        ]
    }
}
