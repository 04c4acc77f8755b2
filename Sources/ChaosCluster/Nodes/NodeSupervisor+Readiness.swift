import ChaosCore
import ChaosScenario
import OrderedCollections

extension NodeSupervisor {
    /// Waits until a node is ready; through restarts, if its policy brings it back.
    ///
    /// - Throws: `NodeFailure` when it was not ready in time, or has ended for good.
    package func waitUntilReady(_ node: NodeName) async throws(NodeFailure) {
        let record = try self.record(node)
        while true {
            switch record.state {
            case .ready: return
            case .starting, .paused, .restarting:
                if let failure = record.notReady { throw failure }
                if self.hasStartFailed { throw NodeFailure.givenUp(node) }
            case .unstarted:
                if let failure = record.notReady { throw failure }
                throw await self.endedEarly(record, "found that it could not start")
            case .exited(let status):
                throw await self.endedEarly(
                    record, "found that it \(status)",
                    hint: status.isSuccess
                        ? "a node stays in the foreground; one that goes to the background ends so"
                        : nil)
            case .killed: throw await self.endedEarly(record, "found that it was killed")
            }
            await withCheckedContinuation { record.waiting.append($0) }
        }
    }

    /// What shows that a node is ready: what its scenario says, or else that every port which can
    /// be connected to accepts a connection.
    private func conditions(_ spec: NodeSpec) -> [ReadyCondition] {
        if !spec.ready.isEmpty || self.dialogue(with: spec) != nil { return spec.ready }
        return spec.ports.filter { $0.transport != .udp }.map { .tcp($0.name) }
    }

    /// Looks again and again whether the node is ready, until it is or the process is not the
    /// node's any more. When time is up it says so, and looks on: late is better than never.
    func awaitReadiness(_ node: NodeName, _ generation: Int) async {
        guard let record = self.records[node] else { return }
        let deadline = record.started + record.spec.readyWithin
        var unmet = self.conditions(record.spec)
        // From 2 ms, so that a fast node is not waited for, to 50 ms, so that a slow one is left
        // in peace.
        var pause = Duration.milliseconds(2)
        while record.generation == generation, record.state.isRunning {
            var finding: String?
            while record.state != .paused, let condition = unmet.first {
                finding = await self.check(condition, record)
                if finding != nil { break }
                unmet.removeFirst()
            }
            // A process that has ended is news of another kind, and it is on its way.
            guard record.generation == generation, record.state.isRunning,
                record.process?.endedAs == nil
            else { return }
            let lack =
                record.state == .paused
                ? NodeLack("it is paused")
                : self.dialogue(with: record.spec)?.lackOfReadiness(record.spec.name)
            if unmet.isEmpty, lack == nil, record.state == .starting, record.intent == .none {
                record.notReady = nil
                return self.change(record, to: .ready)
            }
            if self.surroundings.now() >= deadline, record.notReady == nil,
                let failure = await self.lateness(record, unmet.first, finding, lack)
            {
                guard record.generation == generation, record.process?.endedAs == nil else {
                    return
                }
                record.notReady = failure
                self.wake(record)
            }
            try? await Task.sleep(for: pause)
            pause = record.notReady == nil ? min(pause * 2, .milliseconds(50)) : .seconds(1)
        }
    }

    /// Nil when the condition holds, or what was found instead.
    private func check(_ condition: ReadyCondition, _ record: NodeRecord) async -> String? {
        switch condition {
        case .log(let text): return record.recent.hasMatched(text) ? nil : "no such line"
        case .tcp(let port):
            guard let endpoint = self.surroundings.plan.listen(record.spec.name, port) else {
                return "no such port"
            }
            return await ReadinessProbe.connect(to: endpoint)
        case .http(let path, let port):
            guard let name = port ?? record.spec.ports.first?.name,
                let endpoint = self.surroundings.plan.listen(record.spec.name, name)
            else { return "no such port" }
            return await ReadinessProbe.get(path, at: endpoint)
        }
    }

    private func rule(_ condition: ReadyCondition, _ spec: NodeSpec) -> String {
        let plan = self.surroundings.plan
        let limit = "within \(spec.readyWithin.text)"
        switch condition {
        case .log(let text): return "a line of its output must match '\(text)' \(limit)"
        case .tcp(let port):
            let place = plan.listen(spec.name, port).map { " at \($0)" } ?? ""
            return "port '\(port)' must accept connections\(place) \(limit)"
        case .http(let path, let port):
            let name = port ?? spec.ports.first?.name
            let place = name.flatMap { plan.listen(spec.name, $0) }.map { " at \($0)" } ?? ""
            return "GET \(path)\(place) must answer 200 \(limit)"
        }
    }

    /// What a late node lacks; nil when it lacks nothing.
    private func lateness(
        _ record: NodeRecord, _ condition: ReadyCondition?, _ finding: String?, _ lack: NodeLack?
    ) async -> NodeFailure? {
        if let condition {
            return NodeFailure(
                record.spec.name,
                "\(self.rule(condition, record.spec)), found '\(finding ?? "it is paused")'",
                hint: await self.addressHint(record), lastLines: record.recent.lines)
        }
        guard let lack, let rule = self.dialogueRule(record.spec) else { return nil }
        return NodeFailure(
            record.spec.name, "\(rule), found \(lack.finding)", hint: lack.hint,
            lastLines: record.recent.lines)
    }

    private func dialogueRule(_ spec: NodeSpec) -> String? {
        self.dialogue(with: spec).map { "\($0.readinessRule) within \(spec.readyWithin.text)" }
    }

    private func endedEarly(
        _ record: NodeRecord, _ finding: String, hint: String? = nil
    ) async -> NodeFailure {
        let rule =
            self.conditions(record.spec).first.map { self.rule($0, record.spec) }
            ?? self.dialogueRule(record.spec)
        let elsewhere = await self.addressHint(record)
        return NodeFailure(
            record.spec.name, "\(rule ?? "it must stay up"), \(finding)",
            hint: elsewhere ?? hint, lastLines: record.recent.lines)
    }

    /// The hint for a node that does not bind exactly the address it is given: seen by where its
    /// processes listen, or by their own words.
    private func addressHint(_ record: NodeRecord) async -> String? {
        #if os(Linux)
            guard case .loopback = self.surroundings.plan.style else { return nil }
            let remedy = "a node that cannot listen at {listen} alone needs  addressing: ports"
            let (node, processes) = (record.spec.name, self.surroundings.host)
            for port in record.spec.ports where port.transport == .tcp {
                guard
                    case .tcp(let host, let number)? = self.surroundings.plan.listen(
                        record.spec.name, port.name)
                else { continue }
                let places = await ReadinessProbe.run {
                    ListenerSurvey.addresses(port: number, node: node, host: processes)
                }
                if let other = places.first, !places.contains(host) {
                    return "it listens at \(other):\(number); \(remedy)"
                }
            }
            let words = ["address already in use", "address in use", "eaddrinuse"]
            let lines = record.recent.lines.map { $0.lowercased() }
            if lines.contains(where: { line in words.contains { line.contains($0) } }) {
                return remedy
            }
        #endif
        return nil
    }
}
