import ChaosCore

/// What a node is doing.
package enum NodeState: Hashable, Sendable {
    /// Its process runs, but it has not shown yet that it is ready.
    case starting
    /// It has shown that it is ready.
    case ready
    /// It was stopped by SIGSTOP, all of its processes.
    case paused
    /// Its process ended, by itself or after SIGTERM.
    case exited(ProcessExit)
    /// It was killed on purpose.
    case killed
    /// It ended by itself and will be started again.
    case restarting
    /// Its process could not be started.
    case unstarted

    /// Whether it has a process.
    package var isRunning: Bool {
        switch self {
        case .starting, .ready, .paused: true
        case .exited, .killed, .restarting, .unstarted: false
        }
    }
}

extension NodeState: CustomStringConvertible {
    /// One word, and the exit status where there is one.
    package var description: String {
        switch self {
        case .starting: "starting"
        case .ready: "ready"
        case .paused: "paused"
        case .exited(let status): "\(status)"
        case .killed: "killed"
        case .restarting: "restarting"
        case .unstarted: "not started"
        }
    }
}

/// Something that happened to a node.
package enum NodeEvent: Sendable {
    /// It is in another state; what was asked for has taken effect.
    case changed(NodeName, NodeState, at: Instant)
    /// It ended although nobody had asked for it.
    case died(NodeDeath, at: Instant)
}

/// The end of a node that nobody had asked for.
package struct NodeDeath: Sendable {
    package let node: NodeName
    package let status: ProcessExit
    /// Up to 20 lines, the last one last.
    package let lastLines: [String]
    /// Whether its restart policy brings it back.
    package let willRestart: Bool
    /// Why it is not brought back although the policy says so.
    package let reason: String?

    /// One sentence, then the last lines.
    package var description: String {
        let rest = self.willRestart ? "; it restarts" : self.reason.map { "; \($0)" } ?? ""
        return "\(self.node): it died unexpectedly, found that it \(self.status)\(rest)"
            + NodeFailure.quoted(self.lastLines)
    }
}

/// One line that a node wrote.
package struct NodeLine: Hashable, Sendable {
    /// Where it was written.
    package enum Stream: String, Sendable { case output = "out", error = "err" }

    package let node: NodeName
    package let stream: Stream
    package let at: Instant
    package let text: String

    package init(node: NodeName, stream: Stream, at: Instant, text: String) {
        self.node = node
        self.stream = stream
        self.at = at
        self.text = text
    }
}

/// Who is told what nodes do. Both are called in order for each node, on threads of the
/// supervisor; while `onLine` works, the node's output waits in its pipe.
package struct NodeObserver: Sendable {
    package var onEvent: @Sendable (NodeEvent) -> Void
    package var onLine: @Sendable (NodeLine) -> Void

    package init(
        onEvent: @escaping @Sendable (NodeEvent) -> Void = { _ in },
        onLine: @escaping @Sendable (NodeLine) -> Void = { _ in }
    ) {
        self.onEvent = onEvent
        self.onLine = onLine
    }
}

/// Why a node does not do what it should.
package struct NodeFailure: Error, Sendable, CustomStringConvertible {
    package let node: NodeName
    /// Rule and finding, without the node's name.
    package let sentence: String
    package let hint: String?
    /// Up to 20 lines that it wrote, the last one last.
    package let lastLines: [String]

    init(_ node: NodeName, _ sentence: String, hint: String? = nil, lastLines: [String] = []) {
        self.node = node
        self.sentence = sentence
        self.hint = hint
        self.lastLines = lastLines
    }

    /// What waiting for a node ends with when another one has failed already.
    static func givenUp(_ node: NodeName) -> NodeFailure {
        NodeFailure(node, Self.givenUpSentence)
    }

    private static let givenUpSentence = "it was not awaited, because another node failed"

    /// Whether this is only the echo of another node's failure.
    var isGivenUp: Bool { self.sentence == Self.givenUpSentence }

    /// The sentence, the hint, and the node's last lines.
    package var description: String {
        let hint = self.hint.map { "\nhint: \($0)" } ?? ""
        return "\(self.node): \(self.sentence)\(hint)\(Self.quoted(self.lastLines))"
    }

    static func quoted(_ lines: [String]) -> String {
        lines.isEmpty ? "" : "\nits last lines:" + lines.map { "\n  | \($0)" }.joined()
    }
}
