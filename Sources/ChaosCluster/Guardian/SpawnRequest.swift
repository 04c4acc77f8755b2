import OrderedCollections

/// What the guardian needs to start one process.
package struct SpawnRequest: Sendable {
    /// Where the process stands among the terminal's jobs.
    package enum Session: Hashable, Sendable {
        /// A session of its own: no terminal, no Ctrl-C. For nodes.
        case own
        /// The process group of chaos itself, so that the terminal talks to it. For a wrapped,
        /// perhaps interactive command.
        case foreground
    }

    /// The descriptors that become 0, 1 and 2. The caller keeps them and closes its copies once
    /// the spawn has returned.
    package struct StandardStreams: Hashable, Sendable {
        package var input: Int32
        package var output: Int32
        package var error: Int32

        package init(input: Int32, output: Int32, error: Int32) {
            self.input = input
            self.output = output
            self.error = error
        }

        /// What chaos itself has.
        package static let inherited = StandardStreams(input: 0, output: 1, error: 2)
    }

    /// Where a process runs that has a place of its own (Linux).
    package struct Placement: Hashable, Sendable {
        /// The network namespace, as a descriptor of this process; nil for chaos's own.
        package var network: Int32?
        /// The host's name there; nil leaves it as it is.
        package var hostName: String?
        /// The file that stands in place of `/etc/hosts`; nil leaves it as it is.
        package var hosts: String?
        /// Whether it gives up all capabilities.
        package var isBare: Bool

        package init(
            network: Int32? = nil, hostName: String? = nil, hosts: String? = nil, isBare: Bool
        ) {
            self.network = network
            self.hostName = hostName
            self.hosts = hosts
            self.isBare = isBare
        }
    }

    /// The program and its arguments. A program without a slash is looked up in the
    /// environment's `PATH`; one with a slash is relative to the directory.
    package var command: [String]
    /// The whole environment; nothing is inherited beside it. The host adds its markers.
    package var environment: OrderedDictionary<String, String>
    /// The working directory, absolute.
    package var directory: String
    package var streams: StandardStreams
    package var session: Session
    /// Where it runs, if not where chaos does.
    package var placement: Placement?
    /// As whom it runs, if not as the user of chaos; only root may say so.
    package var user: UserAccount?
    /// The family that the process and all its descendants belong to, across restarts: a node's
    /// name. Signals to the family find daemons that left their session as well.
    package var family: String

    package init(
        command: [String], environment: OrderedDictionary<String, String>, directory: String,
        streams: StandardStreams, session: Session = .own, family: String
    ) {
        self.command = command
        self.environment = environment
        self.directory = directory
        self.streams = streams
        self.session = session
        self.family = family
    }
}
