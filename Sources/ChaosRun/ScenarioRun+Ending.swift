import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosProxy
import ChaosEngine
import ChaosReport
import ChaosScenario
import ChaosWorkloads
import Foundation

/// What a run came to.
package struct RunOutcome: Sendable {
    /// Everything that reports are made from.
    package let result: RunResult
    /// The process's exit code.
    package var exitCode: Int32 { self.result.exitCode }
}

extension ScenarioRun {
    /// Starts what ends the run: its time, the workload, the wrapped command.
    func startDrivers() -> [Task<Void, Never>] {
        guard let parts = self.parts else { return [] }
        var tasks: [Task<Void, Never>] = []
        if let spec = self.scenario.workload {
            tasks.append(Task { await self.runLoad(spec, parts) })
            tasks.append(Task { await self.showProgress(parts) })
        }
        if !self.settings.wrapped.isEmpty {
            tasks.append(
                Task {
                    do { try await self.startWrapped(parts) } catch {
                        self.end(because: .failed(Self.sentence(of: error)))
                    }
                })
        }
        let limit = self.settings.duration ?? self.scenario.duration
        if let limit, self.scenario.workload == nil {
            tasks.append(
                Task {
                    guard (try? await Task.sleep(for: limit)) != nil else { return }
                    self.end(because: .time)
                })
        }
        return tasks
    }

    private func context(_ parts: Parts) -> WorkloadContext? {
        let addresses = self.scenario.nodes.compactMap { node -> ClientAddress? in
            guard let port = node.clientPort,
                case .tcp(let host, let number)? = parts.plan.endpoint(
                    of: node.name, port, seenBy: .client)
            else { return nil }
            return ClientAddress(node: node.name.text, host: host, port: Int(number))
        }
        if addresses.isEmpty { return nil }
        let clock = parts.clock
        return WorkloadContext(
            nodes: addresses, seed: self.settings.seed.derived("workload"),
            recorder: parts.recorder, now: { clock.now },
            report: { text in Task { await self.warn(text) } })
    }

    private func workload(_ spec: WorkloadSpec) throws(InputError) -> any Workload {
        var spec = spec
        spec.duration = self.settings.duration ?? spec.duration ?? self.scenario.duration
        return try makeWorkload(spec)
    }

    private func runLoad(_ spec: WorkloadSpec, _ parts: Parts) async {
        guard let context = self.context(parts) else {
            self.end(because: .failed("a workload needs a node with a TCP port"))
            return
        }
        do {
            try await self.workload(spec).runLoad(context)
            self.end(because: .workload)
        } catch is CancellationError {
        } catch {
            self.end(because: .failed(Self.sentence(of: error)))
        }
    }

    private func showProgress(_ parts: Parts) async {
        while (try? await Task.sleep(for: .milliseconds(500))) != nil {
            let progress = self.workloadProgress(parts)
            let text = progress.members.dropFirst().map { "\($0.value.text) \($0.key)" }
            let time = Duration.seconds(parts.clock.now.nanoseconds / 1_000_000_000).text
            self.settings.console.show(.progress("\(time)  " + text.joined(separator: ", ")))
            self.feed.publish(.progress(progress, at: parts.clock.now))
        }
    }

    /// Ends the run in order and judges it.
    func finish(because reason: RunEnd) async throws -> RunOutcome {
        let parts = try self.live()
        await parts.timeline?.finish()
        for firing in await parts.timeline?.skipped ?? [] {
            self.warn("\(firing.id) did not happen: its budget had no room")
        }
        try await self.endInjections(parts)
        if case .workload = reason { await self.readFinally(parts) }
        let links = try await self.status(parts).links
        let elapsed = parts.clock.now.sinceStart
        let records = try await parts.network.currentRecords()
        let history = parts.recorder.history
        let logs = self.nodeLogs(parts)
        let directory = parts.directory
        await self.tearDown()
        if case .failed(let sentence) = reason { throw RunError(sentence) }
        let result = self.judge(records, history, elapsed, directory)
        try directory.write(history.edn, to: "history.edn")
        try directory.write(result.json.text + "\n", to: "results.json")
        try directory.write(
            HTMLReport.render(
                ReportInput(result: result, history: history, links: links, logs: logs)),
            to: "report.html")
        return RunOutcome(result: result)
    }

    /// Ends what an operator left on, faults too: the final reads see the network as the scenario
    /// describes it.
    private func endInjections(_ parts: Parts) async throws {
        for record in await parts.network.allRecords where record.end == nil {
            if record.kind == .process {
                await parts.network.noteEnd(of: record.id, at: parts.clock.now)
            } else if let done = try await parts.network.end(record.id) {
                self.announceEnd(done, .end)
            }
        }
    }

    /// Waits until the cluster may have recovered, then reads what is there.
    private func readFinally(_ parts: Parts) async {
        guard let spec = self.scenario.workload, let context = self.context(parts) else { return }
        let settle = await self.settleTime(parts)
        self.tell("settling for \(settle.text), then reading what is there")
        // Ctrl-C ends the wait through the task's cancellation; the reads then end as unknown.
        try? await Task.sleep(for: settle)
        do { try await self.workload(spec).runFinalReads(context) } catch {
            self.warn("the final reads did not finish: \(Self.sentence(of: error))")
        }
    }

    /// How long a cluster may take to recover: after silence TCP's own back-off decides, so 5 s and
    /// the longest cut; where connections lived on, 3 s.
    private func settleTime(_ parts: Parts) async -> Duration {
        let silences = await parts.network.allRecords.filter {
            $0.mode == .drop || $0.mode == .newOnly || $0.kind == .process
        }
        let longest = silences.map { ($0.end ?? $0.begin) - $0.begin }.max()
        return longest.map { .seconds(5) + $0 } ?? .seconds(3)
    }

    private func nodeLogs(_ parts: Parts) -> [ReportInput.NodeLog] {
        self.scenario.nodes.map { node in
            let data = FileManager.default.contents(atPath: parts.directory.log(of: node.name))
            let lines = String(decoding: data ?? Data(), as: UTF8.self).split(separator: "\n")
            return ReportInput.NodeLog(node: node.name.text, lines: lines.suffix(200).map(String.init))
        }
    }

    private func judge(
        _ records: [InjectionRecord], _ history: History, _ elapsed: Duration,
        _ directory: RunDirectory
    ) -> RunResult {
        let gone = self.deaths.filter { !$0.death.willRestart }
        let facts = RunFacts(
            findings: self.findings(history), injections: records, deaths: gone.map(\.death.node),
            expectation: self.scenario.expectation, wrappedExit: self.wrappedExit,
            isInterrupted: self.isInterrupted, doubts: [])
        let judgement = Judgement(facts)
        var result = RunResult(
            scenario: self.scenario.name, seed: self.settings.seed, verdict: judgement.verdict,
            exitCode: judgement.exitCode, reasons: judgement.reasons,
            expectation: self.scenario.expectation.map { expectation in
                expectation.verdict + (expectation.anomaly.map { " (\($0))" } ?? "")
            },
            elapsed: elapsed, directory: directory.shownPath,
            repeatCommand: self.settings.repeatCommand)
        result.commandExit = self.wrappedExit
        result.findings = facts.findings
        result.faults = records.map { record in
            RunResult.Fault(
                id: record.id, text: record.shownText, begin: record.begin, end: record.end,
                touched: record.touched, hits: record.hits,
                origin: record.origin == .control ? "control" : "schedule")
        }
        result.cuts = records.flatMap { record in
            record.crossings.map { crossing in
                RunResult.Cut(
                    id: record.id, link: crossing.link, from: record.begin, to: record.end,
                    crossedBytes: crossing.bytes)
            }
        }
        result.warnings = self.warnings + judgement.warnings
        result.deaths = self.deaths.map { item in
            RunResult.Death(
                node: item.death.node, status: "\(item.death.status)", at: item.at,
                lastLines: item.death.lastLines)
        }
        return result
    }

    /// What the checkers find. Without a workload there is no history, and nothing is checked.
    private func findings(_ history: History) -> [Finding] {
        guard let spec = self.scenario.workload else { return [] }
        var checks = self.scenario.checks
        if checks.isEmpty {
            checks = ((try? makeWorkload(spec))?.defaultChecks ?? []).map { CheckSpec(name: $0) }
        }
        return checks.compactMap { check in
            (try? makeChecker(name: check.name, parameters: check.parameters))?.check(history)
        }
    }
}

extension InjectionRecord {
    /// The text with what kind of thing it is.
    fileprivate var shownText: String {
        switch self.kind {
        case .partition: "partition \(self.text)" + (self.mode.map { " (\($0.rawValue))" } ?? "")
        case .hold: "hold \(self.text)"
        case .faults, .process: self.text
        }
    }
}

extension NodeSpec {
    /// The port that clients use: the one named `client`, or the first that speaks TCP.
    fileprivate var clientPort: PortName? {
        let tcp = self.ports.filter { $0.transport == .tcp }
        return (tcp.first { $0.name == "client" } ?? tcp.first)?.name
    }
}
