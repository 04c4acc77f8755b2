import ChaosCore

/// Asks many links whether a pattern selects them, matching each node's name once only: clusters
/// have many more links than nodes.
struct LinkSelection {
    private let pattern: LinkPattern
    // Asked by name only, never gone through.
    private var sources: [NodeName: Bool] = [:]
    private var targets: [NodeName: Bool] = [:]

    init(_ pattern: LinkPattern) { self.pattern = pattern }

    /// Whether a link is selected; the same as `LinkPattern.matches(_:)`.
    mutating func contains(_ link: Link) -> Bool {
        if link.isLoop { return false }
        if let port = self.pattern.port, port != link.port { return false }
        if self.isSource(link.source) && self.isTarget(link.target) { return true }
        return self.pattern.isBothWays && self.isSource(link.target) && self.isTarget(link.source)
    }

    private mutating func isSource(_ node: NodeName) -> Bool {
        if let known = self.sources[node] { return known }
        let matches = self.pattern.sources.matches(node)
        self.sources[node] = matches
        return matches
    }

    private mutating func isTarget(_ node: NodeName) -> Bool {
        if let known = self.targets[node] { return known }
        let matches = self.pattern.targets.matches(node)
        self.targets[node] = matches
        return matches
    }
}
