import ChaosCore
import ChaosScenario

extension NodeSupervisor {
    /// Kills a node and all its processes with SIGKILL, and waits until they are gone.
    ///
    /// - Throws: `NodeFailure` when it does not run, or does not go away.
    package func kill(_ node: NodeName) async throws(NodeFailure) {
        let record = try self.record(node)
        await self.acquire(record)
        defer { self.release(record) }
        if try await self.cancelRestart(record) { return }
        let process = try await self.running(record, "to be killed")
        record.intent = .kill
        defer { record.intent = .none }
        try await self.send(.kill, to: process, of: record)
        _ = await process.exitStatus()
        try await self.confirm(record, process, "its processes must be gone") { $0.alive == 0 }
        await record.output?.waitForEnd(atMost: Self.outputLimit)
        _ = await self.dialogue(with: record.spec)?.end(record.spec.name)
        self.change(record, to: .killed)
    }

    /// Stops a node with SIGTERM, which all its processes get, and after the grace with SIGKILL.
    ///
    /// - Returns: How it ended.
    /// - Throws: `NodeFailure` when it does not run, or does not go away.
    @discardableResult
    package func stop(
        _ node: NodeName, grace: Duration = .seconds(5)
    ) async throws(NodeFailure) -> ProcessExit {
        let record = try self.record(node)
        await self.acquire(record)
        defer { self.release(record) }
        let process = try await self.running(record, "to be stopped")
        return try await self.stop(record, process, grace: grace)
    }

    private func stop(
        _ record: NodeRecord, _ process: HostedProcess, grace: Duration
    ) async throws(NodeFailure) -> ProcessExit {
        record.intent = .stop
        defer { record.intent = .none }
        try await self.send(.terminate, to: process, of: record)
        // A paused process takes the SIGTERM only once it runs again.
        try await self.send(.resume, to: process, of: record)
        let host = self.surroundings.host
        let impatience = Task {
            guard (try? await Task.sleep(for: grace)) != nil else { return }
            _ = try? await host.send(.kill, to: process)
        }
        let status = await process.exitStatus()
        impatience.cancel()
        await self.clear(record)
        self.change(record, to: .exited(status))
        return status
    }

    /// Stops all processes of a node with SIGSTOP, and waits until the kernel says so.
    ///
    /// - Throws: `NodeFailure` when it does not run or is paused.
    package func pause(_ node: NodeName) async throws(NodeFailure) {
        let record = try self.record(node)
        await self.acquire(record)
        defer { self.release(record) }
        let process = try await self.running(record, "to be paused")
        if record.state == .paused { throw self.wrongState(record, "to be paused") }
        try await self.send(.stop, to: process, of: record)
        try await self.confirm(record, process, "all its processes must be stopped") {
            $0.alive == $0.still
        }
        if process.endedAs != nil {
            await self.noteDeath(record)
            throw self.wrongState(record, "to be paused")
        }
        record.stateBeforePause = record.state
        self.change(record, to: .paused)
    }

    /// Lets a paused node go on with SIGCONT.
    ///
    /// - Throws: `NodeFailure` when it is not paused.
    package func resume(_ node: NodeName) async throws(NodeFailure) {
        let record = try self.record(node)
        await self.acquire(record)
        defer { self.release(record) }
        let process = try await self.running(record, "to be resumed")
        guard record.state == .paused else { throw self.wrongState(record, "to be resumed") }
        try await self.send(.resume, to: process, of: record)
        try await self.confirm(record, process, "its processes must run again") {
            $0.stopped == 0
        }
        self.change(record, to: record.stateBeforePause)
    }

    /// Starts a node again: one that runs is stopped first, one that ended or was killed is not.
    ///
    /// - Parameters:
    ///   - grace: Between SIGTERM and SIGKILL, for a node that runs.
    ///   - untilReady: Whether to wait until it is ready; otherwise its process has started.
    /// - Throws: `NodeFailure` when it cannot start, or is not ready in time.
    package func restart(
        _ node: NodeName, grace: Duration = .seconds(5), untilReady: Bool = true
    ) async throws(NodeFailure) {
        try await self.startAgain(try self.record(node), grace: grace)
        if untilReady { try await self.waitUntilReady(node) }
    }

    private func startAgain(
        _ record: NodeRecord, grace: Duration
    ) async throws(NodeFailure) {
        await self.acquire(record)
        defer { self.release(record) }
        await self.noteDeath(record)
        record.pendingRestart?.cancel()
        if record.state.isRunning, let process = record.process {
            _ = try await self.stop(record, process, grace: grace)
        }
        try await self.spawn(record)
    }

    // MARK: - Parts

    /// Turns a node that waits for its restart into a killed one.
    private func cancelRestart(_ record: NodeRecord) async throws(NodeFailure) -> Bool {
        guard record.state == .restarting else { return false }
        record.pendingRestart?.cancel()
        self.change(record, to: .killed)
        return true
    }

    /// The process of a node that runs.
    private func running(
        _ record: NodeRecord, _ purpose: String
    ) async throws(NodeFailure) -> HostedProcess {
        // It may have ended a moment ago, and the news be waiting behind this operation.
        await self.noteDeath(record)
        guard record.state.isRunning, let process = record.process else {
            throw self.wrongState(record, purpose)
        }
        return process
    }

    private func wrongState(_ record: NodeRecord, _ purpose: String) -> NodeFailure {
        let finding =
            switch record.state {
            case .exited(let status): "it \(status)"
            case .killed: "it was killed"
            case .unstarted: "it could not start"
            case .starting, .ready, .paused, .restarting: "it is \(record.state)"
            }
        // Only `resume` has anything against a node that runs.
        let isUp = record.state == .ready || record.state == .starting
        let rule = isUp ? "it must be paused" : "it must run"
        return NodeFailure(record.spec.name, "\(rule) \(purpose), found that \(finding)")
    }

    private func send(
        _ signal: Signal, to process: HostedProcess, of record: NodeRecord
    ) async throws(NodeFailure) {
        do throws(ProcessHostError) {
            try await self.surroundings.host.send(signal, to: process)
        } catch {
            throw NodeFailure(record.spec.name, error.message, hint: error.hint)
        }
    }

    /// Asks for the state of the family until it is as wanted.
    private func confirm(
        _ record: NodeRecord, _ process: HostedProcess, _ rule: String,
        _ isReached: (ProcessHost.FamilyState) -> Bool
    ) async throws(NodeFailure) {
        let deadline = self.surroundings.now() + Self.confirmationLimit
        while true {
            let family: ProcessHost.FamilyState
            do throws(ProcessHostError) {
                family = try await self.surroundings.host.inspect(process)
            } catch {
                throw NodeFailure(record.spec.name, error.message, hint: error.hint)
            }
            if isReached(family) { return }
            if self.surroundings.now() > deadline {
                throw NodeFailure(
                    record.spec.name,
                    "\(rule) within \(Self.confirmationLimit.text), found "
                        + "\(family.alive) alive and \(family.still) of them stopped")
            }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }
}
