import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import Foundation

extension ScenarioRun {
    /// Brings everything up.
    func setUp() async throws {
        let seed = self.settings.seed
        let clock = RunClock()
        let directory = try RunDirectory(
            in: self.settings.runsFolder, name: self.scenario.name,
            longestSocketName: AddressPlan.longestSocketName(
                nodes: self.scenario.nodes.map { ($0.name, $0.ports) }),
            runtimeDirectory: ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"])
        self.settings.console.show(
            .header([
                ("seed", String(seed.value)), ("run", directory.shownPath),
                ("repeat", self.settings.repeatCommand),
            ]))
        let journal = try LineFile(path: directory.file("journal.jsonl"))
        let historyFile = try LineFile(path: directory.file("history.jsonl"))
        let style = try self.style()
        let ports = FreePorts(style: style.style)
        var allocator = ports
        let plan = try AddressPlan(
            nodes: self.scenario.nodes.map { ($0.name, $0.ports) }, style: style.style,
            socketDirectory: directory.socketDirectory, allocator: &allocator)
        let host = try ProcessHost(
            run: "\(UUID().uuidString)", ownsAllChildren: self.settings.ownsProcess
        ) { sentence in
            Task { await self.end(because: .failed(sentence)) }
        }
        try await self.unlinkSocketsAtEnd(host, directory, plan)
        let proxy = try await self.makeProxy(clock: clock, journal: journal)
        ports.release()
        let network = NetworkControl(
            proxy: proxy, nodes: self.clusterNames, ports: self.portNames,
            network: self.scenario.network, seed: seed)
        let supervisor = self.makeSupervisor(plan, host, directory, clock)
        let recorder = HistoryRecorder(now: { clock.now }) { operation in
            historyFile.append(operation.json)
        }
        let external = try await self.openListeners(plan, proxy, network)
        self.keep(
            Parts(
                directory: directory, host: host, plan: plan, network: network,
                supervisor: supervisor, journal: journal, clock: clock, recorder: recorder,
                historyFile: historyFile, externalEndpoints: external, control: nil, timeline: nil))
        self.lease = style.lease
        try self.writeHeaders(directory, seed)
        self.keep(
            control: try await ControlServer.start(
                at: directory.socketPath, target: self,
                version: self.settings.version))
        try await self.startNodes(supervisor)
        await self.startTimeline(clock, network)
    }

    /// Has every socket's file removed when the run ends, however it ends.
    private func unlinkSocketsAtEnd(
        _ host: ProcessHost, _ directory: RunDirectory, _ plan: AddressPlan
    ) async throws(ProcessHostError) {
        // The last one is removed first: the directory of them all, if it is one of its own, is
        // registered before them.
        if let folder = directory.temporaryDirectory { try await host.unlinkAtEnd(folder) }
        try await host.unlinkAtEnd(directory.socketPath)
        do throws(ProcessHostError) {
            for path in plan.socketPaths { try await host.unlinkAtEnd(path) }
        } catch {
            self.warn("sockets of nodes may stay behind if chaos is killed: \(error)")
        }
    }

    /// The names that links and partitions may use: nodes, then external servers.
    var clusterNames: [NodeName] {
        self.scenario.nodes.map(\.name) + self.scenario.externalLinks.map(\.name)
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

    /// How addresses are made, and what holds them for this run.
    private func style() throws -> (style: AddressPlan.Style, lease: (any Sendable)?) {
        #if os(Linux)
            if self.scenario.addressing != .ports {
                let lease = try LoopbackLease()
                return (.loopback(network: lease.network), lease)
            }
        #else
            if self.scenario.addressing == .loopback {
                throw RunError(
                    "addressing: 'loopback' needs Linux, where all of 127/8 is local\n"
                        + "hint: addressing: ports")
            }
        #endif
        return (.ports(host: "127.0.0.1"), nil)
    }

    private func makeProxy(clock: RunClock, journal: LineFile) async throws -> Proxy {
        let (seed, names, spec) = (self.settings.seed, self.clusterNames, self.scenario.network)
        return try await Proxy(
            clock: clock,
            makeNetwork: {
                Network(
                    seed: seed, nodes: names, framing: spec.framing, queueLimit: spec.queueLimit)
            },
            journal: { entries in
                for entry in entries {
                    journal.append(entry.json)
                    if entry.event == "warning", let text = entry.details["message"]?.stringValue {
                        let place = entry.details["link"]?.stringValue.map { "\($0): " } ?? ""
                        Task { await self.warn(place + text) }
                    }
                }
            })
    }

    /// Opens a listener for every route, and for every external server.
    private func openListeners(
        _ plan: AddressPlan, _ proxy: Proxy, _ network: NetworkControl
    ) async throws -> [(link: ExternalLink, endpoint: Endpoint)] {
        if let udp = plan.routes.first(where: { $0.port.transport == .udp }) {
            throw RunError(
                "\(udp.node): port '\(udp.port.name)' is udp, which this version cannot proxy")
        }
        try await network.addBackground(self.scenario.network.rules)
        let routes = plan.routes.map { route in
            ProxiedLink(
                link: Link(route.viewer, route.node, route.port.name), listen: route.listen,
                upstream: route.upstream, sourceHost: route.source)
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
                pid: ProcessInfo.processInfo.processIdentifier, version: self.settings.version,
                backend: "proxy", started: .now, socket: directory.socketPath))
        var asRun = self.scenario
        asRun.seed = seed
        asRun.duration = self.settings.duration ?? asRun.duration
        try directory.write(asRun.yaml, to: "scenario.yaml")
    }

    private func startTimeline(_ clock: RunClock, _ network: NetworkControl) async {
        let runner = ScheduleRunner(
            entries: self.scenario.schedule, nodes: self.scenario.nodes.map(\.name),
            servers: self.scenario.externalLinks.map(\.name), seed: self.settings.seed,
            length: self.length)
        let origin = clock.now
        let timeline = Timeline(runner, clock: clock, origin: origin) { event in
            await self.carryOut(event)
        }
        self.keep(timeline: timeline, origin: origin)
        await self.observeMessages(for: runner, network)
        await timeline.start()
    }

    /// How long the run lasts, if that is known.
    var length: Duration? {
        let workload = self.scenario.workload.flatMap { try? makeWorkload($0).duration }
        return self.settings.duration ?? workload ?? self.scenario.duration
    }

    /// Lets message triggers see whole messages, if there are any.
    private func observeMessages(for runner: ScheduleRunner, _ network: NetworkControl) async {
        let triggers = runner.messageTriggers
        if triggers.isEmpty { return }
        // An error means that the proxy is closed already.
        try? await network.proxy.inspect { network, _ in
            network.messageObserver = { link, message in
                for trigger in triggers
                where trigger.nodes.matches(link.source)
                    && trigger.match.matchesContent(of: message)
                {
                    Task {
                        await self.parts?.timeline?.observe(
                            message: trigger.entry, from: link.source)
                    }
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
