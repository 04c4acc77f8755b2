import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosWorkloads
import ChaosCheckers
import ChaosProxy
import ChaosScenario
import Foundation
import OrderedCollections

extension ScenarioRun {
    func makeSupervisor(
        _ plan: AddressPlan, _ host: ProcessHost, _ directory: RunDirectory, _ clock: RunClock
    ) -> NodeSupervisor {
        let console = self.settings.console
        let numbers = Dictionary(
            uniqueKeysWithValues: self.scenario.nodes.enumerated().map { ($1.name, $0) })
        // One stream keeps the order of events; without a reader yet they wait in it.
        let (events, news) = AsyncStream<NodeNews>.makeStream(bufferingPolicy: .unbounded)
        let observesLogs = self.scenario.schedule.contains { entry in
            if case .when(let trigger) = entry.timing, case .log = trigger.source { return true }
            return false
        }
        Task {
            for await item in events { await self.take(item) }
        }
        return NodeSupervisor(
            NodeSupervisor.Surroundings(
                host: host, plan: plan, directory: directory, seed: self.settings.seed,
                environment: Self.environment,
                workingDirectory: FileManager.default.currentDirectoryPath, now: { clock.now }),
            observer: NodeObserver(
                onEvent: { news.yield(.event($0)) },
                onLine: { line in
                    console.show(.node(line.node, index: numbers[line.node] ?? 0, text: line.text))
                    if observesLogs { news.yield(.line(line)) }
                }))
    }

    /// What the supervisor tells, in order.
    enum NodeNews: Sendable {
        case event(NodeEvent)
        case line(NodeLine)
    }

    /// The environment of `chaos` itself, in a fixed order, and its own programs on the PATH.
    private static var environment: OrderedDictionary<String, String> {
        let own = ProcessInfo.processInfo.environment.sorted { $0.key < $1.key }
        var environment = OrderedDictionary<String, String>(uniqueKeysWithValues: own)
        if let folder = Bundle.main.executableURL?.deletingLastPathComponent().path {
            let path = environment["PATH"] ?? "/usr/bin:/bin"
            environment["PATH"] = "\(folder):\(path)"
        }
        return environment
    }

    private func take(_ news: NodeNews) async {
        switch news {
        case .line(let line):
            await self.parts?.timeline?.observe(log: line.text, from: line.node)
        case .event(.changed(let node, let state, let at)):
            if let status = await self.status(of: node) {
                self.feed.publish(.node(status, reason: "\(state)", at: at))
            }
            if let parts = self.parts, parts.timeline != nil, self.settings.wrapped.isEmpty,
                await parts.supervisor.states.allSatisfy({ $0.state.isOver })
            {
                self.end(because: .allNodesEnded)
            }
        case .event(.died(let death, let at)):
            self.note(death: death, at: at)
            self.warn(death.description)
        }
    }

    /// Starts the nodes and waits until all are ready.
    func startNodes(_ supervisor: NodeSupervisor) async throws {
        if self.scenario.nodes.isEmpty { return }
        do { try await supervisor.start(self.scenario.nodes) } catch {
            throw RunError(error.description, exitCode: ChaosExit.nodeDied)
        }
        self.tell("\(self.scenario.nodes.count) nodes ready")
    }

    /// Starts the wrapped command in the foreground; its end is the run's end.
    func startWrapped(_ parts: Parts) async throws {
        if self.settings.wrapped.isEmpty { return }
        var environment = Self.environment
        let placeholders = Placeholders(
            viewer: .client, plan: parts.plan, directory: parts.directory.path,
            seed: self.settings.seed)
        for (name, value) in placeholders.environment { environment[name] = value }
        environment["CHAOS_RUN_DIR"] = parts.directory.path
        for (link, endpoint) in parts.externalEndpoints {
            let name = "CHAOS_LINK_" + link.name.text.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
            environment[name] = endpoint.description
            if case .tcp(let host, let port) = endpoint {
                environment[name + "_HOST"] = host
                environment[name + "_PORT"] = String(port)
            }
        }
        do {
            // Its words are its own: it is told everything by its environment, and braces are common
            // in the arguments of other tools.
            let process = try await parts.host.spawn(
                SpawnRequest(
                    command: self.settings.wrapped, environment: environment,
                    directory: FileManager.default.currentDirectoryPath, streams: .inherited,
                    session: .foreground, family: "command"))
            Task {
                let status = await process.exitStatus()
                self.keep(wrappedExit: status.shellCode)
                self.end(because: .command)
            }
        } catch {
            throw RunError(error.description)
        }
    }
}

extension NodeState {
    /// Whether the node has ended and nobody will bring it back by itself.
    fileprivate var isOver: Bool {
        if case .exited = self { return true }
        return false
    }
}
