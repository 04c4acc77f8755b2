import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosWorkloads

extension ScenarioRun {
    /// What the run looks like now.
    func status(_ parts: Parts) async throws -> RunStatus {
        var status = RunStatus(
            run: RunStatus.Run(
                name: self.scenario.name, seed: self.settings.seed, elapsed: parts.clock.now,
                directory: parts.directory.path))
        for node in self.scenario.nodes {
            if let known = await self.status(of: node.name) { status.nodes.append(known) }
        }
        status.links = try await parts.network.proxy.inspect { network, _ in
            network.linkStates.sorted { $0.link < $1.link }.map { $0.status(in: network) }
        }
        let records = try await parts.network.currentRecords().filter { $0.end == nil }
        status.injections = records.map(\.injection)
        status.partitions = records.compactMap { record in
            record.mode.map { mode in
                RunStatus.Partition(
                    id: InjectionID(record.id), text: record.text, mode: mode,
                    since: record.begin, until: record.until, crossedBytes: record.crossedBytes)
            }
        }
        if self.scenario.workload != nil { status.workload = parts.board.json }
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
                proxied: parts.plan.endpoint(of: name, port.name, seenBy: .client))
        }
        return RunStatus.Node(
            name: name, state: state.shown,
            pid: await parts.supervisor.processID(of: name).map { Int($0.rawValue) },
            restarts: await parts.supervisor.restarts(of: name), ports: ports)
    }
}

extension LinkState {
    /// The link as the control protocol shows it.
    fileprivate func status(in network: Network) -> RunStatus.Link {
        let winners = self.winningInjections
        let losers = network.activeInjections.filter { injection in
            injection.links.matches(self.link) && !winners.contains { $0 === injection }
        }
        let faults = winners.map { ($0, true) } + losers.map { ($0, false) }
        var status = RunStatus.Link(
            self.link, connections: self.connectionsOpen, bytes: self.bytesDelivered,
            messages: self.messagesSeen, isCut: self.isCut,
            faults: faults.map { injection, wins in
                let counters = self.counters(of: injection)
                return RunStatus.Link.Fault(
                    id: InjectionID(InjectionRecord.id(ofEngine: injection.id)),
                    text: injection.fault.text, hits: counters.hits, touched: counters.touched,
                    wins: wins)
            })
        status.cuts = network.activeCuts.filter { $0.covers(self.link) }
            .map { InjectionID($0.id) }
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
