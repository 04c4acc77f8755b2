import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosLab
import ChaosMaelstrom
import ChaosProxy
import ChaosReport
import ChaosScenario
import ChaosWorkloads
import Foundation

/// What a run came to.
package struct RunOutcome: Sendable {
    /// Everything that reports are made from.
    package let result: RunResult
    /// Why chaos itself could not start the run or go on with it.
    package let failure: RunError?
    /// The process's exit code.
    package var exitCode: Int32 { self.result.exitCode }
}

/// What was seen of a run before its parts were closed.
struct Observations: Sendable {
    var records: [InjectionRecord] = []
    /// What was on from beginning to end.
    var background: [InjectionRecord] = []
    /// When the schedule began; nil when it never did.
    var origin: Instant?
    var history = History()
    var links: [RunStatus.Link] = []
    var elapsed = Duration.zero
    /// What crossed between nodes that speak messages; `nil` where there are none.
    var net: NetStatistics?
    /// The nodes that were on purpose not there in the end.
    var absent: [NodeName] = []
}

extension ScenarioRun {
    // The order in which a run ends, written once: schedule, injections, final reads, nodes, proxy,
    // verdict, files, socket, run directory.

    /// Ends the run in order and judges it.
    func end(in reason: RunEnd) async -> RunOutcome {
        guard let parts = self.parts, let directory = self.holdings.directory else {
            preconditionFailure("only a run that has started can end")
        }
        await parts.timeline?.finish()
        for firing in await parts.timeline?.skipped ?? [] {
            self.warn("\(firing.id) did not happen: its budget had no room")
        }
        await self.endInjections(parts)
        await self.finishReports()
        if self.memory.failure == nil && !self.memory.isInterrupted {
            await self.readFinally(parts)
        }
        let observations = await self.observe(parts)
        self.noteStopped(reason)
        await self.endEverything()
        return await self.conclude(observations, directory)
    }

    /// Ends what an operator left on, faults and pauses too: the final reads see the network as the
    /// scenario describes it.
    private func endInjections(_ parts: Parts) async {
        for record in await parts.network.activeRecords {
            if record.kind != .process {
                do {
                    let done = try await parts.network.end(record.id)
                    if let done { self.announceEnd(done, .end) }
                } catch { self.doubt("\(record.id) could not be ended: \(error)") }
                continue
            }
            await parts.network.noteEnd(of: record.id, at: parts.clock.now)
        }
        for (node, state) in await parts.supervisor.states where state == .paused {
            do throws(NodeFailure) {
                try await parts.supervisor.resume(node)
                self.noteStrike(.resume, node, id: "end", state: "end", origin: .control)
            } catch { self.warn(error.description) }
        }
    }

    /// Waits until the cluster may have recovered, then reads what is there. Ctrl-C ends both.
    private func readFinally(_ parts: Parts) async {
        guard let spec = self.scenario.workload, let context = self.context(parts),
            self.memory.endedThemselves.count < self.scenario.nodes.count
        else { return }
        guard let workload = try? self.workload(spec), workload.hasFinalReads else { return }
        let own = await self.settleTime(parts)
        let settle = workload.recovery ?? own
        self.tell("settling for \(settle.text), then reading what is there")
        let reads = Task {
            guard (try? await Task.sleep(for: settle)) != nil else { return }
            do { try await workload.runFinalReads(context) } catch is CancellationError {
            } catch { self.doubt("the final reads did not finish: \(Self.sentence(of: error))") }
        }
        self.finalReads = reads
        await withTaskCancellationHandler {
            await reads.value
        } onCancel: {
            reads.cancel()
        }
        self.tell(parts.board.text)
        self.finalReads = nil
    }

    /// How long a cluster may take to recover: after silence TCP's own back-off decides, so 5 s and
    /// the longest cut; where connections lived on, 3 s.
    private func settleTime(_ parts: Parts) async -> Duration {
        let silences = await parts.network.allRecords.filter {
            $0.mode == .drop || $0.mode == .newOnly || $0.kind == .process
        }
        guard let longest = silences.map({ ($0.end ?? $0.begin) - $0.begin }).max() else {
            return .seconds(3)
        }
        // Whole tenths of a second read better.
        let tenths = (longest.wholeNanoseconds + 99_999_999) / 100_000_000
        return .seconds(5) + .milliseconds(100 * tenths)
    }

    /// Looks at everything once more while it is there.
    private func observe(_ parts: Parts) async -> Observations {
        var seen = Observations()
        seen.history = parts.recorder.history
        seen.elapsed = parts.clock.now.sinceStart
        seen.net = await self.holdings.bridge?.statistics()
        seen.absent = await parts.supervisor.states.filter { item in
            !item.state.isRunning && !self.memory.endedThemselves.contains(item.node)
        }.map(\.node)
        do {
            _ = try await parts.network.currentRecords()
            seen.background = await parts.network.background
            seen.links = try await self.status(parts).links
        } catch {
            self.doubt("what the network did could not be read: \(error)")
        }
        seen.origin = parts.timeline.map { _ in parts.timelineOrigin }
        seen.records = await parts.network.allRecords
        seen.records.sort { $0.precedes($1) }
        return seen
    }

    /// Says so when a command is stopped because something else ended the run.
    private func noteStopped(_ reason: RunEnd) {
        guard let wrapped = self.memory.wrapped, wrapped.endedAs == nil else { return }
        switch reason {
        case .time: self.warn("the command still ran when the run's time was over, and is stopped")
        default: self.warn("the command still runs, and is stopped")
        }
    }

    /// Ends processes and traffic. Afterwards nothing more happens in the run.
    func endEverything() async {
        for lease in self.leases.values { lease.cancel() }
        self.leases = [:]
        await self.holdings.bypasses?.stop()
        self.holdings.bridge?.fallSilent()
        if let supervisor = self.holdings.supervisor {
            await supervisor.shutdown()
        } else {
            await self.holdings.host?.shutdown(grace: .zero)
        }
        // It may have died so late that its nodes' deaths were heard of first.
        if let fault = self.holdings.host?.guardianFault, self.memory.failure == nil {
            self.memory.failure = RunError(fault)
        }
        await self.finishReports()
        await self.holdings.bridge?.close()
        await self.holdings.news?.finish()
        self.lines.giveUp()
        await self.endCaptures()
        await self.holdings.lab?.close()
        await self.holdings.proxy?.close()
    }

    /// Judges, writes the files, and gives up what is left.
    func conclude(_ observations: Observations, _ directory: RunDirectory) async -> RunOutcome {
        let (result, judgement) = self.judge(observations, directory)
        var details: JSONObject = [
            "state": "end", "exit": .int(Int64(judgement.exitCode)),
            "verdict": judgement.verdict.map { .string($0.rawValue) } ?? .null,
        ]
        if self.memory.isInterrupted { details["interrupted"] = true }
        self.journal("run", details)
        for file in self.holdings.files {
            do throws(InputError) { try file.close() } catch { self.warn(error.description) }
        }
        do throws(InputError) {
            try directory.write(observations.history.edn, to: "history.edn")
            try directory.write(result.json.text + "\n", to: "results.json")
            if let origin = observations.origin {
                let recorded = self.scenarioAsRun.recorded(observations.records, since: origin)
                try directory.write(recorded.yaml, to: RecordedRun.fileName)
            }
            let folder = try RunFolder(directory.path)
            try folder.write(
                folder.report(
                    of: result, observations.history, nodes: self.scenario.nodes.map(\.name.text)))
        } catch { self.settings.console.show(.warning(error.description)) }
        let now = self.parts?.clock.now ?? .start
        self.feed.publish(.end(verdict: judgement.verdict?.rawValue, at: now))
        self.feed.finish()
        self.forgetParts()
        await self.holdings.control?.stop()
        if let folder = directory.temporaryDirectory {
            try? FileManager.default.removeItem(atPath: folder)
        }
        self.holdings = Holdings()
        return RunOutcome(result: result, failure: self.memory.failure)
    }
}
