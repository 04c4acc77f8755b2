import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario

/// Everything that is done to the network of a run, whoever wants it: the background, the schedule
/// and the operator all come through here, so that one list knows what was on from when to when.
package actor NetworkControl {
    /// The data plane.
    nonisolated let proxy: Proxy
    private let nodes: [NodeName]
    private let ports: [PortName]
    private let framing: [PortName: Framing]
    private let defaultMode: PartitionMode
    private let seed: Seed
    private var records: [InjectionRecord] = []
    private var nextNumber: [String: Int] = [:]

    /// Makes a control for a proxy whose listeners are open.
    init(
        proxy: Proxy, nodes: [NodeName], ports: [PortName], network: NetworkSpec, seed: Seed
    ) {
        self.proxy = proxy
        self.nodes = nodes
        self.ports = ports
        self.framing = network.framing
        self.defaultMode = network.partitionMode ?? .drop
        self.seed = seed
    }

    /// All injections so far, in the order in which they began, without the background.
    var allRecords: [InjectionRecord] { self.records }

    /// A free id with this letter: `p1`, `f3`.
    func makeID(_ letter: String) -> String {
        let number = (self.nextNumber[letter] ?? 0) + 1
        self.nextNumber[letter] = number
        return "\(letter)\(number)"
    }

    // MARK: - Faults

    /// Puts a scenario's background faults on the network; they are not part of the records.
    func addBackground(_ rules: [FaultRule]) async throws {
        try await self.proxy.change { network, now in
            for (index, rule) in rules.enumerated() {
                for fault in rule.faults {
                    network.inject(
                        fault, on: rule.links, id: "network[\(index)].\(fault.kind.rawValue)",
                        origin: .background, at: now)
                }
            }
        }
    }

    /// Puts faults on links; confirmed when it returns.
    func inject(
        _ rules: [FaultRule], id: String, origin: InjectionOrigin, until: Instant? = nil
    ) async throws -> InjectionRecord {
        for rule in rules { try self.checkFraming(of: rule) }
        let begin = try await self.proxy.change { network, now in
            for (index, rule) in rules.enumerated() {
                for fault in rule.faults {
                    let place = rules.count > 1 ? "[\(index)]" : ""
                    network.inject(
                        fault, on: rule.links, id: "\(id)\(place).\(fault.kind.rawValue)",
                        origin: origin, at: now)
                }
            }
            network.note("fault", id: id, state: "begin", at: now)
            return now
        }
        let text = rules.map { rule in
            (["\(rule.links)"] + rule.faults.map(\.text)).joined(separator: " ")
        }.joined(separator: "; ")
        let record = InjectionRecord(
            id: id, kind: .faults, text: text, origin: origin, places: rules.map { "\($0.links)" },
            begin: begin, until: until)
        self.records.append(record)
        return record
    }

    private func checkFraming(of rule: FaultRule) throws(InputError) {
        let ports = rule.links.port.map { [$0] } ?? self.ports
        for fault in rule.faults where fault.needsFraming {
            guard let bare = ports.first, !ports.contains(where: self.hasMessages) else { continue }
            throw InputError(
                "'\(fault.kind.rawValue)' needs messages, and port '\(bare)' has no framing",
                hint: "name one under 'network: framing:' in the scenario")
        }
    }

    private func hasMessages(_ port: PortName) -> Bool {
        self.framing[port].map { $0 != .none } ?? false
    }

    // MARK: - Cuts

    /// The mode that a partition without one gets.
    var modeOfPartitions: PartitionMode { self.defaultMode }

    /// Resolves a partition for this cluster.
    func cuts(of partition: Partition, id: String) throws(InputError) -> [DirectedPair] {
        var generator = self.seed.derived("partition", id).generator
        let pairs = partition.cuts(among: self.nodes, using: &generator)
        if pairs.isEmpty {
            throw InputError("a partition cuts at least one link of the cluster", found: "\(partition)")
        }
        return pairs
    }

    /// Cuts links; confirmed when it returns.
    func cut(
        _ pairs: [DirectedPair], text: String, mode: PartitionMode?, port: PortName?, id: String,
        origin: InjectionOrigin, until: Instant? = nil
    ) async throws -> InjectionRecord {
        let mode = mode ?? self.defaultMode
        try self.check(mode, port: port)
        let begin = try await self.proxy.change { network, now in
            network.cut(pairs, text: text, mode: mode, port: port, id: id, origin: origin, at: now)
            network.note("partition", id: id, state: "begin", at: now)
            return now
        }
        let record = InjectionRecord(
            id: id, kind: mode == .hold ? .hold : .partition, text: text, origin: origin, mode: mode,
            port: port, places: pairs.map { "\($0.source)->\($0.target)" }, begin: begin, until: until)
        self.records.append(record)
        return record
    }

    private func check(_ mode: PartitionMode, port: PortName?) throws(InputError) {
        if mode == .unreachable {
            throw InputError(
                "mode 'unreachable' needs the lab, which this version does not have",
                hint: "use 'reject' for an error at once, or 'drop' for silence")
        }
        let bare = (port.map { [$0] } ?? self.ports).first { !self.hasMessages($0) }
        if mode == .lose, let bare {
            throw InputError(
                "mode 'lose' needs messages, and port '\(bare)' has no framing",
                hint: "use 'drop', or name a framing under 'network: framing:' in the scenario")
        }
    }

    // MARK: - Ends

    /// Ends an injection; confirmed when it returns. Of one that has ended already, does nothing.
    @discardableResult
    func end(_ id: String) async throws -> InjectionRecord? {
        guard let index = self.records.firstIndex(where: { $0.id == id && $0.end == nil }) else {
            return nil
        }
        let (end, counters) = try await self.proxy.change { network, now in
            let links = network.linkStates.map(\.link)
            let removed = network.removeInjections { $0.belongs(to: id) }
            let healed = network.heal { $0.id == id }
            network.note(healed.isEmpty ? "fault" : "partition", id: id, state: "end", at: now)
            let counters =
                healed.first.map { InjectionCounters($0, links: links) } ?? InjectionCounters(removed)
            return (now, counters)
        }
        // Another task may have ended it while this one waited.
        if self.records[index].end != nil { return self.records[index] }
        self.records[index].end = end
        self.records[index].take(counters)
        return self.records[index]
    }

    /// Notes a blow to nodes, which is not the network's but belongs to the same list.
    func note(_ record: InjectionRecord) { self.records.append(record) }

    /// Notes that a blow to nodes is over.
    func noteEnd(of id: String, at now: Instant) {
        if let index = self.records.firstIndex(where: { $0.id == id && $0.end == nil }) {
            self.records[index].end = now
        }
    }

    /// Brings the counters of what is still on up to date, and returns all records.
    func currentRecords() async throws -> [InjectionRecord] {
        let active = self.records.filter { $0.end == nil && $0.kind != .process }.map(\.id)
        let counters = try await self.proxy.inspect { network, _ in
            let links = network.linkStates.map(\.link)
            return active.map { id in
                network.activeCuts.first { $0.id == id }.map { InjectionCounters($0, links: links) }
                    ?? InjectionCounters(network.activeInjections.filter { $0.belongs(to: id) })
            }
        }
        for (id, counters) in zip(active, counters) {
            if let index = self.records.firstIndex(where: { $0.id == id && $0.end == nil }) {
                self.records[index].take(counters)
            }
        }
        return self.records
    }
}

extension InjectionRecord {
    fileprivate mutating func take(_ counters: InjectionCounters) {
        self.touched = counters.touched
        self.hits = counters.hits
        self.crossings = counters.crossings
    }
}

extension Injection {
    /// Whether an engine's injection is part of a record: `f1.delay` and `f1[0].delay` of `f1`.
    fileprivate func belongs(to record: String) -> Bool {
        guard self.id.hasPrefix(record) else { return false }
        let rest = self.id.dropFirst(record.count)
        return rest.first == "." || rest.first == "["
    }
}

extension Network {
    /// Writes down that something was put on the network or taken away.
    fileprivate func note(_ event: String, id: String, state: String, at now: Instant) {
        self.record(
            JournalEntry(
                at: now, event: event, details: ["id": .string(id), "state": .string(state)]))
    }
}
