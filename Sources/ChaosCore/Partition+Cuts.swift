extension Partition {
    /// The directed pairs of nodes that this partition cuts in a cluster, sorted.
    ///
    /// `nodes` are the cluster's, in order, without `client`; only shapes that choose at random draw
    /// from the generator. A service is one of the nodes only where the partition names it.
    package func cuts(among nodes: [NodeName], using generator: inout Generator) -> [DirectedPair] {
        let nodes = self.concerned(among: nodes)
        let cut: Set<DirectedPair>
        switch self.drawn(among: nodes, using: &generator) {
        case .groups(let patterns):
            cut = Self.cuts(between: Self.resolve(patterns, among: nodes))
        case .oneWay(let from, let to):
            let ends = Self.resolve([from, to], among: nodes)
            cut = Set(ends[0].flatMap { source in ends[1].map { DirectedPair(source, $0) } })
        case .isolate(let members):
            cut = Self.isolating(Self.select(members, among: nodes), among: nodes)
        case .majoritiesRing: cut = Self.majoritiesRing(generator.shuffled(nodes))
        case .isolateRandom, .halves, .randomHalves, .majority, .bridge:
            preconditionFailure("a drawn partition names its nodes")
        }
        return cut.filter { $0.source != $0.target }.sorted()
    }

    /// The partition with its nodes chosen, for shapes that groups of nodes can describe; all but
    /// `majorities-ring`, which stays as it is and is drawn by ``cuts(among:using:)``.
    package func drawn(among nodes: [NodeName], using generator: inout Generator) -> Partition {
        func split(_ nodes: [NodeName], at end: Int, overlap: Int = 0) -> Partition {
            .groups([
                nodes.prefix(end + overlap).sorted().map { NodePattern($0) },
                nodes.dropFirst(end).sorted().map { NodePattern($0) },
            ])
        }
        let nodes = self.concerned(among: nodes)
        switch self {
        case .groups, .oneWay, .isolate, .majoritiesRing: return self
        case .isolateRandom: return .isolate(generator.pick(nodes).map { [NodePattern($0)] } ?? [])
        case .halves: return split(nodes, at: nodes.count / 2)
        case .randomHalves: return split(generator.shuffled(nodes), at: nodes.count / 2)
        case .majority: return split(generator.shuffled(nodes), at: max(0, nodes.count - 1) / 2)
        case .bridge:
            return split(generator.shuffled(nodes), at: nodes.count / 2, overlap: 1)
        }
    }

    /// All nodes without the services that the partition does not name.
    private func concerned(among nodes: [NodeName]) -> [NodeName] {
        if !nodes.contains(where: \.isService) { return nodes }
        let named = Set(self.namedNodes)
        return nodes.filter { !$0.isService || named.contains($0) }
    }

    private static func select(_ patterns: [NodePattern], among nodes: [NodeName]) -> [NodeName] {
        (nodes + [.client]).filter { node in patterns.contains { $0.matches(node) } }
    }

    private static func resolve(
        _ groups: [[NodePattern]], among nodes: [NodeName]
    ) -> [[NodeName]] {
        let isRest = { (pattern: NodePattern) in pattern.text == "rest" }
        let named = groups.map { Self.select($0.filter { !isRest($0) }, among: nodes) }
        let all = Set(named.flatMap { $0 })
        return zip(groups, named).map { group, members in
            group.contains(where: isRest) ? members + nodes.filter { !all.contains($0) } : members
        }
    }

    /// Two nodes are cut unless some group holds both; who is in no group is left alone.
    private static func cuts(between groups: [[NodeName]]) -> Set<DirectedPair> {
        let members = Set(groups.flatMap { $0 })
        var cut: Set<DirectedPair> = []
        for source in members {
            for target in members
            where !groups.contains(where: { $0.contains(source) && $0.contains(target) }) {
                cut.insert(DirectedPair(source, target))
            }
        }
        return cut
    }

    private static func isolating(
        _ members: [NodeName], among nodes: [NodeName]
    ) -> Set<DirectedPair> {
        Set(
            members.flatMap { member in
                nodes.flatMap { [DirectedPair(member, $0), DirectedPair($0, member)] }
            })
    }

    /// Each node hears a majority of consecutive nodes on a ring, itself in their middle.
    private static func majoritiesRing(_ ring: [NodeName]) -> Set<DirectedPair> {
        let majority = ring.count / 2 + 1
        let before = (majority - 1) / 2
        var cut: Set<DirectedPair> = []
        for (i, target) in ring.enumerated() {
            for (j, source) in ring.enumerated() {
                let place = (j - i + before + 2 * ring.count) % ring.count
                if place >= majority { cut.insert(DirectedPair(source, target)) }
            }
        }
        return cut
    }
}
