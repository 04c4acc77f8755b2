import ChaosCore

/// A connection to a node that no proxy of ours stands in.
///
/// Faults do not reach such a connection, so a run that had one proves nothing about the link.
package struct Bypass: Hashable, Sendable, CustomStringConvertible {
    /// Who dialled: a node, or `client` for everything else.
    package let dialer: NodeName
    /// Whose socket was dialled.
    package let node: NodeName
    /// Which of its ports that is, or nil for one that the scenario does not declare.
    package let port: PortName?
    /// The address that was dialled.
    package let dialled: Endpoint
    /// The program behind `client`, such as `curl (process 4711)`, where that may be known.
    package let program: String?
    /// What the dialer should have dialled, or nil when the port is not declared.
    package let proxied: Endpoint?

    /// Who reached whom, and how: one line for the result and the console.
    package var sentence: String {
        "\(self.dialer) talks to \(self.node) past chaos: \(self.program ?? "it") dialled "
            + "\(self.dialled) directly"
    }

    /// What may help.
    package var hint: String {
        guard let proxied = self.proxied else {
            return "declare this port under 'ports' of \(self.node), so that it has links"
        }
        if self.dialer == .client { return "clients see it at \(proxied), which is {advertise}" }
        return "\(self.dialer) sees it at \(proxied): give nodes {peers}, not {listen} addresses"
    }

    /// The sentence and, on a line of its own, the hint.
    package var description: String { "\(self.sentence)\nhint: \(self.hint)" }
}
