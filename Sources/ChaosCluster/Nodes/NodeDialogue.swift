import ChaosCore

/// Whoever talks to nodes over their standard input and output, such as a bridge between such nodes
/// and the network.
///
/// The supervisor starts and ends the processes and still reads their standard error; what they read
/// and write otherwise belongs to the dialogue.
package protocol NodeDialogue: Sendable {
    /// A process of the node has been started. The dialogue owns both descriptors from now on.
    ///
    /// - Parameters:
    ///   - input: Where the process reads: the end to write to.
    ///   - output: Where the process writes: the end to read from.
    func begin(_ node: NodeName, input: Int32, output: Int32)

    /// What the dialogue waits for before the node is ready, as a rule for people.
    var readinessRule: String { get }

    /// Nil when the node is ready, or what was found instead.
    func lackOfReadiness(_ node: NodeName) -> NodeLack?

    /// The process of the node has ended and its output too, as far as that could be waited for.
    ///
    /// - Returns: The last lines that it wrote to standard output.
    func end(_ node: NodeName) async -> [String]
}

/// Why a node that is talked to is not ready.
package struct NodeLack: Hashable, Sendable {
    /// What was found.
    package var finding: String
    /// What could mend it, if that is known.
    package var hint: String?

    package init(_ finding: String, hint: String? = nil) {
        self.finding = finding
        self.hint = hint
    }
}
