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
