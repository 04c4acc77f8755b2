import ChaosCore
import ChaosScenario

/// Makes the choices that an action leaves open: random nodes, `that`, a nemesis's kind.
struct ActionDraw {
    let nodes: [NodeName]
    let servers: [NodeName]
    let seed: Seed
    let disturbance: Disturbance
    /// The node that a trigger saw.
    let that: NodeName?

    /// The action with its choices made, or `nil` when a nemesis found no room.
    func action(_ action: ScheduleAction) -> ConcreteAction? {
        switch action {
        case .partition(let partition, let mode, let port):
            var generator = self.seed.generator
            let members = self.nodes + self.servers
            // Nodes are chosen among those that chaos started, if there are any.
            let choices = self.nodes.isEmpty ? members : self.nodes
            let drawn = self.naming(partition).drawn(among: choices, using: &generator)
            let cuts = drawn.cuts(among: members, using: &generator)
            return .partition(cuts: cuts, text: drawn.description, mode: mode, port: port)
        case .faults(let rules): return .faults(rules)
        case .process(let verb, let selector): return .process(verb, self.selected(by: selector))
        case .tell(let body, let selector): return .tell(body, self.selected(by: selector))
        case .nemesis(let kinds, let budget, let mode):
            return NemesisDraw(
                kinds: kinds, budget: budget, mode: mode, nodes: self.nodes, seed: self.seed,
                disturbance: self.disturbance
            ).action()
        case .heal: return .heal
        }
    }

    private func selected(by selector: NodeSelector) -> [NodeName] {
        switch selector {
        case .nodes(let pattern): return self.nodes.filter(pattern.matches)
        case .that: return self.that.map { [$0] } ?? []
        case .any:
            var generator = self.seed.generator
            return generator.pick(self.nodes).map { [$0] } ?? []
        }
    }

    /// The partition with the trigger's node in place of `that`.
    private func naming(_ partition: Partition) -> Partition {
        guard let that = self.that else { return partition }
        func named(_ patterns: [NodePattern]) -> [NodePattern] {
            patterns.map { $0.text == "that" ? NodePattern(that) : $0 }
        }
        switch partition {
        case .groups(let groups): return .groups(groups.map(named))
        case .oneWay(let from, let to): return .oneWay(from: named(from), to: named(to))
        case .isolate(let members): return .isolate(named(members))
        default: return partition
        }
    }
}
