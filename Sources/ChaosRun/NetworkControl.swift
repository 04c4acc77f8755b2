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
    let ports: [PortName]
    let framing: [PortName: Framing]
    let datagramPorts: Set<PortName>
    private let defaultMode: PartitionMode
    /// Whether nodes talk to each other by packets, which the kernel and the packet switch carry.
    private let isInLab: Bool
    /// The ports of nodes whose connections go through the proxy all the same.
    let interceptedPorts: [NodeName: Set<PortName>]
    private let seed: Seed
    private var log = InjectionLog()
    /// The scenario's own network, which is on from beginning to end.
    /// The background faults, with what they had done when ``currentRecords()`` was last called.
    package private(set) var background: [InjectionRecord] = []
    private var nextNumber: [String: Int] = [:]
    /// The ids of a scenario, which an operator's injections must not get.
    private let reserved: Set<String>
    /// Who waits for the end of an injection that another task is ending.
    private var ending: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// Makes a control for a proxy whose listeners are open.
    package init(
        proxy: Proxy, nodes: [NodeName], ports: [PortName], network: NetworkSpec, seed: Seed,
        datagramPorts: Set<PortName> = [], isInLab: Bool = false,
        interceptedPorts: [NodeName: Set<PortName>] = [:], reserved: Set<String> = []
    ) {
        self.proxy = proxy
        self.nodes = nodes
        self.ports = ports
        self.framing = network.framing
        self.datagramPorts = datagramPorts
        self.defaultMode = network.partitionMode ?? .drop
        self.seed = seed
        self.isInLab = isInLab
        self.interceptedPorts = interceptedPorts
        self.reserved = reserved
    }

    /// All injections so far, in the order in which they began, without the background.
    package var allRecords: [InjectionRecord] { self.log.all }

    /// The injections that are still on, in the order in which they began, without the background.
    package var activeRecords: [InjectionRecord] { self.log.active }

    /// A free id with this letter: `p1`, `f3`.
    package func makeID(_ letter: String) -> String {
        while true {
            let number = (self.nextNumber[letter] ?? 0) + 1
            self.nextNumber[letter] = number
            let id = "\(letter)\(number)"
            if !self.reserved.contains(id) { return id }
        }
    }

    // MARK: - Faults

    /// Puts a scenario's background faults on the network; they are not part of the records.
    func addBackground(_ rules: [FaultRule]) async throws {
        let begin = try await self.proxy.change { network, now in
            for (index, rule) in rules.enumerated() {
                for fault in rule.faults {
                    network.inject(
                        fault, on: rule.links, id: "network[\(index)].\(fault.kind.rawValue)",
                        origin: .background, at: now)
                }
            }
            return now
        }
        self.background = rules.enumerated().map { index, rule in
            var record = InjectionRecord(
                id: "network[\(index)]", kind: .faults, text: Self.text(of: [rule]),
                origin: .background, places: ["\(rule.links)"], begin: begin)
            record.rules = [rule]
            return record
        }
    }

    private static func text(of rules: [FaultRule]) -> String {
        rules.map { rule in
            (["\(rule.links)"] + rule.faults.map(\.text)).joined(separator: " ")
        }.joined(separator: "; ")
    }

    /// Puts faults on links; confirmed when it returns.
    ///
    /// - Throws: `InputError` for faults that need messages where no port has any.
    package func inject(
        _ rules: [FaultRule], id: String, origin: InjectionOrigin, planned: Instant? = nil,
        lasting: Duration? = nil
    ) async throws -> InjectionRecord {
        for rule in rules { try self.checkFraming(of: rule) }
        var draft = InjectionRecord(
            id: id, kind: .faults, text: Self.text(of: rules), origin: origin,
            places: rules.map { "\($0.links)" }, begin: .start)
        draft.rules = rules
        draft.planned = planned
        let refuses = rules.contains { $0.faults.contains { $0.kind == .refuse } }
        (draft.begin, draft.connections) = try await self.put(draft, addsOnly: !refuses) {
            [draft] network, now in
            for rule in rules {
                for fault in rule.faults {
                    // Several rules may share the id: on one link only one of a kind acts.
                    network.inject(
                        fault, on: rule.links, id: "\(id).\(fault.kind.rawValue)",
                        origin: origin, at: now)
                }
            }
            network.note("fault", draft.journalled("begin"), at: now)
            return (now, network.connections(under: draft))
        }
        draft.until = lasting.map { draft.begin + $0 }
        self.log.append(draft)
        return draft
    }

    /// Changes the network; what cannot take effect everywhere is taken away again where it did.
    private func put(
        _ draft: InjectionRecord, addsOnly: Bool,
        _ body: @escaping @Sendable (Network, Instant) -> (Instant, Int)
    ) async throws -> (Instant, Int) {
        do { return try await self.proxy.change(addsOnly: addsOnly, body) } catch {
            // Who carried nothing out has nothing to undo, and cannot fail at it.
            try? await self.proxy.change { network, now in
                network.removeInjections { $0.belongs(to: draft.id) }
                network.heal { $0.id == draft.id }
                var details = draft.journalled("end")
                details["error"] = .string("\(error)")
                network.note(
                    draft.kind == .faults ? "fault" : draft.kind.rawValue, details, at: now)
            }
            throw error
        }
    }

    private func checkFraming(of rule: FaultRule) throws(InputError) {
        if self.isInLab, rule.isBetween(self.nodes) { return try self.checkAmongPackets(rule) }
        let ports = rule.links.port.map { [$0] } ?? self.ports
        for fault in rule.faults where !ports.contains(where: { self.takes(fault, port: $0) }) {
            guard let first = ports.first else { continue }
            guard let bare = ports.first(where: { !self.datagramPorts.contains($0) }) else {
                throw fault.refusal(byDatagramsOf: first)
            }
            if let port = ports.first(where: { self.hasMessages($0) }),
                let framing = self.framing[port]
            {
                throw fault.refusal(by: framing, of: port)
            }
            if !fault.needsFraming { continue }
            throw InputError(
                "'\(fault.kind.rawValue)' needs messages, and port '\(bare)' has no framing",
                hint: "name one under 'network: framing:' in the scenario")
        }
    }

    func hasMessages(_ port: PortName) -> Bool {
        self.framing[port].map { $0 != .none } ?? false
    }

    /// Whether a fault can be one of a port's links.
    func takes(_ fault: Fault, port: PortName) -> Bool {
        self.datagramPorts.contains(port)
            ? fault.isForPackets
            : (!fault.needsFraming || self.hasMessages(port))
                && fault.isPossible(in: self.framing[port] ?? .none)
    }

    // MARK: - Cuts

    /// Resolves a partition for this cluster.
    ///
    /// - Throws: `InputError` when it cuts nothing.
    package func cuts(of partition: Partition, id: String) throws(InputError) -> [DirectedPair] {
        var generator = self.seed.derived("partition", id).generator
        let pairs = partition.cuts(among: self.nodes, using: &generator)
        if pairs.isEmpty {
            throw InputError(
                "a partition cuts at least one link of the cluster", found: "\(partition)")
        }
        return pairs
    }

    /// Cuts links; confirmed when it returns.
    ///
    /// - Throws: `InputError` for modes that this backend or these ports do not have.
    package func cut(
        _ pairs: [DirectedPair], kind: InjectionRecord.Kind = .partition, text: String,
        mode: PartitionMode?, port: PortName?, id: String, origin: InjectionOrigin,
        planned: Instant? = nil, lasting: Duration? = nil
    ) async throws -> InjectionRecord {
        let mode = mode ?? self.defaultMode
        try self.check(mode, port: port, pairs)
        var draft = InjectionRecord(
            id: id, kind: kind, text: text, origin: origin, mode: mode, port: port,
            places: pairs.map { "\($0.source)->\($0.target)" }, begin: .start)
        draft.pairs = pairs
        draft.planned = planned
        (draft.begin, draft.connections) = try await self.put(draft, addsOnly: mode != .reject) {
            [draft] network, now in
            network.cut(pairs, text: text, mode: mode, port: port, id: id, origin: origin, at: now)
            network.note(draft.kind.rawValue, draft.journalled("begin"), at: now)
            // Before the sockets learn of it: a cut may close some.
            return (now, network.connections(under: draft))
        }
        draft.until = lasting.map { draft.begin + $0 }
        self.log.append(draft)
        return draft
    }

    private func check(
        _ mode: PartitionMode, port: PortName?, _ pairs: [DirectedPair]
    ) throws(InputError) {
        let hasClient = pairs.contains { $0.source == .client || $0.target == .client }
        if mode == .unreachable && (!self.isInLab || hasClient) {
            throw InputError(
                self.isInLab
                    ? "mode 'unreachable' is for links between nodes; clients go through a proxy"
                    : "mode 'unreachable' needs the lab, and this run has the backend 'proxy'",
                hint: "use 'reject' for an error at once, or 'drop' for silence")
        }
        // Where only some ports have messages, what the others carry shows up in the leak proof.
        let ports = port.map { [$0] } ?? self.ports
        let canLose = ports.contains {
            self.framing[$0]?.messagesStandAlone == true || self.datagramPorts.contains($0)
        }
        if mode == .lose, let bare = ports.first, !canLose {
            if let port = ports.first(where: { self.hasMessages($0) }),
                let framing = self.framing[port]
            {
                throw framing.refusalOfLose(port)
            }
            throw InputError(
                "mode 'lose' needs messages, and port '\(bare)' has no framing",
                hint: "use 'drop', or name a framing under 'network: framing:' in the scenario")
        }
    }

    // MARK: - Ends

    /// Ends an injection; confirmed when it returns.
    ///
    /// - Returns: The record, or `nil` when it had ended already: who ended it announces it. When
    ///   somebody else is ending it right now, returns `nil` once it has ended.
    @discardableResult
    package func end(_ id: String) async throws -> InjectionRecord? {
        try await self.end([id]).first
    }

    /// Ends injections in one change of the network; confirmed when it returns.
    ///
    /// - Returns: The records of those that had not ended already, in the order given. What somebody
    ///   else is ending right now has ended too when this returns, and is not among them.
    package func end(_ ids: [String]) async throws -> [InjectionRecord] {
        var meant: [InjectionRecord] = []
        var others: [String] = []
        for id in ids {
            guard let record = self.log.active(id), record.kind != .process else { continue }
            if self.ending[id] == nil {
                self.ending[id] = []
                meant.append(record)
            } else {
                others.append(id)
            }
        }
        let ended = try await self.finish(meant)
        for id in others where self.ending[id] != nil {
            await withCheckedContinuation { self.ending[id, default: []].append($0) }
        }
        return ended
    }

    private func finish(_ meant: [InjectionRecord]) async throws -> [InjectionRecord] {
        if meant.isEmpty { return [] }
        defer {
            for record in meant {
                for waiting in self.ending.removeValue(forKey: record.id) ?? [] { waiting.resume() }
            }
        }
        let ids = Set(meant.map(\.id))
        let (end, counters) = try await self.proxy.change { network, now in
            let links = network.linkStates.map(\.link)
            let removed = Dictionary(
                grouping: network.removeInjections {
                    ids.contains(InjectionRecord.id(ofEngine: $0.id))
                }
            ) { InjectionRecord.id(ofEngine: $0.id) }
            let healed = Dictionary(grouping: network.heal { ids.contains($0.id) }, by: \.id)
            let counters = meant.map { record in
                healed[record.id]?.first.map { InjectionCounters($0, links: links) }
                    ?? InjectionCounters(removed[record.id] ?? [])
            }
            for (record, counters) in zip(meant, counters) {
                var details = record.journalled("end")
                details["touched"] = .int(Int64(counters.touched))
                details["hits"] = .int(Int64(counters.hits))
                network.note(
                    record.kind == .faults ? "fault" : record.kind.rawValue, details, at: now)
            }
            return (now, counters)
        }
        return zip(meant, counters).compactMap { record, counters in
            self.log.end(record.id, at: end, counters)
        }
    }

    /// Notes a blow to nodes, which is not the network's but belongs to the same list.
    package func note(_ record: InjectionRecord) { self.log.append(record) }

    /// Notes that a blow to nodes is over; `false` when it was before.
    @discardableResult
    package func noteEnd(of id: String, at now: Instant) -> Bool {
        self.log.end(id, at: now) != nil
    }

    /// Brings the counters of what is still on up to date, also those of ``background``, and returns what
    /// that is.
    package func currentRecords() async throws -> [InjectionRecord] {
        try await self.currentRecords { _ in }.records
    }

    /// The same, and whatever else is to be seen in the network at that moment.
    func currentRecords<Seen: Sendable>(
        and look: @escaping @Sendable (Network) -> Seen
    ) async throws -> (records: [InjectionRecord], seen: Seen) {
        let active = self.log.active.filter { $0.kind != .process }.map(\.id)
        let standing = self.background.map(\.id)
        let (counters, background, seen) = try await self.proxy.inspect { network, _ in
            let links = network.linkStates.map(\.link)
            let cuts = Dictionary(grouping: network.activeCuts, by: \.id)
            let injections = Dictionary(grouping: network.activeInjections) {
                InjectionRecord.id(ofEngine: $0.id)
            }
            let counters = Dictionary(
                active.map { id in
                    (
                        id,
                        cuts[id]?.first.map { InjectionCounters($0, links: links) }
                            ?? InjectionCounters(injections[id] ?? [])
                    )
                }, uniquingKeysWith: { $1 })
            let background = standing.map { InjectionCounters(injections[$0] ?? []) }
            return (counters, background, look(network))
        }
        // Meanwhile some may have ended, with their last counters.
        self.log.take(counters)
        for (place, counters) in background.enumerated() { self.background[place].take(counters) }
        return (self.log.active, seen)
    }

    /// All links of the run, in order.
    package func links() async throws -> [Link] {
        try await self.proxy.inspect { network, _ in network.linkStates.map(\.link).sorted() }
    }
}

extension Injection {
    /// Whether an engine's injection is part of a record: `f1.delay` of `f1`.
    fileprivate func belongs(to record: String) -> Bool {
        InjectionRecord.id(ofEngine: self.id) == record
    }
}

extension InjectionRecord {
    /// The record that an engine's injection is a part of: `f1` of `f1.delay`. Only the last dot
    /// counts, because ids of scenarios may hold dots themselves.
    package static func id(ofEngine id: String) -> String {
        guard let dot = id.lastIndex(of: ".") else { return id }
        return String(id[..<dot])
    }
}

extension Network {
    /// How many open connections an injection acts on, in either direction.
    fileprivate func connections(under record: InjectionRecord) -> Int {
        func acts(on link: Link) -> Bool {
            if record.mode != nil { return record.concerns(link) }
            // Where there are connections, both directions are known.
            let winners = self.state(of: link).winningInjections
            return winners.contains { $0.belongs(to: record.id) }
        }
        // A connection is counted on the link of the one who opened it.
        return self.linkStates.filter {
            $0.connectionsOpen > 0 && (acts(on: $0.link) || acts(on: $0.link.reversed))
        }.reduce(0) { $0 + $1.connectionsOpen }
    }

    /// Writes down that something was put on the network or taken away.
    fileprivate func note(_ event: String, _ details: JSONObject, at now: Instant) {
        self.record(JournalEntry(at: now, event: event, details: details))
    }
}
