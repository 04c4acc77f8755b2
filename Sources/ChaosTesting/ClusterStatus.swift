import ChaosControl
import ChaosCore

/// Where a client reaches a node.
public struct NodeAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host, a number; empty for a Unix socket.
    public let host: String
    /// The port; 0 for a Unix socket.
    public let port: Int
    /// The path of a Unix socket.
    public let path: String?

    init(_ endpoint: Endpoint) {
        switch endpoint {
        case .tcp(let host, let port):
            self.host = host
            self.port = Int(port)
            self.path = nil
        case .unix(let path):
            self.host = ""
            self.port = 0
            self.path = path
        }
        self.text = endpoint.description
    }

    /// `127.77.0.1:7001`, or the path of a socket.
    public var description: String { self.text }

    private let text: String
}

/// What a cut does to connections and to what is sent over them.
public enum CutMode: String, CaseIterable, Sendable {
    /// Messages vanish, connections live; needs a framing.
    case lose
    /// Silence: connections stall, connects time out, and what was sent arrives after heal.
    case drop
    /// Connections are reset, connects refused.
    case reject
    /// Connections stall, connects succeed.
    case hold
    /// Established connections live, new ones fail.
    case newOnly = "new-only"
    /// Established connections are reset, new ones work.
    case establishedOnly = "established-only"
}

/// One thing that was done to a live cluster.
public struct Injection: Hashable, Sendable, CustomStringConvertible {
    /// By what it is undone, such as `p1`.
    public let id: String
    /// What it does, in the words of a scenario.
    public let text: String
    /// How many open connections it applied to when it took effect.
    public let connections: Int

    init(_ receipt: InjectionReceipt) {
        self.id = receipt.injection.id.text
        self.text = receipt.injection.text
        self.connections = receipt.connections
    }

    /// `p1: n1 / n2 n3`.
    public var description: String { "\(self.id): \(self.text)" }
}

/// One line that a node wrote.
public struct LogLine: Hashable, Sendable {
    /// The node's name.
    public let node: String
    /// The line without its end.
    public let text: String
    /// Its place among all lines of the run.
    let number: Int
}

/// What a cluster looks like at one moment.
public struct ClusterStatus: Sendable {
    /// The nodes in the scenario's order.
    public let nodes: [Node]
    /// The directed links with their traffic, in order.
    public let links: [Link]
    /// What is on: cuts, faults and pauses, as `p1: n1 / n2 n3`.
    public let injections: [String]

    /// One node.
    public struct Node: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// `starting`, `running`, `paused`, `stopped`, `killed` or `died`.
        public let state: String
        /// Its process, while it has one.
        public let pid: Int?
        /// How often it was started again.
        public let restarts: Int
    }

    /// One directed link of one port.
    public struct Link: Hashable, Sendable {
        /// `n1->n2:main`.
        public let name: String
        /// How many connections that its source opened are open.
        public let connections: Int
        /// How many bytes it delivered.
        public let bytes: Int
        /// Whether something cuts it.
        public let isCut: Bool
    }

    init(_ status: RunStatus) {
        self.nodes = status.nodes.map { node in
            Node(
                name: node.name.text, state: node.state.rawValue, pid: node.pid,
                restarts: node.restarts)
        }
        self.links = status.links.map { link in
            Link(
                name: link.link.description, connections: link.connections, bytes: link.bytes,
                isCut: link.isCut)
        }
        self.injections = status.injections.map { "\($0.id): \($0.text)" }
    }

    /// The node with this name.
    public subscript(name: String) -> Node? { self.nodes.first { $0.name == name } }
}
