import ChaosCore

extension Command {
    /// Checks that every node and port that the command names exists in the cluster.
    ///
    /// `client` exists in every cluster as one end of a link.
    ///
    /// - Throws: `CommandError` (`not-found`) for the first name that does not, with the nearest one.
    package func validate(nodes: [NodeName], ports: [PortName]) throws(CommandError) {
        let names = KnownNames(nodes: nodes, ports: ports)
        switch self {
        case .partition(let partition, _, let named, _):
            for node in partition.namedNodes { try names.check(node, allowsClient: true) }
            for port in named { try names.check(port) }
        case .hold(let links, _), .release(.links(let links)), .clear(.links(let links)):
            for link in links { try names.check(link) }
        case .set(let link, _, _): try names.check(link)
        case .process(_, let pattern): try names.check(pattern, allowsClient: false)
        // Not every packet is of a declared port.
        case .capture(let links, _, _):
            for link in links { try names.check(link, "other") }
        case .heal, .release, .clear, .endCapture, .status, .end: break
        }
    }
}

/// The names of a cluster, for refusing others.
private struct KnownNames {
    let nodes: [NodeName]
    let ports: [PortName]

    func check(_ node: NodeName, allowsClient: Bool) throws(CommandError) {
        if self.nodes.contains(node) || (allowsClient && node == .client) { return }
        throw CommandError(
            .notFound, "a node is one of the run's, found '\(node)'",
            hint: Suggestion.hint(for: node.text, among: self.nodes.map(\.text)))
    }

    func check(_ port: PortName) throws(CommandError) {
        if self.ports.contains(port) { return }
        throw CommandError(
            .notFound, "a port is one of the run's, found '\(port)'",
            hint: Suggestion.hint(for: port.text, among: self.ports.map(\.text)))
    }

    func check(_ pattern: NodePattern, allowsClient: Bool) throws(CommandError) {
        for name in pattern.exactNames { try self.check(name, allowsClient: allowsClient) }
        let all = allowsClient ? self.nodes + [.client] : self.nodes
        if all.contains(where: pattern.matches) { return }
        throw CommandError(
            .notFound, "a pattern matches at least one node, found '\(pattern)'",
            hint: Suggestion.hint(for: pattern.text, among: self.nodes.map(\.text)))
    }

    func check(_ link: LinkPattern, _ more: PortName? = nil) throws(CommandError) {
        try self.check(link.sources, allowsClient: true)
        try self.check(link.targets, allowsClient: true)
        if let port = link.port, port != more { try self.check(port) }
        let all = self.nodes + [.client]
        let sources = all.filter(link.sources.matches)
        let targets = all.filter(link.targets.matches)
        // Names differ, so two of either side make a pair of different nodes.
        let isLoop = sources.count == 1 && sources == targets
        if sources.isEmpty || targets.isEmpty || isLoop {
            throw CommandError(.notFound, "a link joins two different nodes, found '\(link)'")
        }
    }
}
