import ChaosCore
import ChaosScenario

/// Draws what a nemesis does at one of its firings, within its budget.
///
/// The order in which kinds are tried and each kind's choices come from seeds of their own, so that
/// what one kind draws does not depend on whether another one had room.
struct NemesisDraw {
    let kinds: [NemesisKind]
    let budget: Budget
    let mode: PartitionMode?
    let nodes: [NodeName]
    let seed: Seed
    /// What is on already.
    let disturbance: Disturbance

    /// The first kind in random order that keeps within the budget, or `nil`.
    func action() -> ConcreteAction? {
        var generator = self.seed.generator
        for kind in generator.shuffled(self.kinds) {
            var own = self.seed.derived(kind.rawValue).generator
            if let action = self.action(kind, &own) { return action }
        }
        return nil
    }

    private var limit: Int {
        switch self.budget {
        case .minority: max(0, self.nodes.count - 1) / 2
        case .nodes(let number): number
        case .all: self.nodes.count
        }
    }

    private func fits(down node: NodeName? = nil, cuts: [DirectedPair] = []) -> Bool {
        var disturbance = self.disturbance
        if let node { disturbance.down.insert(node) }
        disturbance.cuts.formUnion(cuts)
        return disturbance.disturbed(among: self.nodes) <= self.limit
    }

    private func action(_ kind: NemesisKind, _ generator: inout Generator) -> ConcreteAction? {
        switch kind {
        case .partition:
            let shapes: [NemesisKind] = [
                .randomHalves, .isolate, .oneWay, .majority, .majoritiesRing, .bridge,
            ]
            for shape in generator.shuffled(shapes) {
                if let action = self.action(shape, &generator) { return action }
            }
            return nil
        case .halves: return self.cut([.halves], &generator)
        case .randomHalves:
            return self.cut(Array(repeating: .randomHalves, count: 8), &generator)
        case .majority: return self.cut(Array(repeating: .majority, count: 8), &generator)
        case .majoritiesRing: return self.cut([.majoritiesRing], &generator)
        case .bridge: return self.cut(Array(repeating: .bridge, count: 8), &generator)
        case .isolate:
            return self.cut(
                generator.shuffled(self.nodes).map { .isolate([NodePattern($0)]) }, &generator)
        case .oneWay:
            let isSender = generator.chance(Ratio(percent: 50))
            return self.cut(
                generator.shuffled(self.nodes).map { node in
                    let one = [NodePattern(node)]
                    let others = self.nodes.filter { $0 != node }.map { NodePattern($0) }
                    return isSender
                        ? .oneWay(from: one, to: others) : .oneWay(from: others, to: one)
                }, &generator)
        case .clog:
            return self.cut(
                generator.shuffled(self.nodes).map { .isolate([NodePattern($0)]) }, &generator,
                mode: .hold)
        case .kill: return self.process(.kill, &generator)
        case .pause: return self.process(.pause, &generator)
        case .restart: return self.process(.restart, &generator)
        case .delay:
            let milliseconds = generator.pick([50, 100, 200, 500, 1000]) ?? 100
            return self.faults(
                .delay(
                    Fault.Delay(
                        latency: .milliseconds(milliseconds),
                        jitter: .milliseconds(milliseconds / 5))),
                &generator)
        case .loss:
            let percent = Ratio(percent: generator.pick([1, 5, 10, 25]) ?? 5)
            return self.faults(
                .loss(Fault.Loss(.plain(.random(percent, correlation: .zero)))), &generator)
        }
    }

    /// Whether links between nodes that are up get cut that were not; else it would touch nothing.
    private func addsSomething(_ cuts: [DirectedPair]) -> Bool {
        cuts.contains { pair in
            !self.disturbance.cuts.contains(pair) && !self.disturbance.down.contains(pair.source)
                && !self.disturbance.down.contains(pair.target)
        }
    }

    /// The first of the partitions that cuts something and keeps within the budget.
    private func cut(
        _ candidates: [Partition], _ generator: inout Generator, mode: PartitionMode? = nil
    ) -> ConcreteAction? {
        for candidate in candidates {
            let partition = candidate.drawn(among: self.nodes, using: &generator)
            let cuts = partition.cuts(among: self.nodes, using: &generator)
            if self.addsSomething(cuts), self.fits(cuts: cuts) {
                return .partition(
                    cuts: cuts, text: partition.description, mode: mode ?? self.mode, port: nil)
            }
        }
        return nil
    }

    /// The action on the first node in random order that is up and may go down.
    private func process(
        _ action: ProcessAction, _ generator: inout Generator
    ) -> ConcreteAction? {
        let node = generator.shuffled(self.nodes).first { node in
            !self.disturbance.down.contains(node) && self.fits(down: node)
        }
        return node.map { .process(action, [$0]) }
    }

    /// A fault on all links of one node, which disturbs nobody for good.
    private func faults(_ fault: Fault, _ generator: inout Generator) -> ConcreteAction? {
        generator.pick(self.nodes).map { node in
            let links = LinkPattern(NodePattern(node), .all, isBothWays: true)
            return .faults([FaultRule(links: links, faults: [fault])])
        }
    }
}
