import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import NodeKit

extension ScenarioRun {
    /// Does what the schedule says.
    func carryOut(_ event: ScheduledEvent) async {
        guard let parts = self.parts else { return }
        let lasting = event.until.map { $0 - event.planned }
        let planned = Instant(
            nanoseconds: event.planned.nanoseconds + parts.timelineOrigin.nanoseconds)
        do {
            switch (event.phase, event.action) {
            case (.begin, .partition(let cuts, let text, let mode, let port)):
                let record = try await parts.network.cut(
                    cuts, text: text, mode: mode, port: port, id: event.id, origin: .schedule,
                    planned: planned, lasting: lasting)
                self.announce(record, lasting: lasting)
            case (.begin, .faults(let rules)):
                let record = try await parts.network.inject(
                    rules, id: event.id, origin: .schedule, planned: planned, lasting: lasting)
                self.announce(record, lasting: lasting)
            case (.end, .partition), (.end, .faults):
                if let record = try await parts.network.end(event.id) {
                    self.announceEnd(record, self.phase == .ending ? .end : .lease)
                }
            case (.begin, .process(let action, let nodes)):
                await self.strike(nodes, action, event, planned, lasting, parts)
            case (.end, .process(let action, let nodes)):
                await self.undo(action, on: nodes, event, parts)
            case (_, .tell(let body, let nodes)):
                try await self.tell(body, to: nodes, event, planned, parts)
            case (_, .heal): try await self.healAll(.command)
            }
            if event.phase == .begin {
                // The entry may have the id of a firing itself: it then repeats what another run drew.
                self.memory.happened.formUnion([event.id, Self.entry(of: event.id)])
            }
        } catch {
            self.doubt("\(event.id) could not be carried out: \(Self.sentence(of: error))")
        }
    }

    /// The entry's id of one of its firings: `schedule[2]` of `schedule[2]#3`.
    private static func entry(of firing: String) -> String {
        guard let mark = firing.lastIndex(of: "#") else { return firing }
        return String(firing[..<mark])
    }

    /// The schedule's entries that never happened, and why. What only undoes something is no fault.
    func neverHappened() -> [(id: String, reason: String)] {
        self.scenario.schedule.compactMap { entry in
            switch entry.action {
            case .heal, .process(.resume, _): return nil
            default: break
            }
            if self.memory.happened.contains(entry.id) { return nil }
            switch entry.timing {
            case .at, .every:
                if case .nemesis = entry.action {
                    return (entry.id, "the run ended before, or its budget never had room")
                }
                return (entry.id, "the run ended before")
            case .when(let trigger):
                guard case .log(let pattern) = trigger.source else {
                    return (entry.id, "no message matched")
                }
                return (entry.id, "no line matched '\(pattern)'")
            }
        }
    }

    /// Does something to nodes and notes it.
    private func strike(
        _ nodes: [NodeName], _ action: ProcessAction, _ event: ScheduledEvent, _ planned: Instant,
        _ lasting: Duration?, _ parts: Parts
    ) async {
        let begin = parts.clock.now
        let struck = await self.perform(action, on: nodes, "begin", event.id, parts)
        let text = "\(action.rawValue) \(nodes.map(\.text).joined(separator: " "))"
        var record = InjectionRecord(
            id: event.id, kind: .process, text: text, origin: .schedule,
            places: nodes.map(\.text), begin: begin, until: lasting.map { begin + $0 })
        record.action = action
        record.planned = planned
        record.touched = struck
        record.hits = struck
        if lasting == nil && action != .pause { record.end = parts.clock.now }
        await parts.network.note(record)
        self.feed.publish(.injected(record.injection))
    }

    /// Says something to nodes as their administrator, past the network with its faults, and notes it.
    private func tell(
        _ body: JSONObject, to nodes: [NodeName], _ event: ScheduledEvent, _ planned: Instant,
        _ parts: Parts
    ) async throws {
        let begin = parts.clock.now
        var answers = 0
        for node in nodes {
            guard let port = parts.plan.listen(node, Administrator.port)?.administratorPort else {
                throw RunError("'\(node)' has no port '\(Administrator.port)'")
            }
            do {
                _ = try await Administration.ask(body, node: node.text, at: port)
                answers += 1
            } catch { self.warn("\(event.id): \(error)") }
        }
        let names = nodes.map(\.text).joined(separator: " ")
        let text = "tell \(names) \(JSONValue.object(body).text)"
        var record = InjectionRecord(
            id: event.id, kind: .process, text: text, origin: .schedule,
            places: nodes.map(\.text), begin: begin)
        record.planned = planned
        record.touched = answers
        record.hits = answers
        record.end = parts.clock.now
        self.tell("\(text) [\(event.id)]")
        self.journal(
            "tell",
            [
                "id": .string(event.id), "nodes": .array(nodes.map { .string($0.text) }),
                "body": .object(body), "answers": .int(Int64(answers)),
            ])
        await parts.network.note(record)
        self.feed.publish(.injected(record.injection))
    }

    /// Undoes what happened to nodes; those that somebody has brought back already are as wanted.
    private func undo(
        _ action: ProcessAction, on nodes: [NodeName], _ event: ScheduledEvent, _ parts: Parts
    ) async {
        var left: [NodeName] = []
        for node in nodes {
            let state = await parts.supervisor.state(of: node)
            if action == .resume ? state == .paused : state?.isRunning == false {
                left.append(node)
            }
        }
        _ = await self.perform(action, on: left, "end", event.id, parts)
        await parts.network.noteEnd(of: event.id, at: parts.clock.now)
    }

    /// Does something to one node after the other.
    ///
    /// - Returns: How many took it.
    private func perform(
        _ action: ProcessAction, on nodes: [NodeName], _ state: String, _ id: String, _ parts: Parts
    ) async -> Int {
        var struck = 0
        for node in nodes {
            do throws(NodeFailure) {
                try await Self.perform(action, on: node, parts.supervisor)
                struck += 1
                self.noteStrike(action, node, id: id, state: state, origin: .schedule)
            } catch {
                self.warn("\(id): \(error)")
            }
        }
        return struck
    }

    /// Tells that something was done to a node, and writes it down.
    func noteStrike(
        _ action: ProcessAction, _ node: NodeName, id: String, state: String,
        origin: InjectionOrigin
    ) {
        self.tell("\(action.rawValue) \(node) [\(id)]")
        self.journal(
            "process",
            [
                "id": .string(id), "state": .string(state), "action": .string(action.rawValue),
                "node": .string(node.text), "origin": .string(origin.rawValue),
            ])
    }

    /// Does one thing to one node; a restarted node has a new process then, but may not be ready.
    static func perform(
        _ action: ProcessAction, on node: NodeName, _ supervisor: NodeSupervisor
    ) async throws(NodeFailure) {
        // Shorter than an operator waits for an answer.
        let grace = Duration.seconds(3)
        switch action {
        case .kill: try await supervisor.kill(node)
        case .stop: try await supervisor.stop(node, grace: grace)
        case .pause: try await supervisor.pause(node)
        case .resume: try await supervisor.resume(node)
        case .restart: try await supervisor.restart(node, grace: grace, untilReady: false)
        }
    }

    /// Ends every partition, whoever made it.
    private func healAll(_ reason: RunEvent.Reason) async throws {
        guard let network = self.parts?.network else { return }
        for record in await network.activeRecords where record.kind == .partition {
            if let done = try await network.end(record.id) { self.announceEnd(done, reason) }
        }
    }

    func announce(_ record: InjectionRecord, lasting: Duration?) {
        let mode = record.mode.map { " (\($0.rawValue))" } ?? ""
        let until = lasting.map { " for \($0.text)" } ?? ""
        let verb =
            record.kind == .partition ? "partition " : record.kind == .hold ? "hold " : "set "
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

extension Endpoint {
    /// The endpoint as a node's administrator dials it.
    fileprivate var administratorPort: Administration.Port {
        switch self {
        case .unix(let path): .unix(path)
        case .tcp(let host, let port): .tcp(host: host, port: Int(port))
        }
    }
}

extension InjectionRecord {
    /// The record as the control protocol shows it.
    var injection: InjectionSummary {
        let kind: InjectionSummary.Kind =
            switch self.kind {
            case .faults: .faults
            case .partition: .partition
            case .hold: .hold
            case .process: .process
            }
        return InjectionSummary(
            id: InjectionID(self.id), kind: kind, text: self.text, mode: self.mode,
            ports: self.port.map { [$0] } ?? [], links: self.places,
            origin: InjectionSummary.Origin(rawValue: self.origin.rawValue) ?? .control,
            since: self.begin, until: self.until)
    }
}
