import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosWorkloads
import ChaosProxy
import ChaosCheckers
import ChaosEngine
import ChaosScenario

// What an operator can do to a live run. Every answer comes after the effect.
extension ScenarioRun: CommandTarget {
    package nonisolated func events() -> AsyncStream<JSONValue> { self.feed.subscribe() }

    package func perform(_ command: Command) async throws(CommandError) -> JSONValue {
        let parts = try self.live()
        try command.validate(nodes: self.clusterNames, ports: self.portNames)
        do {
            switch command {
            case .partition(let partition, let mode, let ports, let lease):
                return try await self.cut(partition, mode, ports, lease, parts).json
            case .hold(let links, let lease): return try await self.hold(links, lease, parts).json
            case .set(let links, let faults, let lease):
                let id = await parts.network.makeID("f")
                let record = try await parts.network.inject(
                    [FaultRule(links: links, faults: faults)], id: id, origin: .control,
                    until: lease.map { parts.clock.now + $0 })
                return try await self.confirm(record, lease, parts).json
            case .heal(let id): return try await self.end(.partition, id.map { .injection($0) } ?? .all)
            case .release(let selection): return try await self.end(.hold, selection)
            case .clear(let selection): return try await self.end(.faults, selection)
            case .process(let action, let pattern):
                return try await self.strike(action, pattern, parts).json
            case .status: return try await self.status(parts).json
            case .end:
                self.requestEnd()
                return ["confirmed": true]
            }
        } catch let error as CommandError {
            throw error
        } catch let error as InputError {
            throw CommandError(.conflict, error.sentence, hint: error.hint)
        } catch {
            throw CommandError(.failed, "\(error)")
        }
    }

    private func cut(
        _ partition: Partition, _ mode: PartitionMode?, _ ports: [PortName], _ lease: Duration?,
        _ parts: Parts
    ) async throws -> InjectionReceipt {
        if ports.count > 1 {
            throw CommandError(
                .unsupported, "a partition concerns all ports or one",
                hint: "give one partition for each port")
        }
        let id = await parts.network.makeID("p")
        let record = try await parts.network.cut(
            try await parts.network.cuts(of: partition, id: id), text: "\(partition)", mode: mode,
            port: ports.first, id: id, origin: .control, until: lease.map { parts.clock.now + $0 })
        return try await self.confirm(record, lease, parts)
    }

    private func hold(
        _ links: [LinkPattern], _ lease: Duration?, _ parts: Parts
    ) async throws -> InjectionReceipt {
        let names = self.clusterNames + [.client]
        var pairs: [DirectedPair] = []
        for source in names {
            for target in names where source != target {
                let link = Link(source, target, links.first?.port ?? "")
                if links.contains(where: { $0.matches(link) }) { pairs.append(DirectedPair(source, target)) }
            }
        }
        let record = try await parts.network.cut(
            pairs, text: links.map(\.description).joined(separator: " "), mode: .hold,
            port: links.first?.port, id: await parts.network.makeID("h"), origin: .control,
            until: lease.map { parts.clock.now + $0 })
        return try await self.confirm(record, lease, parts)
    }

    /// Announces an injection, plans its end, and says how many connections it applies to.
    private func confirm(
        _ record: InjectionRecord, _ lease: Duration?, _ parts: Parts
    ) async throws -> InjectionReceipt {
        self.announce(record, lasting: lease)
        if let lease {
            self.leases[record.id] = Task {
                guard (try? await Task.sleep(for: lease, tolerance: .zero)) != nil else { return }
                if let ended = try? await parts.network.end(record.id) {
                    self.announceEnd(ended, .lease)
                }
            }
        }
        let connections = try await parts.network.proxy.inspect { network, _ in
            network.linkStates.filter { state in
                state.isCut || !state.winningInjections.isEmpty
            }.reduce(0) { $0 + $1.connectionsOpen }
        }
        return InjectionReceipt(record.injection, connections: connections)
    }

    private func end(
        _ kind: InjectionRecord.Kind, _ selection: InjectionSelection
    ) async throws -> JSONValue {
        let network = try self.live().network
        let active = await network.allRecords.filter { $0.end == nil }
        let meant: [InjectionRecord]
        switch selection {
        case .all:
            meant = active.filter { $0.kind == kind && ($0.origin == .control || kind != .faults) }
        case .injection(let id):
            meant = active.filter { $0.id == id.text && $0.kind != .process }
            if meant.isEmpty {
                let known = active.map(\.id)
                throw CommandError(
                    .notFound, "there is no such injection, found '\(id)'",
                    hint: known.isEmpty
                        ? "none is active" : Suggestion.hint(for: id.text, among: known))
            }
        case .links(let links):
            meant = active.filter { record in
                record.kind == kind && links.contains { record.text.hasPrefix($0.description) }
            }
            if meant.isEmpty {
                let text = links.map(\.description).joined(separator: " ")
                throw CommandError(
                    .notFound, "nothing of the kind is on these links, found '\(text)'",
                    hint: "'chaos status' shows what is where")
            }
        }
        var ended: [InjectionSummary] = []
        for record in meant {
            guard let done = try await network.end(record.id) else { continue }
            self.announceEnd(done, .command)
            ended.append(done.injection)
        }
        return EndingReceipt(ended: ended).json
    }

    private func strike(
        _ action: ProcessAction, _ pattern: NodePattern, _ parts: Parts
    ) async throws -> ProcessReceipt {
        let nodes = self.scenario.nodes.map(\.name).filter(pattern.matches)
        var receipts: [RunStatus.Node] = []
        for node in nodes {
            do throws(NodeFailure) {
                try await Self.perform(action, on: node, parts.supervisor)
            } catch {
                throw CommandError(.conflict, "\(node): \(error.sentence)", hint: error.hint)
            }
            var record = InjectionRecord(
                id: await parts.network.makeID("x"), kind: .process,
                text: "\(action.rawValue) \(node)", origin: .control, places: [node.text],
                begin: parts.clock.now)
            record.touched = 1
            record.hits = 1
            record.end = parts.clock.now
            await parts.network.note(record)
            self.tell("\(action.rawValue) \(node) [\(record.id)]")
            if let status = await self.status(of: node) { receipts.append(status) }
        }
        return ProcessReceipt(nodes: receipts)
    }
}
