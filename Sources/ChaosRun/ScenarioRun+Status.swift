import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosLab
import ChaosProxy
import ChaosScenario
import ChaosWorkloads

extension ScenarioRun {
    /// What the run looks like now.
    ///
    /// - Parameter onlyBusy: Whether links without traffic, cuts and faults are only counted. A run of many
    ///   nodes has thousands, and their JSON takes most of an answer's time.
    func status(_ parts: Parts, onlyBusy: Bool = false) async throws -> RunStatus {
        var status = RunStatus(
            run: RunStatus.Run(
                name: self.scenario.name, seed: self.settings.seed, elapsed: parts.clock.now,
                directory: parts.directory.path, lab: self.labProcess))
        for node in self.scenario.nodes {
            if let known = await self.status(of: node.name) { status.nodes.append(known) }
        }
        // The loop that carries the traffic only copies; sorting and wording are done here.
        let (records, (links, quiet)) = try await parts.network.currentRecords { network in
            let all = network.linkStates
            let links = onlyBusy ? all.filter { !LinkSnapshot.isQuiet($0) } : all
            return (links.map(LinkSnapshot.init), all.count - links.count)
        }
        status.quietLinks = onlyBusy ? quiet : nil
        status.links = links.sorted { $0.link < $1.link }.map(\.status)
        status.injections = records.map(\.injection)
        status.partitions = records.compactMap { record in
            record.mode.map { mode in
                RunStatus.Partition(
                    id: InjectionID(record.id), text: record.text, mode: mode,
                    since: record.begin, until: record.until, crossedBytes: record.crossedBytes)
            }
        }
        if self.scenario.workload != nil {
            status.workload = parts.board.json
            status.workload["recent"] = .object(parts.recent.json(at: parts.clock.now))
        }
        return status
    }

    /// One node as the control protocol shows it.
    func status(of name: NodeName) async -> RunStatus.Node? {
        guard let parts = self.parts, let state = await parts.supervisor.state(of: name) else {
            return nil
        }
        let ports = parts.plan.ports(of: name).compactMap { port -> RunStatus.Node.Port? in
            guard let listen = parts.plan.listen(name, port.name) else { return nil }
            return RunStatus.Node.Port(
                name: port.name, listen: listen,
                proxied: parts.plan.endpoint(of: name, port.name, seenBy: .client),
                outside: self.holdings.lab?.outside(name, port.name))
        }
        return RunStatus.Node(
            name: name, state: state.shown,
            pid: await parts.supervisor.processID(of: name).map { Int($0.rawValue) },
            restarts: await parts.supervisor.restarts(of: name), ports: ports,
            network: self.networkPath(of: name))
    }
}

/// A link's state at a moment, copied on the data plane's loop.
private struct LinkSnapshot: Sendable {
    struct Fault: Sendable {
        let id: String
        let fault: ChaosCore.Fault
        let hits: Int
        let touched: Int
        let wins: Bool

        init(_ injection: Injection, on state: LinkState, wins: Bool) {
            self.id = injection.id
            self.fault = injection.fault
            (self.touched, self.hits) = state.counters(of: injection)
            self.wins = wins
        }
    }

    let link: Link
    let connections: Int
    let bytes: Int
    let messages: Int
    let faults: [Fault]
    let cuts: [String]

    init(_ state: LinkState) {
        self.link = state.link
        self.connections = state.connectionsOpen
        self.bytes = state.bytesDelivered
        self.messages = state.messagesSeen
        self.faults =
            state.winningInjections.map { Fault($0, on: state, wins: true) }
            + state.beatenInjections.map { Fault($0, on: state, wins: false) }
        self.cuts = state.coveringCuts.map(\.id)
    }

    /// Whether there is nothing to tell about a link, as ``RunStatus/Link/isQuiet`` has it.
    static func isQuiet(_ state: LinkState) -> Bool {
        state.connectionsOpen == 0 && state.bytesDelivered == 0 && state.coveringCuts.isEmpty
            && state.winningInjections.isEmpty
    }

    /// The link as the control protocol shows it.
    var status: RunStatus.Link {
        var status = RunStatus.Link(
            self.link, connections: self.connections, bytes: self.bytes,
            messages: self.messages, isCut: !self.cuts.isEmpty,
            faults: self.faults.map { fault in
                RunStatus.Link.Fault(
                    id: InjectionID(InjectionRecord.id(ofEngine: fault.id)),
                    text: fault.fault.text, hits: fault.hits, touched: fault.touched,
                    wins: fault.wins)
            })
        status.cuts = self.cuts.map { InjectionID($0) }
        return status
    }
}

extension NodeState {
    /// The state in the control protocol's words.
    fileprivate var shown: RunStatus.Node.State {
        switch self {
        case .starting, .restarting: .starting
        case .ready: .running
        case .paused: .paused
        case .killed: .killed
        case .unstarted: .died
        case .exited(let status): status.isSuccess ? .stopped : .died
        }
    }
}
