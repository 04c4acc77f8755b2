import ChaosCore

/// One node of a scenario: a command that `chaos` starts and supervises.
package struct NodeSpec: Hashable, Sendable {
    /// The node's name.
    package var name: NodeName
    /// The command with its placeholders.
    package var command: CommandLine
    /// Additional environment, in order, with placeholders in the values.
    package var environment: [EnvironmentVariable]
    /// The working directory, with placeholders; `nil` is where `chaos` was started.
    package var directory: String?
    /// Where it listens and is found by blocks of addresses; `nil` is wherever its backend puts it.
    package var address: IPAddress?
    /// As whom root starts it, a name or number; anybody else starts it as himself.
    package var user: String?
    /// The ports in order; the first is the one that `{listen}` means.
    package var ports: [PortSpec]
    /// When the node counts as ready; all conditions must hold.
    package var ready: [ReadyCondition]
    /// How long it may take to become ready.
    package var readyWithin: Duration
    /// What happens when it ends by itself.
    package var restart: RestartPolicy
    /// How its clients and peers reach it.
    package var speech: Speech

    /// How a node is reached.
    package enum Speech: String, CaseIterable, Sendable {
        /// It listens at its ports.
        case ports
        /// It speaks Maelstrom's protocol on standard input and output, and `chaos` listens in its
        /// place at the one port ``NodeSpec/messagePort``.
        case maelstrom
    }

    /// The port of a node that speaks on standard input and output, and of every service.
    package static let messagePort: PortName = "main"

    /// Makes a node with one automatic port named `main`.
    package init(name: NodeName, command: CommandLine) {
        self.name = name
        self.command = command
        self.environment = []
        self.ports = [PortSpec(name: "main")]
        self.ready = []
        self.readyWithin = .seconds(10)
        self.restart = .no
        self.speech = .ports
    }
}

/// A variable that a node finds in its environment.
package struct EnvironmentVariable: Hashable, Sendable {
    /// The name: letters, digits and `_`.
    package var name: String
    /// The value, with placeholders.
    package var value: String

    /// Makes a variable.
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A command, not yet expanded.
package enum CommandLine: Hashable, Sendable {
    /// One text, split into words like a shell does, but without a shell.
    case text(String)
    /// Words, taken as they are.
    case words([String])
}

/// A named port of a node.
package struct PortSpec: Hashable, Sendable {
    /// The name.
    package var name: PortName
    /// The fixed number, or `nil` for a free one.
    package var number: UInt16?
    /// What it speaks.
    package var transport: Transport

    /// What a port speaks.
    package enum Transport: String, CaseIterable, Sendable { case tcp, udp, unix }

    /// Whether its number can only be another port's that speaks something else.
    func collides(with other: PortSpec) -> Bool {
        self.number != nil && self.number == other.number && self.transport == other.transport
    }

    /// Makes a port.
    package init(name: PortName, number: UInt16? = nil, transport: Transport = .tcp) {
        self.name = name
        self.number = number
        self.transport = transport
    }
}

/// One thing that shows that a node is ready.
package enum ReadyCondition: Hashable, Sendable {
    /// The port accepts connections.
    case tcp(PortName)
    /// A line of output contains this text, or matches it between slashes as a regular expression.
    case log(String)
    /// `GET` of this path on the port (the first, if none is named) answers 200.
    case http(path: String, port: PortName?)
}

/// What happens when a node ends by itself.
package enum RestartPolicy: String, CaseIterable, Sendable {
    case no
    case onFailure = "on-failure"
    case always
}
