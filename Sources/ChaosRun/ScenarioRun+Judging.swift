import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosMaelstrom
import ChaosReport
import ChaosScenario
import ChaosWorkloads

extension ScenarioRun {
    /// Puts together what is known, and judges it.
    func judge(
        _ seen: Observations, _ directory: RunDirectory
    ) -> (result: RunResult, judgement: Judgement) {
        var facts = RunFacts()
        facts.findings = self.findings(seen)
        facts.injections = seen.background + seen.records
        facts.deaths = self.lostNodes
        if let net = seen.net {
            facts.areNodesSilent = net.sentToNodes == 0
            facts.areServicesUnused = net.servers.sent == 0
        }
        facts.areHitsUnknown = self.isInLab && self.scenario.packetEngine == .netem
        facts.expectation = self.scenario.expectation
        facts.wrappedExit = self.memory.wrapped?.endedAs?.shellCode
        facts.isScripted = self.settings.isScripted
        facts.isInterrupted = self.memory.isInterrupted
        facts.doubts = self.memory.doubts
        facts.failure = self.memory.failure
        // A run that never came to its schedule has nothing to say about it.
        if facts.failure == nil { facts.neverHappened = self.neverHappened() }
        let judgement = Judgement(facts)
        var result = RunResult(
            scenario: self.scenario.name, seed: self.settings.seed, verdict: judgement.verdict,
            exitCode: judgement.exitCode, reasons: judgement.reasons,
            expectation: self.scenario.expectation.map { expectation in
                expectation.verdict + (expectation.anomaly.map { " (\($0))" } ?? "")
            }, backend: self.scenario.chosenBackend.rawValue,
            elapsed: seen.elapsed, directory: directory.shownPath,
            repeatCommand: self.settings.repeatCommand)
        result.commandExit = facts.wrappedExit
        result.findings = facts.findings
        result.faults = seen.records.map(\.result)
        result.background = seen.background.map(\.result)
        result.cuts = seen.records.flatMap(\.resultCuts)
        let doubts = self.memory.doubts
        result.warnings =
            self.memory.warnings.filter { !doubts.contains($0) } + judgement.warnings
        if !seen.history.operations.isEmpty {
            result.statistics["operations"] = .object(OperationStatistics(seen.history).json)
        }
        if let net = self.netStatistics(seen) { result.statistics["net"] = .object(net) }
        result.deaths = self.memory.deaths.map { item in
            RunResult.Death(
                node: item.death.node, status: "\(item.death.status)", at: item.at,
                lastLines: item.death.lastLines)
        }
        result.links = seen.links.filter { !$0.isQuiet }.map { link in
            RunResult.LinkTraffic(
                link.link, connections: link.connections, messages: link.messages,
                bytes: link.bytes)
        }
        return (result, judgement)
    }

    /// The nodes whose end counts as a death: they ended by themselves and are still down. One that
    /// ended well counts only where something was still to be done with it.
    private var lostNodes: [NodeName] {
        let isNeeded = self.scenario.workload != nil || !self.settings.wrapped.isEmpty
        return self.scenario.nodes.map(\.name).filter { node in
            guard self.memory.endedThemselves.contains(node),
                let last = self.memory.deaths.last(where: { $0.death.node == node })
            else { return false }
            return isNeeded || !last.death.status.isSuccess
        }
    }

    /// What the checkers find; without a workload they judge an empty history, and say `unknown`.
    private func findings(_ seen: Observations) -> [Finding] {
        if self.memory.failure != nil && seen.history.operations.isEmpty { return [] }
        var checks = self.scenario.checks
        if checks.isEmpty, let spec = self.scenario.workload {
            checks = ((try? self.workload(spec))?.defaultChecks ?? []).map {
                CheckSpec(name: $0.name, parameters: $0.parameters)
            }
        }
        let disturbances = seen.records.compactMap { record in
            record.end.map {
                Disturbance(
                    begin: record.begin, end: $0, isCut: record.mode != nil,
                    silenced: record.silencedNodes, losesNothing: record.losesNothing)
            }
        }
        var findings: [Finding] = []
        var assertions: [(place: Int, checker: AssertionChecker)] = []
        for check in checks {
            // Whoever read the scenario has made the checker before.
            guard let checker = try? makeChecker(name: check.name, parameters: check.parameters)
            else { continue }
            if let assertion = checker as? AssertionChecker {
                assertions.append((findings.count, assertion))
                continue
            }
            findings.append(
                checker.told(of: disturbances, absent: seen.absent.map(\.text))
                    .check(seen.history))
        }
        // They compare what all others found.
        let measures = AssertionChecker.measures(
            history: seen.history, findings: findings, net: self.netStatistics(seen),
            bytes: Self.bytesBetweenNodes(seen))
        for (offset, (place, checker)) in assertions.enumerated() {
            var checker = checker
            checker.measures = measures
            findings.insert(checker.check(seen.history), at: place + offset)
        }
        return findings
    }

    /// What crossed, per operation of the clients.
    /// What the proxies of links between nodes delivered; `nil` where nodes reach each other without one.
    private static func bytesBetweenNodes(_ seen: Observations) -> Int? {
        let links = seen.links.filter { $0.link.source != .client && $0.link.target != .client }
        let bytes = links.reduce(0) { $0 + $1.bytes }
        return bytes == 0 ? nil : bytes
    }

    private func netStatistics(_ seen: Observations) -> JSONObject? {
        let operations = seen.history.operations.count { $0.kind == .invoke }
        return seen.net?.json(operations: operations)
    }
}

extension InjectionRecord {
    /// The nodes that do not run while it is on.
    fileprivate var silencedNodes: [String] {
        switch self.action {
        case .kill, .stop, .pause: self.places
        case .resume, .restart, nil: []
        }
    }

    /// Whether everything arrives all the same.
    fileprivate var losesNothing: Bool {
        let harmless: Set<FaultKind> = [.delay, .duplicate, .reorder, .slicer, .coalesce]
        return self.kind == .faults
            && self.rules.allSatisfy { $0.faults.allSatisfy { harmless.contains($0.kind) } }
    }

    /// The record as results have it.
    fileprivate var result: RunResult.Fault {
        let text =
            switch self.kind {
            case .partition:
                "partition \(self.text)" + (self.mode.map { " (\($0.rawValue))" } ?? "")
            case .hold: "hold \(self.text)"
            case .faults, .process: self.text
            }
        return RunResult.Fault(
            id: self.id, text: text, begin: self.begin, end: self.end, touched: self.touched,
            hits: self.hits, origin: self.origin.rawValue)
    }

    /// The leak proof of every link that was cut.
    fileprivate var resultCuts: [RunResult.Cut] {
        self.crossings.map { crossing in
            RunResult.Cut(
                id: self.id, link: crossing.link, from: self.begin, to: self.end,
                crossedBytes: crossing.bytes)
        }
    }
}
