import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import Foundation
import OrderedCollections

extension ScenarioRun {
    /// Starts what ends the run: its time, the workload, the wrapped command. All of them stop soon
    /// after they are cancelled.
    func startDrivers() -> [Task<Void, Never>] {
        guard let parts = self.parts else { return [] }
        var tasks: [Task<Void, Never>] = []
        let hasCommand = !self.settings.wrapped.isEmpty
        if let spec = self.scenario.workload {
            tasks.append(Task { await self.runLoad(spec, parts, isEnd: !hasCommand) })
            tasks.append(Task { await self.showProgress(parts) })
        }
        if hasCommand {
            tasks.append(
                Task {
                    do { try await self.startWrapped(parts) } catch {
                        self.end(
                            because: .failed(
                                error as? RunError ?? RunError(Self.sentence(of: error))))
                    }
                })
        }
        if self.length.isLimit, self.scenario.workload == nil || hasCommand {
            tasks.append(
                Task { if await self.waitForTotal(parts) { self.end(because: .time) } })
        }
        return tasks
    }

    /// Waits until the run's time is over; `false` when it was cancelled before.
    private func waitForTotal(_ parts: Parts) async -> Bool {
        let end = parts.timelineOrigin + (self.length.total ?? .zero)
        let wait = end - parts.clock.now
        if wait <= .zero { return !Task.isCancelled }
        return (try? await Task.sleep(for: wait)) != nil
    }

    /// What a workload needs; `nil` when no node has a port for clients.
    func context(_ parts: Parts) -> WorkloadContext? {
        let chosen = self.scenario.workload?.nodes
        let addresses = self.scenario.nodes.compactMap { node -> ClientAddress? in
            guard chosen?.contains(node.name) ?? true, let port = node.clientPort,
                case .tcp(let host, let number)? = parts.plan.endpoint(
                    of: node.name, port, seenBy: .client)
            else { return nil }
            return ClientAddress(node: node.name.text, host: host, port: Int(number))
        }
        if addresses.isEmpty { return nil }
        let clock = parts.clock
        var context = WorkloadContext(
            nodes: addresses, seed: self.settings.seed.derived("workload"),
            recorder: parts.recorder, now: { clock.now },
            report: { text in Task { await self.warn(text) } })
        context.startProgram = { words in try await self.startClientProgram(words, parts) }
        return context
    }

    /// Starts a client program of the user's, which ends with the run.
    private func startClientProgram(
        _ words: [String], _ parts: Parts
    ) async throws -> StartedProgram {
        let placeholders = self.clientPlaceholders(parts)
        var environment = Self.environment
        for (name, value) in placeholders.environment { environment[name] = value }
        let (input, output) = (try ProcessPipe(), try ProcessPipe())
        defer { for end in [input.reading, output.writing] { ProcessPipe.close(end) } }
        do {
            var request = SpawnRequest(
                command: words.map { (try? placeholders.expand($0)) ?? $0 },
                environment: environment,
                directory: FileManager.default.currentDirectoryPath,
                streams: .init(input: input.reading, output: output.writing, error: 2),
                family: "client program")
            request.placement = self.clientPlacement
            let process = try await parts.host.spawn(request)
            return StartedProgram(input: input.writing, output: output.reading) {
                _ = try? await parts.host.send(.kill, to: process, scope: .process)
                _ = await process.exitStatus()
            }
        } catch {
            for end in [input.writing, output.reading] { ProcessPipe.close(end) }
            throw RunError(error.description)
        }
    }

    /// The run's one workload, with the length that the run gives it.
    func workload(_ spec: WorkloadSpec) throws(InputError) -> any Workload {
        if let workload = self.memory.workload { return workload }
        var spec = spec
        spec.duration = self.length.load ?? spec.duration
        let workload = try makeWorkload(spec)
        self.memory.workload = workload
        return workload
    }

    private func runLoad(_ spec: WorkloadSpec, _ parts: Parts, isEnd: Bool) async {
        guard let context = self.context(parts) else {
            let rule = "a workload needs a node with a TCP port"
            self.end(because: .failed(RunError(rule, exitCode: ChaosExit.badInput)))
            self.noteLoadEnded()
            return
        }
        defer { self.noteLoadEnded() }
        do {
            try await self.workload(spec).runLoad(context)
            self.noteLoadEnded()
            if isEnd, await self.waitForTotal(parts) { self.end(because: .workload) }
        } catch is CancellationError {
        } catch {
            // The cluster did not take the load: that is for the verdict to say.
            self.doubt("the workload could not run: \(Self.sentence(of: error))")
            if isEnd { self.end(because: .workload) }
        }
    }

    private func noteLoadEnded() {
        self.memory.hasLoadEnded = true
        let waiters = self.memory.loadWaiters
        self.memory.loadWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func showProgress(_ parts: Parts) async {
        while (try? await Task.sleep(for: .milliseconds(500))) != nil {
            let now = parts.clock.now
            self.settings.console.show(.progress(now, parts.board.text))
            self.feed.publish(.progress(parts.board.json, at: now))
        }
    }
}

extension NodeSpec {
    /// The port that clients use: the one named `client`, or the first that speaks TCP.
    package var clientPort: PortName? {
        let tcp = self.ports.filter { $0.transport == .tcp }
        return (tcp.first { $0.name == "client" } ?? tcp.first)?.name
    }
}
