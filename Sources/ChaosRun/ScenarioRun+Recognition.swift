import ChaosCluster
import ChaosCore
import ChaosProxy
import ChaosScenario
import ChaosSockets

// Where everybody dials one address of a node, only the connecting socket's owner tells the link.

extension ScenarioRun {
    /// The nodes that are told an address which is the same for everyone.
    private var advertisers: [NodeName] {
        self.scenario.nodes.filter(\.usesAdvertisedAddress).map(\.name)
    }

    /// Finds out, before anything starts, whether the scenario needs what this machine does not have.
    func checkRecognition() throws {
        let hasDatagrams = !self.scenario.datagramPorts.isEmpty
        #if !os(Linux)
            if let port = self.scenario.datagramPorts.sorted().first {
                throw RunError("port '\(port)' is udp, which chaos can proxy on Linux alone")
            }
        #endif
        // There each node has an address of its own for everybody.
        if self.isInLab { return }
        guard let node = self.advertisers.first,
            let obstacle = SocketDiagnostics.obstacle(withDatagrams: hasDatagrams)
        else { return }
        throw RunError(
            "\(node): '{advertise}' and '{members}' need socket diagnostics to tell nodes apart, and "
                + "\(obstacle)\n"
                + "hint: where nodes may be told different addresses, {peers} and {peer.NAME} give "
                + "them; otherwise build chaos on Linux with libnl-3-dev and the trait 'Netlink'")
    }

    /// What recognises the nodes of this run; nil where there are none, or nothing can.
    func makeRecognition(_ host: ProcessHost) -> NodeRecognition? {
        // In the lab only clients come in at the proxy.
        if self.scenario.nodes.isEmpty || self.isInLab { return nil }
        let recognition = try? NodeRecognition(
            host: host, nodes: self.scenario.nodes.map(\.name))
        self.holdings.recognition = recognition
        return recognition
    }

    /// Who may dial the address of a route, and how that is told.
    func openers(
        of route: AddressPlan.Route, _ plan: AddressPlan, _ recognition: any OpenerRecognition
    ) -> OpenerRule {
        // Addresses travel: what one node is told, it tells the others.
        let isShared = route.viewer == .client && !self.advertisers.isEmpty
        let sources = ([.client] + plan.nodes).compactMap { dialer in
            plan.source(to: route.node, for: dialer).map { (dialer, $0) }
        }
        return OpenerRule(
            recognition: recognition, sharers: isShared ? plan.nodes : [],
            sources: route.source == nil ? [:] : Dictionary(uniqueKeysWithValues: sources))
    }
}
