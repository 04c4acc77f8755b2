import ChaosCore
import ChaosScenario

extension Command {
    /// Checks that every node and port that the command names exists in the cluster.
    ///
    /// `client` exists in every cluster as one end of a link.
    ///
    /// - Throws: `CommandError` (`not-found`) for the first name that does not, with the nearest one.
    package func validate(
        nodes: [NodeName], ports: [PortName], book: AddressBook = AddressBook()
    ) throws(CommandError) {
        let names = KnownNames(nodes: nodes, ports: ports, book: book)
        switch self {
        case .partition(let partition, _, let named, _):
            for pattern in partition.patterns { try names.checkBlocks(of: pattern) }
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

extension Command {
    /// The same command, whose blocks of addresses mean the nodes that this book has in them.
    package func resolved(in book: AddressBook) -> Command {
        func resolve(_ links: [LinkPattern]) -> [LinkPattern] {
            links.map { $0.resolved(in: book) }
        }
        func resolve(_ selection: InjectionSelection) -> InjectionSelection {
            if case .links(let links) = selection { return .links(resolve(links)) }
            return selection
        }
        return switch self {
        case .partition(let partition, let mode, let ports, let lease):
            .partition(partition.resolved(in: book), mode: mode, ports: ports, lease: lease)
        case .hold(let links, let lease): .hold(resolve(links), lease: lease)
        case .release(let selection): .release(resolve(selection))
        case .clear(let selection): .clear(resolve(selection))
        case .set(let link, let faults, let lease):
            .set(link.resolved(in: book), faults, lease: lease)
        case .process(let action, let pattern): .process(action, pattern.resolved(in: book))
        case .capture(let links, let file, let lease):
            .capture(resolve(links), file: file, lease: lease)
        case .heal, .endCapture, .status, .end: self
        }
    }
}

/// The names of a cluster, for refusing others.
private struct KnownNames {
    let nodes: [NodeName]
    let ports: [PortName]
    let book: AddressBook

    func checkBlocks(of pattern: NodePattern) throws(CommandError) {
        for block in pattern.blocks where self.book.nodes(in: block).isEmpty {
            throw CommandError(
                .notFound, "a block of addresses has a node in it, found '\(block)'",
                hint: self.book.addresses.isEmpty
                    ? "no node has an address that stays" : self.book.hint)
        }
    }

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
        try self.checkBlocks(of: pattern)
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
