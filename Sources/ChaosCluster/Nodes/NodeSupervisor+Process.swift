import ChaosCore
import ChaosScenario
import OrderedCollections

extension NodeSupervisor {
    func makeRecord(_ spec: NodeSpec) throws(NodeFailure) -> NodeRecord {
        do throws(InputError) {
            var patterns: [LogPattern] = []
            for case .log(let text) in spec.ready { patterns.append(try LogPattern(parsing: text)) }
            let log = try LineFile(path: self.surroundings.directory.log(of: spec.name))
            return NodeRecord(spec: spec, patterns: patterns, log: log)
        } catch {
            throw NodeFailure(spec.name, error.sentence, hint: error.hint)
        }
    }

    /// What a node's process is started with.
    private func request(
        _ spec: NodeSpec, _ output: NodeOutput, input: Int32
    ) throws(InputError) -> SpawnRequest {
        let directory = try self.surroundings.directory.directory(of: spec.name)
        let placeholders = Placeholders(
            viewer: spec.name, plan: self.surroundings.plan, directory: directory,
            here: self.surroundings.here, seed: self.surroundings.seed)
        var environment = self.surroundings.environment
        let own = placeholders.environment
        // One that speaks on standard input and output must not think that it should listen.
        let isTalkedTo = self.dialogue(with: spec) != nil
        environment.merge(
            own.filter { !isTalkedTo || Placeholders.variablesOfAll.contains($0.key) }
        ) { _, new in new }
        for variable in spec.environment {
            environment[variable.name] = try placeholders.expand(variable.value)
        }
        var start = self.surroundings.workingDirectory
        if let text = spec.directory {
            let wanted = try placeholders.expand(text)
            start = wanted.hasPrefix("/") ? wanted : "\(start)/\(wanted)"
        }
        var request = SpawnRequest(
            command: try placeholders.words(of: spec.command), environment: environment,
            directory: start,
            streams: .init(input: input, output: output.output, error: output.error),
            family: spec.name.text)
        request.placement = self.surroundings.placement(spec.name)
        if let name = spec.user, UserAccount.canBeChosen {
            let user = try UserAccount(named: name)
            try user.own(directory)
            request.user = user
        }
        return request
    }

    /// Starts a node's process and begins to look whether it is ready.
    func spawn(_ record: NodeRecord) async throws(NodeFailure) {
        let node = record.spec.name
        record.generation += 1
        record.notReady = nil
        record.recent = RecentLines(patterns: record.patterns)
        record.started = self.surroundings.now()
        do {
            let output = try NodeOutput()
            record.process = try await self.spawn(record, writingTo: output)
            record.output = output
        } catch let error {
            record.process = nil
            record.output = nil
            self.change(record, to: .unstarted)
            switch error {
            case let error as InputError:
                throw NodeFailure(node, error.sentence, hint: error.hint)
            case let error as ProcessHostError:
                throw NodeFailure(node, error.message, hint: error.hint)
            default: throw NodeFailure(node, "\(error)")
            }
        }
        self.change(record, to: .starting)
        self.watch(record)
    }

    /// Starts a node's process with nothing to read, or in a dialogue.
    private func spawn(
        _ record: NodeRecord, writingTo output: NodeOutput
    ) async throws -> HostedProcess {
        let host = self.surroundings.host
        guard let dialogue = self.dialogue(with: record.spec) else {
            // Reading must begin also when nothing was started, so that the pipes are closed.
            defer { output.start(self.lineHandler(record)) }
            let null = try NullInput()
            return try await host.spawn(
                try self.request(record.spec, output, input: null.descriptor))
        }
        var isStarted = false
        defer { output.start(isTaken: isStarted, self.lineHandler(record)) }
        let input = try ProcessPipe()
        defer { _ = systemClose(input.reading) }
        do {
            let process = try await host.spawn(
                try self.request(record.spec, output, input: input.reading))
            isStarted = true
            dialogue.begin(record.spec.name, input: input.writing, output: output.readOutput)
            return process
        } catch {
            _ = systemClose(input.writing)
            throw error
        }
    }

    private func lineHandler(_ record: NodeRecord) -> NodeOutput.LineHandler {
        let (node, log, recent) = (record.spec.name, record.log, record.recent)
        let (now, onLine) = (self.surroundings.now, self.observer.onLine)
        return { stream, text in
            let line = NodeLine(node: node, stream: stream, at: now(), text: text)
            log.append(NodeLog.line(line))
            recent.add(text)
            onLine(line)
        }
    }

    /// Follows the process that a node has just got.
    private func watch(_ record: NodeRecord) {
        guard let process = record.process else { return }
        let (node, generation) = (record.spec.name, record.generation)
        Task {
            _ = await process.exitStatus()
            await self.processEnded(node, generation)
        }
        Task { await self.awaitReadiness(node, generation) }
    }

    private func processEnded(_ node: NodeName, _ generation: Int) async {
        guard let record = self.records[node] else { return }
        await self.acquire(record)
        defer { self.release(record) }
        guard record.generation == generation else { return }
        await self.noteDeath(record)
    }

    /// Takes note that the process ended although nobody asked for it, if it did.
    func noteDeath(_ record: NodeRecord) async {
        guard let process = record.process, let status = process.endedAs, record.state.isRunning
        else { return }
        if self.isEnding {
            // `shutdown` may have passed by before the process was known.
            await record.output?.waitForEnd(atMost: Self.outputLimit)
            if record.state.isRunning { self.change(record, to: .exited(status)) }
            return
        }
        await self.clear(record)
        let now = self.surroundings.now()
        let decision = record.budget.decide(after: status, started: record.started, now: now)
        var (willRestart, reason): (Bool, String?) = (false, nil)
        switch decision {
        case .rest: break
        case .giveUp(let why): reason = why
        case .restart: willRestart = true
        }
        self.observer.onEvent(
            .died(
                NodeDeath(
                    node: record.spec.name, status: status, lastLines: record.recent.lines,
                    willRestart: willRestart, reason: reason), at: now))
        record.log.append(NodeLog.note("\(status)", at: now))
        guard case .restart(let wait) = decision else {
            return self.change(record, to: .exited(status))
        }
        self.change(record, to: .restarting)
        let (node, generation) = (record.spec.name, record.generation)
        record.pendingRestart = Task {
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            await self.restartAfterDeath(node, generation)
        }
    }

    private func restartAfterDeath(_ node: NodeName, _ generation: Int) async {
        guard let record = self.records[node] else { return }
        do throws(NodeFailure) {
            await self.acquire(record)
            defer { self.release(record) }
            guard record.generation == generation, record.state == .restarting, !self.isEnding
            else { return }
            try await self.spawn(record)
        } catch {
            record.notReady = error
            record.log.append(NodeLog.note("\(error)", at: self.surroundings.now()))
            self.wake(record)
        }
    }

    /// Ends what is left of a family whose first process is gone, and reads its last words.
    func clear(_ record: NodeRecord) async {
        guard let process = record.process else { return }
        // A guardian that is gone has taken the family with it.
        _ = try? await self.surroundings.host.send(.kill, to: process)
        await record.output?.waitForEnd(atMost: Self.outputLimit)
        let said = await self.dialogue(with: record.spec)?.end(record.spec.name) ?? []
        for line in said { record.recent.add("(stdout) \(line)") }
    }
}
