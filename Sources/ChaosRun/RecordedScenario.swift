import ChaosCore
import ChaosScenario

extension Scenario {
    /// The scenario as a run of it happened: what its schedule drew, its nemesis chose, its triggers saw and
    /// people did by hand stands there at its time, and nothing is left to chance but what the seed decides.
    ///
    /// Ids stay what they were, because the decisions of faults derive from them.
    ///
    /// - Parameters:
    ///   - records: Everything that was done to the run.
    ///   - origin: When the schedule began.
    func recorded(_ records: [InjectionRecord], since origin: Instant) -> Scenario {
        var scenario = self
        let nodes = self.nodes.map(\.name)
        scenario.schedule = records.sorted { $0.precedes($1) }.flatMap { record in
            record.entries(among: nodes, since: origin)
        }
        return scenario
    }
}

extension InjectionRecord {
    /// What a schedule says to have the same again; several entries where one cannot say it.
    fileprivate func entries(among nodes: [NodeName], since origin: Instant) -> [ScheduleEntry] {
        let begin = Self.milliseconds(self.begin - origin)
        var duration = self.end.map { max(.milliseconds(1), Self.milliseconds($0 - self.begin)) }
        // Blows that are over at once have no length of their own.
        if let action, self.until == nil, action != .pause { duration = nil }
        return self.actions(among: nodes).enumerated().map { index, action in
            ScheduleEntry(
                id: index == 0 ? self.id : "\(self.id)-\(index + 1)", timing: .at(.time(begin)),
                duration: duration.map { .time($0) }, action: action)
        }
    }

    private func actions(among nodes: [NodeName]) -> [ScheduleAction] {
        switch self.kind {
        case .faults: return [.faults(self.rules)]
        case .process:
            let pattern = try? NodePattern(parsing: self.places.joined(separator: ","))
            guard let action, let pattern else { return [] }
            return [.process(action, .nodes(pattern))]
        case .partition, .hold:
            return Self.partitions(self.text, self.pairs, among: nodes).map {
                .partition($0, mode: self.mode, port: self.port)
            }
        }
    }

    /// The partition as it was written, if that cuts the same without a draw; otherwise what each node cannot
    /// send.
    private static func partitions(
        _ text: String, _ pairs: [DirectedPair], among nodes: [NodeName]
    ) -> [Partition] {
        if let written = try? Partition(parsing: text) {
            var first = Seed(1).generator
            var second = Seed(2).generator
            let cuts = Set(written.cuts(among: nodes, using: &first))
            if cuts == Set(pairs), cuts == Set(written.cuts(among: nodes, using: &second)) {
                return [written]
            }
        }
        var targets: [NodeName: [NodePattern]] = [:]
        var sources: [NodeName] = []
        for pair in pairs {
            if targets[pair.source] == nil { sources.append(pair.source) }
            targets[pair.source, default: []].append(NodePattern(pair.target))
        }
        return sources.map { .oneWay(from: [NodePattern($0)], to: targets[$0] ?? []) }
    }

    /// Whole milliseconds, which people read; never before the beginning.
    private static func milliseconds(_ time: Duration) -> Duration {
        .milliseconds(max(0, (time.wholeNanoseconds + 500_000) / 1_000_000))
    }
}
