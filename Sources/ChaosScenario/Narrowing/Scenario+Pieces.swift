import ChaosCore

/// One thing that a scenario does to its network or nodes and could do without.
package enum ScenarioPiece: Hashable, Sendable {
    /// An entry of the schedule.
    case entry(String)
    /// One fault of a rule that is always there, by its place.
    case background(rule: Int, fault: FaultKind)
}

extension Scenario {
    /// Everything that is done to the network and the nodes, in order.
    package var pieces: [ScenarioPiece] {
        let background = self.network.rules.enumerated().flatMap { index, rule in
            rule.faults.map { ScenarioPiece.background(rule: index, fault: $0.kind) }
        }
        return background + self.schedule.map { .entry($0.id) }
    }

    /// The scenario with only these of its pieces.
    package func keeping(_ pieces: [ScenarioPiece]) -> Scenario {
        let kept = Set(pieces)
        var scenario = self
        scenario.schedule.removeAll { !kept.contains(.entry($0.id)) }
        for index in scenario.network.rules.indices {
            scenario.network.rules[index].faults.removeAll {
                !kept.contains(.background(rule: index, fault: $0.kind))
            }
        }
        scenario.network.rules.removeAll(where: \.faults.isEmpty)
        return scenario
    }

    /// Scenarios that differ from this one by one step towards less, the largest steps first: shorter entries,
    /// fewer nodes in them, smaller parameters.
    package var simpler: [Scenario] {
        self.schedule.indices.flatMap { index -> [Scenario] in
            self.schedule[index].simpler.map { entry in
                var scenario = self
                scenario.schedule[index] = entry
                return scenario
            }
        }
            + self.network.rules.indices.flatMap { index -> [Scenario] in
                self.network.rules[index].simpler.map { rule in
                    var scenario = self
                    scenario.network.rules[index] = rule
                    return scenario
                }
            }
    }
}

extension ScheduleEntry {
    fileprivate var simpler: [ScheduleEntry] {
        var entries: [ScheduleEntry] = []
        if case .time(let duration)? = self.duration, let half = duration.halved {
            var entry = self
            entry.duration = .time(half)
            entries.append(entry)
        }
        let actions: [ScheduleAction]
        switch self.action {
        case .faults(let rules):
            actions = rules.indices.flatMap { index -> [ScheduleAction] in
                rules[index].simpler.map { rule in
                    var rules = rules
                    rules[index] = rule
                    return .faults(rules)
                }
            }
        case .process(let action, .nodes(let pattern)):
            let names = pattern.exactNames
            actions =
                names.count < 2
                ? [] : names.map { .process(action, .nodes(NodePattern($0))) }
        case .partition(let partition, let mode, let port):
            actions = partition.simpler.map { .partition($0, mode: mode, port: port) }
        case .process, .nemesis, .tell, .heal: actions = []
        }
        for action in actions {
            var entry = self
            entry.action = action
            entries.append(entry)
        }
        return entries
    }
}

extension Partition {
    /// One way instead of both; one node less.
    fileprivate var simpler: [Partition] {
        func without(_ members: [NodePattern]) -> [[NodePattern]] {
            members.count < 2
                ? []
                : members.indices.map { index in
                    members.enumerated().filter { $0.offset != index }.map(\.element)
                }
        }
        switch self {
        case .groups(let groups)
        where groups.count == 2 && !groups.joined().contains { $0.text == "rest" }:
            return [
                .oneWay(from: groups[0], to: groups[1]), .oneWay(from: groups[1], to: groups[0]),
            ]
        case .oneWay(let from, let to):
            return without(from).map { .oneWay(from: $0, to: to) }
                + without(to).map { .oneWay(from: from, to: $0) }
        case .isolate(let members): return without(members).map { .isolate($0) }
        default: return []
        }
    }
}

extension FaultRule {
    fileprivate var simpler: [FaultRule] {
        self.faults.indices.flatMap { index -> [FaultRule] in
            self.faults[index].simpler.map { fault in
                var rule = self
                rule.faults[index] = fault
                return rule
            }
        }
    }
}

extension Fault {
    /// The fault without spread, and half as strong.
    fileprivate var simpler: [Fault] {
        switch self {
        case .delay(let delay):
            var plain = delay
            plain.jitter = .zero
            plain.distribution = .uniform
            plain.correlation = .zero
            plain.table = []
            var less = delay
            if let half = delay.latency.halved { less.latency = half }
            less.jitter = min(less.jitter, less.latency)
            return [plain, less].filter { $0 != delay }.map { .delay($0) }
        case .loss(let loss):
            guard case .plain(.random(let ratio, _)) = loss.model, let half = ratio.halved else {
                return []
            }
            var less = loss
            less.model = .plain(.random(half, correlation: .zero))
            return [.loss(less)]
        case .duplicate(let fault):
            guard case .random(let ratio, _) = fault.occurrence, let half = ratio.halved else {
                return []
            }
            var less = fault
            less.occurrence = .random(half, correlation: .zero)
            return [.duplicate(less)]
        case .acceptDelay(let time): return time.halved.map { [.acceptDelay($0)] } ?? []
        case .slowClose(let time): return time.halved.map { [.slowClose($0)] } ?? []
        default: return []
        }
    }
}

extension Duration {
    /// Half of it in whole milliseconds; nil where that would be below 10 ms, which nobody tells from nothing.
    fileprivate var halved: Duration? {
        let half = self.wholeNanoseconds / 2_000_000
        return half < 10 ? nil : .milliseconds(half)
    }
}

extension Ratio {
    /// Half of it in whole percents.
    fileprivate var halved: Ratio? {
        let whole = self.billionths / 10_000_000
        return whole < 2 ? nil : Ratio(percent: Int(whole / 2))
    }
}
