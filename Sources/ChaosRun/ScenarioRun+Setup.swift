import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosSockets
import ChaosTopology
import ChaosWorkloads
import Foundation

extension ScenarioRun {
    /// Brings everything up. Whatever exists is in `holdings`, so that a failure closes it.
    func setUp() async throws {
        try self.checkRecognition()
        let seed = self.settings.seed
        let clock = RunClock()
        let directory = try RunDirectory(
            in: self.settings.runsFolder, name: self.scenario.name,
            longestSocketName: AddressPlan.longestSocketName(
                nodes: self.plannedNodes),
            runtimeDirectory: ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"])
        self.holdings.directory = directory
        self.settings.console.show(
            .header([
                ("seed", String(seed.value)), ("run", directory.shownPath),
                ("repeat", self.settings.repeatCommand),
            ]))
        if let reason = self.settings.backendReason {
            self.tell("backend \(self.scenario.chosenBackend.rawValue): \(reason)")
        }
        let journal = try self.lineFile("journal.jsonl", in: directory)
        let historyFile = try self.lineFile("history.jsonl", in: directory)
        let style = try self.style()
        var allocator = FreePorts(style: style)
        let plan = try AddressPlan(
            nodes: self.plannedNodes, style: style, hosts: self.givenHosts,
            socketDirectory: directory.socketDirectory, allocator: &allocator)
        let host = try await self.makeHost(directory, plan)
        let lab = try await self.openLab(directory, plan, clock)
        let proxy = try await self.makeProxy(clock: clock, journal: journal)
        self.holdings.proxy = proxy
        let network = NetworkControl(
            proxy: proxy, nodes: self.clusterNames, ports: self.portNames,
            network: self.scenario.network, seed: seed,
            datagramPorts: self.scenario.datagramPorts, isInLab: self.isInLab,
            interceptedPorts: self.scenario.interceptedPorts,
            reserved: Set(self.scenario.schedule.map(\.id)))
        let board = ProgressBoard(
            kind: self.scenario.workload?.kind ?? "",
            nodes: self.scenario.nodes.map(\.name.text))
        let recent = RecentOperations()
        let recorder = HistoryRecorder(now: { clock.now }) { operation in
            historyFile.append(operation.json)
            board.note(operation)
            recent.note(operation)
        }
        allocator.release()
        let bridge = try await self.openBridge(plan)
        let supervisor = self.makeSupervisor(plan, host, directory, clock, bridge)
        self.holdings.supervisor = supervisor
        let external = try await self.openListeners(
            plan, proxy, network, self.makeRecognition(host))
        try await self.connectLab(lab, plan, proxy)
        self.keep(
            Parts(
                directory: directory, host: host, plan: plan, network: network,
                supervisor: supervisor, journal: journal, clock: clock, recorder: recorder,
                board: board, recent: recent, externalEndpoints: external))
        try await self.traceMessages(directory, network)
        if let parts = self.parts { try await self.beginScenarioCapture(parts) }
        try self.writeHeaders(directory, seed)
        if !self.settings.wrapped.isEmpty { try await self.openReports(directory, recorder, host) }
        self.journalStart()
        self.holdings.control = try await self.startControl(at: directory.socketPath)
        self.noteSurprises()
        if self.memory.isInterrupted { throw CancellationError() }
        try await self.startNodes(supervisor)
        self.watchForBypasses(plan, host)
        await self.startTimeline(clock, network)
        await self.endIfAllNodesEnded()
    }

    func lineFile(_ name: String, in directory: RunDirectory) throws -> LineFile {
        let file = try LineFile(path: directory.file(name))
        self.holdings.files.append(file)
        return file
    }

    /// Lets the wrapped command report what it does and sees, so that the checks can judge it.
    private func openReports(
        _ directory: RunDirectory, _ recorder: HistoryRecorder, _ host: ProcessHost
    ) async throws {
        let path = directory.file("history.pipe")
        try await host.unlinkAtEnd(path)
        let reports = HistoryReports(to: recorder)
        self.holdings.reports = (try LinePipe(path: path) { reports.take($0) }, reports)
    }

    /// Reads what the command has reported up to now, and no more.
    func finishReports() async {
        guard let (pipe, reports) = self.holdings.reports else { return }
        self.holdings.reports = nil
        await pipe.finish()
        if let error = reports.firstError {
            let more = error.count == 1 ? "" : " (and \(error.count - 1) more like it)"
            self.doubt("CHAOS_HISTORY, line \(error.line): \(error.error)\(more)")
        }
    }

    private func startControl(at path: String) async throws -> ControlServer {
        do throws(CommandError) {
            return try await ControlServer.start(
                at: path, target: self, version: self.settings.version)
        } catch { throw RunError("control socket: \(error)") }
    }

    private func journalStart() {
        self.journal(
            "run",
            [
                "state": "begin", "scenario": .string(self.scenario.name),
                "seed": .string(String(self.settings.seed.value)),
                "version": .string(self.settings.version),
                "backend": .string(self.scenario.chosenBackend.rawValue),
            ])
    }

    /// Says at the start what would surprise people in the end.
    private func noteSurprises() {
        if !self.scenario.checks.isEmpty && self.scenario.workload == nil
            && self.settings.wrapped.isEmpty
        {
            self.warn(
                "there are checks but neither a workload nor a command behind '--': nothing is "
                    + "recorded that they could judge")
        }
        let note = self.length.note(hasCommand: !self.settings.wrapped.isEmpty)
        if let note { self.tell(note) }
    }

    /// Looks for connections that the network of this run has no power over.
    private func watchForBypasses(_ plan: AddressPlan, _ host: ProcessHost) {
        if self.scenario.nodes.isEmpty { return }
        let watch = BypassWatch(plan: plan, host: host)
        self.holdings.bypasses = watch
        watch.start { bypass in
            Task {
                // Who looks at a node from outside is free to; a node that gets around its links
                // proves nothing about them.
                if bypass.dialer == .client {
                    await self.warn(bypass.description)
                } else {
                    await self.doubt(bypass.description)
                }
            }
        }
    }

    /// Starts the guardian, and has it remove the run's sockets however the run ends.
    private func makeHost(_ directory: RunDirectory, _ plan: AddressPlan) async throws
        -> ProcessHost
    {
        do throws(ProcessHostError) {
            let host = try ProcessHost(
                run: UUID().uuidString, ownsAllChildren: self.settings.ownsProcess
            ) { sentence in
                Task { await self.end(because: .failed(RunError(sentence))) }
            }
            self.holdings.host = host
            // The last one goes first: a directory can go when it is empty.
            if let folder = directory.temporaryDirectory { try await host.unlinkAtEnd(folder) }
            for path in Self.socketPaths(plan) { try await host.unlinkAtEnd(path) }
            try await host.unlinkAtEnd(directory.socketPath)
            return host
        } catch { throw RunError(error.description) }
    }

    /// Where nodes and links listen at Unix sockets, each once.
    private static func socketPaths(_ plan: AddressPlan) -> [String] {
        var paths: [String] = []
        for case .unix(let path) in plan.routes.flatMap({ [$0.upstream, $0.listen] })
        where !paths.contains(path) {
            paths.append(path)
        }
        return paths
    }

    /// The names that links and partitions may use: nodes, then external servers.
    var clusterNames: [NodeName] {
        self.scenario.nodes.map(\.name) + self.scenario.externalLinks.map(\.name)
            + self.scenario.services
    }

    /// Everybody who has an address: nodes, then services.
    private var plannedNodes: [(name: NodeName, ports: [PortSpec])] {
        self.scenario.nodes.map { ($0.name, $0.ports) }
            + self.scenario.services.map { ($0, [PortSpec(name: NodeSpec.messagePort)]) }
    }

    /// Where nodes listen whose address the scenario gives.
    private var givenHosts: [NodeName: String] {
        var hosts: [NodeName: String] = [:]
        for node in self.scenario.nodes { hosts[node.name] = node.address?.description }
        return hosts
    }

    /// The names of all ports, each once, in order.
    var portNames: [PortName] {
        var names: [PortName] = []
        let all = self.scenario.nodes.flatMap { $0.ports.map(\.name) }
        for name in all + self.scenario.externalLinks.map({ _ in ExternalLink.port })
        where !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// How addresses are made; what holds them for this run goes into `holdings`.
    private func style() throws -> AddressPlan.Style {
        if self.isInLab { return .lab(self.scenario.addressing == .ipv6 ? .ipv6 : .ipv4) }
        if self.scenario.addressing == .ipv6 { return .ports(host: "::1") }
        #if os(Linux)
            if self.scenario.addressing != .ports && !self.scenario.nodes.isEmpty {
                if let lease = try? LoopbackLease() {
                    self.holdings.lease = lease
                    return .loopback(network: lease.network)
                }
                if self.scenario.addressing == .loopback { _ = try LoopbackLease() }
                self.tell("no network of 127.77 to 127.126 is free, so addresses differ by port")
            }
        #else
            if self.scenario.addressing == .loopback {
                throw RunError(
                    "addressing: 'loopback' needs Linux, where all of 127/8 is local\n"
                        + "hint: addressing: ports")
            }
        #endif
        return .ports(host: "127.0.0.1")
    }

    private func makeProxy(clock: RunClock, journal: LineFile) async throws -> Proxy {
        let (seed, names, spec) = (self.settings.seed, self.clusterNames, self.scenario.network)
        let isInLab = self.isInLab
        return try await Proxy(
            clock: clock,
            makeNetwork: {
                let network = Network(
                    seed: seed, nodes: names, framing: spec.framing, queueLimit: spec.queueLimit)
                network.dropsWhatHasNoMessages = isInLab
                return network
            },
            journal: { entries in
                var lines = ""
                for entry in entries {
                    if !lines.isEmpty { lines += "\n" }
                    entry.write(to: &lines)
                    if entry.event == "warning", let text = entry.details["message"]?.stringValue {
                        let place = entry.details["link"]?.stringValue.map { "\($0): " } ?? ""
                        Task { await self.passOn(warning: place + text) }
                    }
                }
                journal.append(lines)
            })
    }

    /// Opens a listener for every route, and for every external server.
    private func openListeners(
        _ plan: AddressPlan, _ proxy: Proxy, _ network: NetworkControl,
        _ recognition: (any OpenerRecognition)?
    ) async throws -> [(link: ExternalLink, endpoint: Endpoint)] {
        try await network.addBackground(self.scenario.network.rules)
        let routes = plan.routes.filter(Self.isUsed).map { route in
            ProxiedLink(
                link: Link(route.viewer, route.node, route.port.name), listen: route.listen,
                upstream: route.upstream, sourceHost: route.source,
                openers: self.isBridged(route.node)
                    ? nil : recognition.map { self.openers(of: route, plan, $0) },
                transport: route.port.transport == .udp ? .datagrams : .stream)
        }
        let links = self.scenario.externalLinks.map { link in
            ProxiedLink(
                link: Link(.client, link.name, ExternalLink.port),
                listen: link.listen ?? .tcp(host: "127.0.0.1", port: 0), upstream: link.upstream)
        }
        do {
            let opened = try await proxy.open(routes + links)
            return Array(zip(self.scenario.externalLinks, opened.dropFirst(routes.count)))
                .map { (link: $0, endpoint: $1) }
        } catch let error as ProxyError {
            throw RunError(error.description)
        }
    }

    private func writeHeaders(_ directory: RunDirectory, _ seed: Seed) throws {
        try directory.write(
            ChaosCluster.RunRecord(
                name: self.scenario.name, seed: seed, command: ProcessInfo.processInfo.arguments,
                wrapped: self.settings.wrapped,
                pid: self.processOutside, version: self.settings.version,
                backend: self.scenario.chosenBackend.rawValue,
                backendReason: self.settings.backendReason, started: .now,
                socket: directory.socketPath))
        try directory.write(self.scenarioAsRun.yaml, to: "scenario.yaml")
    }

    /// The scenario with what the command line decided.
    var scenarioAsRun: Scenario {
        var asRun = self.scenario
        asRun.seed = self.settings.seed
        if let wanted = self.settings.duration {
            asRun.duration = wanted
            if asRun.workload != nil { asRun.workload?.duration = wanted }
        }
        return asRun
    }

    private func startTimeline(_ clock: RunClock, _ network: NetworkControl) async {
        let runner = ScheduleRunner(
            entries: self.scenario.schedule, nodes: self.scenario.nodes.map(\.name),
            servers: self.scenario.externalLinks.map(\.name) + self.scenario.services,
            seed: self.settings.seed,
            length: self.length.total)
        let origin = clock.now
        let timeline = Timeline(runner, clock: clock, origin: origin) { event in
            await self.carryOut(event)
        }
        self.keep(timeline: timeline, origin: origin)
        let early = self.memory.earlyLines
        self.memory.earlyLines = []
        await self.observeMessages(for: runner, network, timeline)
        await timeline.start()
        for line in early { await timeline.observe(log: line.text, from: line.node) }
    }

    /// Lets message triggers see whole messages, if there are any.
    private func observeMessages(
        for runner: ScheduleRunner, _ network: NetworkControl, _ timeline: Timeline
    ) async {
        let triggers = runner.messageTriggers
        if triggers.isEmpty { return }
        // One stream keeps the order. It is bounded: of a burst of matches the first ones count.
        let (matches, seen) = AsyncStream<(entry: String, node: NodeName)>.makeStream(
            bufferingPolicy: .bufferingOldest(1024))
        Task {
            for await match in matches {
                await timeline.observe(message: match.entry, from: match.node)
            }
        }
        // An error means that the proxy is closed already.
        try? await network.proxy.inspect { network, _ in
            network.messageObserver = { link, message in
                for trigger in triggers
                where trigger.nodes.matches(link.source)
                    && trigger.match.matchesContent(of: message)
                {
                    seen.yield((trigger.entry, link.source))
                }
            }
        }
    }
}

extension RunDirectory {
    /// The path as people type it: relative to the current directory if it lies below.
    var shownPath: String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return self.path.hasPrefix(here) ? String(self.path.dropFirst(here.count)) : self.path
    }
}
