import ChaosCore

/// Schedules drawn at random, each from its own random set of kinds of faults: a run with few kinds goes
/// further into what they can do than one with all (Groce et al., Swarm Testing, ISSTA 2012).
package struct SwarmSchedule {
    /// What a schedule may be drawn from.
    package enum Feature: String, CaseIterable, Sendable {
        case partition, oneWay, isolate, ring, hold, kill, pause, delay, loss, duplicate, reorder,
            resetPeer
    }

    private let nodes: [NodeName]
    private let hasMessages: Bool
    private let length: Duration

    /// - Parameters:
    ///   - nodes: The nodes of the cluster.
    ///   - hasMessages: Whether all ports have a framing, so that messages may vanish or come twice.
    ///   - length: How long the load lasts.
    package init(nodes: [NodeName], hasMessages: Bool, length: Duration) {
        self.nodes = nodes
        self.hasMessages = hasMessages
        self.length = length
    }

    /// The features that make sense here.
    package var features: [Feature] {
        Feature.allCases.filter { feature in
            switch feature {
            case .partition, .oneWay, .isolate, .hold: self.nodes.count > 1
            case .ring: self.nodes.count > 3
            case .duplicate, .reorder: self.hasMessages && self.nodes.count > 1
            case .resetPeer: !self.hasMessages && self.nodes.count > 1
            case .delay, .loss: self.nodes.count > 1
            case .kill, .pause: true
            }
        }
    }

    /// The schedule of a seed: one to six entries of its swarm, in order of time, all of which end before nine
    /// tenths of the load, so that the cluster has time to recover under it.
    package func entries(seed: Seed) -> [ScheduleEntry] {
        var generator = seed.derived("swarm").generator
        let order = generator.shuffled(self.features)
        let swarm =
            order.prefix(1) + order.dropFirst().filter { _ in generator.chance(Ratio(percent: 50)) }
        let count = 1 + generator.next(below: 6)
        var entries: [(at: Duration, lasting: Duration, action: ScheduleAction)] = []
        let milliseconds = max(200, Int(self.length.wholeNanoseconds / 1_000_000))
        while entries.count < count {
            let own = Seed(generator.next())
            let at = milliseconds / 20 + generator.next(below: milliseconds * 6 / 10)
            // From a sixty-fourth of the load to a quarter, each doubling as likely.
            let longest = max(50, milliseconds / (4 << generator.next(below: 5)))
            let lasting = longest / 2 + generator.next(below: longest / 2 + 1)
            guard let feature = generator.pick(Array(swarm)),
                let action = self.action(feature, own)
            else { break }
            entries.append((.milliseconds(at), .milliseconds(lasting), action))
        }
        // Nobody is down twice at once, and never more than a minority.
        var down: [(from: Duration, to: Duration)] = []
        let most = max(1, (self.nodes.count - 1) / 2)
        let sorted = entries.sorted { $0.at < $1.at }.filter { entry in
            guard case .process = entry.action else { return true }
            down.removeAll { $0.to <= entry.at }
            if down.count >= most { return false }
            down.append((entry.at, entry.at + entry.lasting))
            return true
        }
        return sorted.enumerated().map { index, entry in
            ScheduleEntry(
                id: "schedule[\(index)]", timing: .at(.time(entry.at)),
                duration: .time(entry.lasting), action: entry.action)
        }
    }

    private func action(_ feature: Feature, _ seed: Seed) -> ScheduleAction? {
        var generator = seed.generator
        let nodes = generator.shuffled(self.nodes)
        guard let first = nodes.first else { return nil }
        func patterns(_ names: some Sequence<NodeName>) -> [NodePattern] {
            names.map { NodePattern($0) }
        }
        func faults(_ fault: Fault) -> ScheduleAction {
            // One link one way, all that a node sends, or the whole cluster.
            let pattern =
                switch generator.next(below: 3) {
                case 0: "\(first)->\(nodes.last ?? first)"
                case 1: "\(first)->*"
                default: "*->*"
                }
            guard let links = try? LinkPattern(parsing: pattern) else {
                preconditionFailure("names of nodes make patterns, found '\(pattern)'")
            }
            return .faults([FaultRule(links: links, faults: [fault])])
        }
        func partition(_ partition: Partition, _ mode: PartitionMode? = nil) -> ScheduleAction {
            .partition(partition, mode: mode, port: nil)
        }
        let percent = generator.pick([1, 5, 20, 50]) ?? 5
        let often = Fault.Occurrence.random(Ratio(percent: percent), correlation: .zero)
        switch feature {
        case .partition:
            let half = 1 + generator.next(below: max(1, nodes.count - 1))
            return partition(
                .groups([patterns(nodes.prefix(half)), patterns(nodes.dropFirst(half))]))
        case .oneWay:
            let half = 1 + generator.next(below: max(1, nodes.count - 1))
            return partition(
                .oneWay(from: patterns(nodes.prefix(half)), to: patterns(nodes.dropFirst(half))))
        case .isolate: return partition(.isolate(patterns([first])))
        case .ring: return partition(.majoritiesRing)
        case .hold: return partition(.isolate(patterns([first])), .hold)
        case .kill: return .process(.kill, .nodes(NodePattern(first)))
        case .pause: return .process(.pause, .nodes(NodePattern(first)))
        case .delay:
            let latency = generator.pick([20, 100, 500, 2000]) ?? 100
            return faults(
                .delay(
                    .init(
                        latency: .milliseconds(latency), jitter: .milliseconds(latency / 2))))
        case .loss: return faults(.loss(.init(.plain(often))))
        case .duplicate: return faults(.duplicate(.init(often)))
        case .reorder: return faults(.reorder(.init(often)))
        case .resetPeer: return faults(.resetPeer(after: .milliseconds(generator.next(below: 500))))
        }
    }
}
