import ChaosCluster
import ChaosCore
import ChaosMaelstrom
import ChaosScenario

// Nodes that speak Maelstrom's protocol on standard input and output.

extension ScenarioRun {
    /// The nodes that the bridge speaks for.
    private var bridgedNodes: [NodeName] {
        self.scenario.nodes.filter { $0.speech == .maelstrom }.map(\.name)
    }

    /// Whether the bridge listens in somebody's place: then nobody's process has that socket, and the
    /// address alone tells who dialled.
    func isBridged(_ name: NodeName) -> Bool {
        name.isService || self.bridgedNodes.contains(name)
    }

    /// Whether anybody may dial a route: services dial nobody, and clients ask no services.
    static func isUsed(_ route: AddressPlan.Route) -> Bool {
        !route.viewer.isService && !(route.node.isService && route.viewer == .client)
    }

    /// Starts the bridge and the services, if there are nodes that need them.
    func openBridge(_ plan: AddressPlan) async throws -> MaelstromBridge? {
        let nodes = self.bridgedNodes
        if nodes.isEmpty { return nil }
        @Sendable func place(_ endpoint: Endpoint?) -> (host: String, port: Int)? {
            guard case .tcp(let host, let port)? = endpoint else { return nil }
            return (host, Int(port))
        }
        let port = NodeSpec.messagePort
        let bridge: MaelstromBridge
        do {
            bridge = try await MaelstromBridge.start(
                MaelstromBridge.Plan(
                    nodes: nodes, services: self.scenario.services,
                    listen: { place(plan.listen($0, port)) },
                    view: { place(plan.endpoint(of: $0, port, seenBy: $1)) },
                    seed: self.settings.seed.derived("maelstrom"))
            ) { report in Task { await self.take(report) } }
        } catch { throw RunError("the bridge to Maelstrom nodes cannot listen: \(error)") }
        self.holdings.bridge = bridge
        return bridge
    }

    private func take(_ report: MaelstromBridge.Report) {
        switch report {
        case .warning(let sentence): self.warn(sentence)
        case .doubt(let sentence): self.doubt(sentence)
        }
    }
}
