import ChaosCluster
import ChaosCore
import ChaosScenario

// What code around a run asks it, beside commands.
extension ScenarioRun {
    /// Where clients reach a node's port; `nil` without a name is the port that clients use.
    ///
    /// - Throws: `InputError` for nodes and ports that do not exist.
    package func endpoint(of node: NodeName, _ port: PortName?) throws -> Endpoint {
        let parts = try self.live()
        guard let spec = self.scenario.nodes.first(where: { $0.name == node }) else {
            throw InputError(
                "a node is one of the run's", found: node.text,
                hint: Suggestion.hint(
                    for: node.text, among: self.scenario.nodes.map(\.name.text)))
        }
        guard let port = port ?? spec.clientPort ?? spec.ports.first?.name,
            let endpoint = parts.plan.endpoint(of: node, port, seenBy: .client)
        else {
            throw InputError(
                "a port is one of the node's", found: port?.text,
                hint: "known are \(spec.ports.map(\.name.text).joined(separator: ", "))")
        }
        return endpoint
    }

    /// Where clients reach an external server through its link.
    ///
    /// - Throws: `InputError` for links that do not exist.
    package func endpoint(ofLink name: NodeName) throws -> Endpoint {
        let links = try self.live().externalEndpoints
        if let link = links.first(where: { $0.link.name == name }) { return link.endpoint }
        throw InputError(
            "a link is one of the scenario's 'links'", found: name.text,
            hint: links.isEmpty
                ? "there are none"
                : Suggestion.hint(for: name.text, among: links.map(\.link.name.text)))
    }

    /// The names of the nodes in the scenario's order.
    package var nodeNames: [String] { self.scenario.nodes.map(\.name.text) }

    /// The run directory, absolute.
    ///
    /// - Throws: `CommandError` when the run is over.
    package func directoryPath() throws -> String { try self.live().directory.path }

    /// Waits until the workload's clients have sent what they had to; at once without a workload.
    package func waitForLoad() async {
        if self.scenario.workload == nil || self.memory.hasLoadEnded { return }
        await withCheckedContinuation { self.memory.loadWaiters.append($0) }
    }
}
