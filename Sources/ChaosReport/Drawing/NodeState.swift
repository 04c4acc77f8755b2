import ChaosCore

/// In which state a node was, and from when to when.
package struct NodeSpan: Hashable, Sendable {
    /// The node.
    package var node: String
    /// The state: `starting`, `ready`, `paused`, `killed`, `exited with …`.
    package var state: String
    /// When it began, in seconds since the start.
    package var from: Double
    /// When it ended; nil for the last.
    package var to: Double?

    /// Reads the states out of a node's log: its lines marked `---`.
    package static func spans(of node: String, log: some Sequence<Substring>) -> [NodeSpan] {
        var spans: [NodeSpan] = []
        for line in log {
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
            guard words.count == 3, words[1] == "---", let seconds = Double(words[0]) else {
                continue
            }
            if let last = spans.indices.last { spans[last].to = seconds }
            spans.append(NodeSpan(node: node, state: String(words[2]), from: seconds))
        }
        return spans
    }

    /// How a drawing shows the state; nothing for a node that simply runs.
    var style: String? {
        switch self.state {
        case "ready": nil
        case "starting": "starting"
        case "paused": "paused"
        default: "down"
        }
    }
}
