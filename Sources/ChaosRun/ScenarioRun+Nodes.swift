import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import Foundation
import OrderedCollections

extension ScenarioRun {
    func makeSupervisor(
        _ plan: AddressPlan, _ host: ProcessHost, _ directory: RunDirectory, _ clock: RunClock,
        _ dialogue: (any NodeDialogue)?
    ) -> NodeSupervisor {
        let console = self.settings.console
        let numbers = Dictionary(
            uniqueKeysWithValues: self.scenario.nodes.enumerated().map { ($1.name, $0) })
        let observesLogs =
            self.settings.observesLines
            || self.scenario.schedule.contains { entry in
                if case .when(let trigger) = entry.timing, case .log = trigger.source {
                    return true
                }
                return false
            }
        let news = NodeNewsReader { await self.take($0) }
        self.holdings.news = news
        return NodeSupervisor(
            NodeSupervisor.Surroundings(
                host: host, plan: plan, directory: directory, seed: self.settings.seed,
                environment: Self.environment,
                workingDirectory: FileManager.default.currentDirectoryPath,
                here: self.scenario.here, dialogue: dialogue,
                placement: self.placements, now: { clock.now }),
            observer: NodeObserver(
                onEvent: { news.tell(.event($0)) },
                onLine: { line in
                    console.show(.node(line.node, index: numbers[line.node] ?? 0, text: line.text))
                    if observesLogs { news.tell(.line(line)) }
                }))
    }

    /// The environment of `chaos` itself, in a fixed order, and its own programs on the PATH.
    static var environment: OrderedDictionary<String, String> {
        let own = ProcessInfo.processInfo.environment.sorted { $0.key < $1.key }
        var environment = OrderedDictionary<String, String>(uniqueKeysWithValues: own)
        if let folder = Bundle.main.executableURL?.deletingLastPathComponent().path {
            let path = environment["PATH"] ?? "/usr/bin:/bin"
            environment["PATH"] = "\(folder):\(path)"
        }
        return environment
    }

    private func take(_ news: NodeNewsReader.News) async {
        switch news {
        case .line(let line):
            if self.settings.observesLines { self.lines.add(line) }
            guard let timeline = self.parts?.timeline else {
                // Nodes elect leaders before all are ready; such lines count from the start.
                if self.memory.earlyLines.count < 10_000 { self.memory.earlyLines.append(line) }
                return
            }
            await timeline.observe(log: line.text, from: line.node)
        case .event(.changed(let node, let state, let at)):
            if case .starting = state { self.memory.endedThemselves.remove(node) }
            self.journal(
                "node", ["node": .string(node.text), "state": .string("\(state)")], at: at)
            if let status = await self.status(of: node) {
                self.feed.publish(.node(status, reason: "\(state)", at: at))
            }
            await self.endIfAllNodesEnded()
        case .event(.died(let death, let at)):
            self.memory.deaths.append((death, at))
            if !death.willRestart { self.memory.endedThemselves.insert(death.node) }
            self.warn(death.description)
        case .mark: break
        }
    }

    /// Ends the run when every node has ended by itself: nobody will bring one back.
    func endIfAllNodesEnded() async {
        guard let parts = self.parts, parts.timeline != nil, !self.scenario.nodes.isEmpty,
            self.memory.endedThemselves.count == self.scenario.nodes.count
        else { return }
        let states = await parts.supervisor.states
        guard states.allSatisfy({ !$0.state.isRunning }), !self.memory.hasToldAllEnded else {
            return
        }
        self.memory.hasToldAllEnded = true
        let list = states.map { "\($0.node) \($0.state)" }.joined(separator: ", ")
        if self.settings.wrapped.isEmpty {
            self.tell("all nodes have ended: \(list)")
            self.end(because: .allNodesEnded)
        } else {
            self.warn("all nodes have ended while the command runs: \(list)")
        }
    }

    /// Starts the nodes and waits until all are ready.
    func startNodes(_ supervisor: NodeSupervisor) async throws {
        if self.scenario.nodes.isEmpty { return }
        do { try await supervisor.start(self.scenario.nodes) } catch {
            throw RunError(error.description, exitCode: ChaosExit.nodeDied)
        }
        let count = self.scenario.nodes.count
        self.tell(count == 1 ? "1 node ready" : "\(count) nodes ready")
    }

    /// What somebody outside the cluster is told about it.
    func clientPlaceholders(_ parts: Parts) -> Placeholders {
        Placeholders(
            viewer: .client, plan: parts.plan, directory: parts.directory.path,
            here: self.scenario.here ?? FileManager.default.currentDirectoryPath,
            seed: self.settings.seed)
    }

    /// Starts the wrapped command in the foreground; its end is the run's end.
    func startWrapped(_ parts: Parts) async throws {
        let placeholders = self.clientPlaceholders(parts)
        var environment = Self.environment
        for (name, value) in placeholders.environment { environment[name] = value }
        environment["CHAOS_RUN_DIR"] = parts.directory.path
        environment["CHAOS_HISTORY"] = self.holdings.reports?.pipe.path
        for (link, endpoint) in parts.externalEndpoints {
            let name = link.variable
            environment[name] = endpoint.description
            if case .tcp(let host, let port) = endpoint {
                environment[name + "_HOST"] = host
                environment[name + "_PORT"] = String(port)
            }
        }
        do {
            // Other tools have braces of their own, such as curl's %{http_code}: a word that holds
            // anything but known placeholders stays as it was typed.
            let words = self.settings.wrapped.map { (try? placeholders.expand($0)) ?? $0 }
            var request = SpawnRequest(
                command: words, environment: environment,
                directory: FileManager.default.currentDirectoryPath, streams: .inherited,
                session: .foreground, family: "command")
            request.placement = self.clientPlacement
            let process = try await parts.host.spawn(request)
            self.memory.wrapped = process
            Task {
                _ = await process.exitStatus()
                self.end(because: .command)
            }
        } catch {
            throw RunError(error.description)
        }
    }
}

extension ExternalLink {
    /// The variable in which a wrapped command finds the link: `CHAOS_LINK_MY_DB` of `my-db`.
    var variable: String {
        let letters = self.name.text.uppercased().map { letter in
            letter.isLetter || letter.isNumber ? String(letter) : "_"
        }
        return "CHAOS_LINK_" + letters.joined()
    }
}
