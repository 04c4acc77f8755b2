import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosWorkloads

// What an operator can do to a live run. Every answer comes after the effect.
extension ScenarioRun: CommandTarget {
    package nonisolated func events() -> AsyncStream<JSONValue> { self.feed.subscribe() }

    package func perform(_ command: Command) async throws(CommandError) -> JSONValue {
        let parts = try self.live()
        let book = self.scenario.addressBook
        let command = command.resolved(in: book)
        try command.validate(nodes: self.clusterNames, ports: self.portNames, book: book)
        let isOver = CommandError(
            .conflict, "the run is ending, and nothing is done to it any more")
        if self.phase == .ending {
            switch command {
            case .status, .end: break
            default: throw isOver
            }
        }
        do {
            return try await self.carryOut(command, parts)
        } catch let error as CommandError {
            throw error
        } catch let error as InputError {
            throw CommandError(.conflict, error.sentence, hint: error.hint)
        } catch {
            // What it asked for may have been closed meanwhile.
            throw self.phase == .ending ? isOver : CommandError(.failed, "\(error)")
        }
    }

    private func carryOut(_ command: Command, _ parts: Parts) async throws -> JSONValue {
        switch command {
        case .partition(let partition, let mode, let ports, let lease):
            return try await self.cut(partition, mode, ports, lease, parts).json
        case .hold(let links, let lease): return try await self.hold(links, lease, parts).json
        case .set(let links, let faults, let lease):
            let record = try await parts.network.inject(
                [FaultRule(links: links, faults: faults)],
                id: await parts.network.makeID("f"), origin: .control, lasting: lease)
            return self.confirm(record, lease, parts).json
        case .heal(let id):
            return try await self.end(.partition, id.map { .injection($0) } ?? .all, parts)
        case .release(let selection): return try await self.end(.hold, selection, parts)
        case .clear(let selection): return try await self.end(.faults, selection, parts)
        case .process(let action, let pattern):
            return try await self.strike(action, pattern, parts).json
        case .capture(let links, let file, let lease):
            return try await self.beginCapture(links, file, lease, parts)
        case .endCapture(let id): return try await self.endCapture(id.text)
        case .status(let onlyBusy):
            return try await self.status(parts, onlyBusy: onlyBusy).json
        case .end:
            self.requestEnd()
            return ["confirmed": true]
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
            port: ports.first, id: id, origin: .control, lasting: lease)
        return self.confirm(record, lease, parts)
    }

    private func hold(
        _ links: [LinkPattern], _ lease: Duration?, _ parts: Parts
    ) async throws -> InjectionReceipt {
        let port = links.first?.port
        if links.contains(where: { $0.port != port }) {
            throw CommandError(
                .unsupported, "a hold concerns all ports or one",
                hint: "give one hold for each port")
        }
        let names = self.clusterNames + [.client]
        var pairs: [DirectedPair] = []
        for source in names {
            for target in names where source != target {
                let link = Link(source, target, port ?? "")
                if links.contains(where: { $0.matches(link) }) {
                    pairs.append(DirectedPair(source, target))
                }
            }
        }
        let record = try await parts.network.cut(
            pairs, kind: .hold, text: links.map(\.description).joined(separator: " "), mode: .hold,
            port: port, id: await parts.network.makeID("h"), origin: .control, lasting: lease)
        return self.confirm(record, lease, parts)
    }

    /// Announces an injection, plans its end, and says how many connections it applies to.
    private func confirm(
        _ record: InjectionRecord, _ lease: Duration?, _ parts: Parts
    ) -> InjectionReceipt {
        self.announce(record, lasting: lease)
        if let until = record.until {
            self.leases[record.id] = Task(executorPreference: ControlServer.executor) {
                let wait = max(.zero, until - parts.clock.now)
                guard (try? await Task.sleep(for: wait, tolerance: .zero)) != nil else { return }
                // Whoever ends it announces it; an error means that the run is over.
                if let ended = try? await parts.network.end(record.id) {
                    await self.announceEnd(ended, .lease)
                }
            }
        }
        return InjectionReceipt(record.injection, connections: record.connections)
    }

    private func end(
        _ kind: InjectionRecord.Kind, _ selection: InjectionSelection, _ parts: Parts
    ) async throws -> JSONValue {
        let active = await parts.network.activeRecords.filter { $0.kind != .process }
        let meant: [InjectionRecord]
        switch selection {
        case .all:
            // A schedule's faults are the scenario's network for as long as it says.
            meant = active.filter { $0.kind == kind && ($0.origin == .control || kind != .faults) }
        case .injection(let id):
            meant = active.filter { $0.id == id.text }
            if meant.isEmpty {
                let known = active.map(\.id)
                throw CommandError(
                    .notFound, "there is no such injection, found '\(id)'",
                    hint: known.isEmpty
                        ? "none is active" : Suggestion.hint(for: id.text, among: known))
            }
        case .links(let links):
            let all = try await parts.network.links()
            meant = active.filter { $0.kind == kind && $0.isWithin(links, among: all) }
            if meant.isEmpty {
                let text = links.map(\.description).joined(separator: " ")
                throw CommandError(
                    .notFound, "nothing of the kind is on these links only, found '\(text)'",
                    hint: "'chaos status' shows what is where; an id works always")
            }
        }
        var ended: [InjectionSummary] = []
        for done in try await parts.network.end(meant.map(\.id)) {
            self.announceEnd(done, .command)
            ended.append(done.injection)
        }
        return EndingReceipt(ended: ended).json
    }

    // MARK: - Processes

    private func strike(
        _ action: ProcessAction, _ pattern: NodePattern, _ parts: Parts
    ) async throws -> ProcessReceipt {
        let nodes = self.scenario.nodes.map(\.name).filter(pattern.matches)
        if nodes.isEmpty {
            throw CommandError(
                .notFound, "chaos started no such node, found '\(pattern)'",
                hint: self.scenario.nodes.isEmpty
                    ? "external servers can be cut off, but not stopped" : nil)
        }
        let results = await withTaskGroup(of: (Int, NodeFailure?).self) { group in
            for (index, node) in nodes.enumerated() {
                group.addTask { (index, await self.strike(action, node, parts)) }
            }
            var results: [Int: NodeFailure] = [:]
            for await (index, failure) in group { results[index] = failure }
            return results
        }
        let failures = nodes.indices.compactMap { index in
            results[index].map { (node: nodes[index], failure: $0) }
        }
        if let first = failures.first {
            let texts = failures.map { "\($0.node): \($0.failure.sentence)" }
            let done = nodes.filter { node in !failures.contains { $0.node == node } }
            let rest =
                done.isEmpty
                ? "" : "; done for \(done.map(\.text).joined(separator: ", "))"
            throw CommandError(
                .conflict, texts.joined(separator: "; ") + rest, hint: first.failure.hint)
        }
        var receipts: [RunStatus.Node] = []
        for node in nodes {
            if let status = await self.status(of: node) { receipts.append(status) }
        }
        return ProcessReceipt(nodes: receipts)
    }

    /// Does one thing to one node and notes it; tells why when that did not work.
    private func strike(
        _ action: ProcessAction, _ node: NodeName, _ parts: Parts
    ) async -> NodeFailure? {
        let id = await parts.network.makeID("s")
        let begin = parts.clock.now
        do throws(NodeFailure) {
            try await Self.perform(action, on: node, parts.supervisor)
            if action == .restart { try await self.waitUntilReady(node, since: begin, parts) }
        } catch { return error }
        self.noteStrike(action, node, id: id, state: "begin", origin: .control)
        await self.endPauses(of: node, parts)
        var record = InjectionRecord(
            id: id, kind: .process, text: "\(action.rawValue) \(node)", origin: .control,
            places: [node.text], begin: begin)
        record.action = action
        record.touched = 1
        record.hits = 1
        if action != .pause { record.end = parts.clock.now }
        if action != .resume { await parts.network.note(record) }
        return nil
    }

    /// Waits for a restarted node as long as an answer may take; a slow one is still starting then.
    private func waitUntilReady(
        _ node: NodeName, since begin: Instant, _ parts: Parts
    ) async throws(NodeFailure) {
        let deadline = begin + .milliseconds(4500)
        while parts.clock.now < deadline {
            switch await parts.supervisor.state(of: node) {
            case .starting?: try? await Task.sleep(for: .milliseconds(10))
            // Its failure is known, and told at once.
            case .exited?, .unstarted?: return try await parts.supervisor.waitUntilReady(node)
            default: return
            }
        }
    }

    /// Whatever is done to a paused node ends an operator's pause.
    private func endPauses(of node: NodeName, _ parts: Parts) async {
        for record in await parts.network.activeRecords
        where record.kind == .process && record.origin == .control && record.places == [node.text] {
            await parts.network.noteEnd(of: record.id, at: parts.clock.now)
        }
    }
}
