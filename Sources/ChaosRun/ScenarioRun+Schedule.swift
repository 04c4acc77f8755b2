import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosWorkloads
import ChaosProxy
import ChaosCheckers
import ChaosEngine
import ChaosScenario

extension ScenarioRun {
    /// Does what the schedule says.
    func carryOut(_ event: ScheduledEvent) async {
        guard let parts = self.parts else { return }
        let origin = parts.timelineOrigin
        let until = event.until.map { Instant(nanoseconds: $0.nanoseconds + origin.nanoseconds) }
        do {
            switch (event.phase, event.action) {
            case (.begin, .partition(let cuts, let text, let mode, let port)):
                let record = try await parts.network.cut(
                    cuts, text: text, mode: mode, port: port, id: event.id, origin: .schedule,
                    until: until)
                self.announce(record, lasting: event.until.map { $0 - event.planned })
            case (.begin, .faults(let rules)):
                let record = try await parts.network.inject(
                    rules, id: event.id, origin: .schedule, until: until)
                self.announce(record, lasting: event.until.map { $0 - event.planned })
            case (.end, .partition), (.end, .faults):
                if let record = try await parts.network.end(event.id) {
                    self.announceEnd(record, .lease)
                }
            case (_, .process(let action, let nodes)):
                await self.strike(nodes, action, event, until, parts)
            case (_, .heal): try await self.healAll(.command)
            }
        } catch {
            self.warn("\(event.id): \(Self.sentence(of: error))")
        }
    }

    /// Does something to nodes and notes it.
    private func strike(
        _ nodes: [NodeName], _ action: ProcessAction, _ event: ScheduledEvent, _ until: Instant?,
        _ parts: Parts
    ) async {
        if event.phase == .end { await parts.network.noteEnd(of: event.id, at: parts.clock.now) }
        var struck = 0
        let begin = parts.clock.now
        for node in nodes {
            do throws(NodeFailure) {
                try await Self.perform(action, on: node, parts.supervisor)
                struck += 1
                self.tell("\(action.rawValue) \(node) (\(event.id))")
            } catch {
                self.warn("\(event.id): \(error)")
            }
        }
        if event.phase == .end { return }
        let text = "\(action.rawValue) \(nodes.map(\.text).joined(separator: " "))"
        var record = InjectionRecord(
            id: event.id, kind: .process, text: text, origin: .schedule,
            places: nodes.map(\.text), begin: begin, until: until)
        record.touched = struck
        record.hits = struck
        if until == nil { record.end = parts.clock.now }
        await parts.network.note(record)
    }

    static func perform(
        _ action: ProcessAction, on node: NodeName, _ supervisor: NodeSupervisor
    ) async throws(NodeFailure) {
        switch action {
        case .kill: try await supervisor.kill(node)
        case .stop: try await supervisor.stop(node)
        case .pause: try await supervisor.pause(node)
        case .resume: try await supervisor.resume(node)
        case .restart: try await supervisor.restart(node)
        }
    }

    /// Ends every partition and hold, whoever made it.
    @discardableResult
    func healAll(_ reason: RunEvent.Reason) async throws -> [InjectionRecord] {
        guard let network = self.parts?.network else { return [] }
        var ended: [InjectionRecord] = []
        for record in await network.allRecords
        where record.end == nil && (record.kind == .partition || record.kind == .hold) {
            if let done = try await network.end(record.id) {
                self.announceEnd(done, reason)
                ended.append(done)
            }
        }
        return ended
    }

    func announce(_ record: InjectionRecord, lasting: Duration?) {
        let mode = record.kind == .partition ? record.mode.map { " (\($0.rawValue))" } ?? "" : ""
        let until = lasting.map { " for \($0.text)" } ?? ""
        let verb = record.kind == .partition ? "partition " : record.kind == .hold ? "hold " : ""
        self.tell("\(verb)\(record.text)\(mode)\(until) [\(record.id)]", at: record.begin)
        self.feed.publish(.injected(record.injection))
    }

    func announceEnd(_ record: InjectionRecord, _ reason: RunEvent.Reason) {
        let verb = record.kind == .partition ? "heal" : record.kind == .hold ? "release" : "clear"
        self.tell(
            "\(verb) \(record.text) [\(record.id)], \(record.touched) touched, \(record.hits) hit",
            at: record.end)
        self.leases.removeValue(forKey: record.id)?.cancel()
        self.feed.publish(.ended(record.injection, reason, at: record.end ?? record.begin))
    }

    static func sentence(of error: any Error) -> String {
        (error as? InputError)?.description ?? "\(error)"
    }
}

extension InjectionRecord {
    /// The record as the control protocol shows it.
    var injection: InjectionSummary {
        InjectionSummary(
            id: InjectionID(self.id),
            kind: self.kind == .partition ? .partition : self.kind == .hold ? .hold : .faults,
            text: self.text, mode: self.mode, ports: self.port.map { [$0] } ?? [],
            links: self.places,
            origin: InjectionSummary.Origin(rawValue: self.origin.rawValue) ?? .control,
            since: self.begin, until: self.until)
    }
}
