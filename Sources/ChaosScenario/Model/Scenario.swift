import ChaosCore

/// Everything a run needs to know: nodes, network, schedule, workload and checks.
package struct Scenario: Hashable, Sendable {
    /// The name that reports show.
    package var name: String
    /// One line about what it shows.
    package var summary: String
    /// The seed, if the file fixes one.
    package var seed: Seed?
    /// The folder that `{here}` stands for, absolute: the file's own unless the file says another;
    /// `nil` is where `chaos` was started.
    package var here: String?
    /// What carries the bytes.
    package var backend: Backend
    /// What decides about packets, if the file says it.
    package var engine: PacketEngine?
    /// How nodes get their addresses.
    package var addressing: Addressing
    /// The nodes in order.
    package var nodes: [NodeSpec]
    /// Explicit links to servers that run already, for a wrapped command.
    package var externalLinks: [ExternalLink]
    /// Services outside of the lab that nodes may use.
    package var exposedServices: [ExposedService]
    /// The conditions of the network.
    package var network: NetworkSpec
    /// What happens when.
    package var schedule: [ScheduleEntry]
    /// The links whose packets are written into a file of the run.
    package var captures: [LinkPattern]
    /// The clients that drive the cluster.
    package var workload: WorkloadSpec?
    /// What is checked in the end, in order.
    package var checks: [CheckSpec]
    /// The verdict that makes the run succeed.
    package var expectation: Expectation?
    /// How long the run lasts, unless the workload or a wrapped command decides.
    package var duration: Duration?
    /// What it teaches, if it is one of the lessons.
    package var lesson: LessonSpec?

    /// Makes a scenario without nodes.
    package init(name: String) {
        self.name = name
        self.summary = ""
        self.backend = .automatic
        self.addressing = .automatic
        self.nodes = []
        self.externalLinks = []
        self.exposedServices = []
        self.network = NetworkSpec()
        self.schedule = []
        self.captures = []
        self.checks = []
    }

    /// The services that the nodes may call: all of Maelstrom's where a node speaks its protocol.
    package var services: [NodeName] {
        self.nodes.contains { $0.speech == .maelstrom } ? NodeName.services : []
    }

    /// Makes the network one of messages where nodes speak them on standard input and output: their
    /// port is framed in lines, and a partition loses messages unless the scenario says otherwise.
    package mutating func assumeMessages() {
        guard self.nodes.contains(where: { $0.speech == .maelstrom }) else { return }
        let port = NodeSpec.messagePort
        if self.network.framing[port] == nil { self.network.framing[port] = .lines }
        if self.network.partitionMode == nil { self.network.partitionMode = .lose }
    }

    /// How nodes get their addresses (design, section 11).
    package enum Addressing: String, CaseIterable, Sendable {
        /// Loopback addresses on Linux, ports elsewhere.
        case automatic = "auto"
        /// `127.B.view.node`, the same port everywhere.
        case loopback
        /// A port of its own for every node and link, on `127.0.0.1`.
        case ports
        /// The same on `::1`.
        case ipv6
    }

    /// The verdict that makes a run succeed.
    package struct Expectation: Hashable, Sendable {
        /// `valid`, `invalid` or `unknown`.
        package var verdict: String
        /// The anomaly that must be among the findings.
        package var anomaly: String?

        /// Makes an expectation.
        package init(verdict: String, anomaly: String? = nil) {
            self.verdict = verdict
            self.anomaly = anomaly
        }
    }
}

/// A link from a wrapped command to a server that runs already.
package struct ExternalLink: Hashable, Sendable {
    /// The name; the command finds the proxied address in `CHAOS_LINK_<NAME>`.
    package var name: NodeName
    /// Where the server listens.
    package var upstream: Endpoint
    /// Where the proxy listens; `nil` takes a free port.
    package var listen: Endpoint?

    /// Makes a link.
    package init(name: NodeName, upstream: Endpoint, listen: Endpoint? = nil) {
        self.name = name
        self.upstream = upstream
        self.listen = listen
    }

    /// The one port that an external server has.
    package static let port: PortName = "main"
}

/// A service outside of the lab that its nodes find by name: the host does not know that they are
/// elsewhere.
package struct ExposedService: Hashable, Sendable {
    /// The name by which nodes find it, at the service's own port.
    package var name: NodeName
    /// Where it listens outside; TCP.
    package var target: Endpoint

    /// Makes a service.
    package init(name: NodeName, target: Endpoint) {
        self.name = name
        self.target = target
    }
}

/// The network of a scenario, or all of a profile.
package struct NetworkSpec: Hashable, Sendable {
    /// The profile's name, if one is used; its rules are already among `rules`.
    package var profile: String?
    /// The faults that are always there: the profile's first, then the scenario's.
    package var rules: [FaultRule]
    /// The framing of each port's connections; ports without one have none.
    package var framing: [PortName: Framing]
    /// The mode of partitions that name none.
    package var partitionMode: PartitionMode?
    /// How much one direction of a delayed connection may hold.
    package var queueLimit: ByteCount

    /// Makes a clean network.
    package init() {
        self.rules = []
        self.framing = [:]
        self.queueLimit = ByteCount(32 << 20)
    }
}

/// Faults on the links that a pattern selects.
package struct FaultRule: Hashable, Sendable {
    /// The links.
    package var links: LinkPattern
    /// The faults, at most one of each kind.
    package var faults: [Fault]

    /// Makes a rule.
    package init(links: LinkPattern, faults: [Fault]) {
        self.links = links
        self.faults = faults
    }
}

/// A reusable description of network conditions, and a schedule if wanted.
package struct Profile: Hashable, Sendable {
    /// The name by which scenarios use it.
    package var name: String
    /// One line for `chaos profiles`.
    package var summary: String
    /// The conditions.
    package var network: NetworkSpec
    /// What happens when.
    package var schedule: [ScheduleEntry]

    /// Makes a profile.
    package init(
        name: String, summary: String, network: NetworkSpec, schedule: [ScheduleEntry] = []
    ) {
        self.name = name
        self.summary = summary
        self.network = network
        self.schedule = schedule
    }
}

/// The clients that drive a cluster: a kind and its parameters, which the workload itself reads.
package struct WorkloadSpec: Hashable, Sendable {
    /// The workload's name, such as `broadcast`.
    package var kind: String
    /// Everything else in the mapping, texts untouched.
    package var parameters: JSONObject
    /// How long the load lasts, from `for`.
    package var duration: Duration?

    /// Makes a workload.
    package init(kind: String, parameters: JSONObject = [:], duration: Duration? = nil) {
        self.kind = kind
        self.parameters = parameters
        self.duration = duration
    }

    /// The nodes that clients talk to (`nodes: n1 n2`, or a list); `nil` is all that have a TCP port.
    package var nodes: [NodeName]? {
        switch self.parameters["nodes"] {
        case .string(let text)?:
            text.split { $0 == " " || $0 == "," }.map { NodeName(String($0)) }
        case .array(let names)?: names.map { NodeName($0.stringValue ?? $0.text) }
        default: nil
        }
    }
}

/// One check: a checker's name and its parameters, which the checker itself reads.
package struct CheckSpec: Hashable, Sendable {
    /// The checker's name, such as `set-full`.
    package var name: String
    /// The parameters, texts untouched.
    package var parameters: JSONObject

    /// Makes a check.
    package init(name: String, parameters: JSONObject = [:]) {
        self.name = name
        self.parameters = parameters
    }
}
