import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosLab
import ChaosMaelstrom
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import Foundation

// A run from its start to its verdict:
//
//   directory ─ addresses ─ proxy ─ control socket ─ nodes ready ─ schedule, workload, command
//   … until time, workload, command or user end it …
//   schedule and injections end ─ settle ─ final reads ─ nodes end ─ verdict ─ files ─ socket

/// One run of a scenario.
package actor ScenarioRun {
    let settings: RunSettings
    let scenario: Scenario
    /// How long what lasts.
    let length: RunLength
    /// What subscribers of the control socket see.
    nonisolated let feed = EventFeed()
    /// Where the run is between its start and its verdict.
    private(set) var phase = Phase.new
    /// What a live run consists of, once all of it exists.
    private(set) var parts: Parts?
    /// Everything that must be closed, as it comes into being.
    var holdings = Holdings()
    /// What is remembered for the verdict.
    var memory = RunMemory()
    /// The lines that nodes wrote, where somebody may wait for one.
    var lines = LineWatch()
    /// Leases that will end injections by themselves.
    var leases: [String: Task<Void, Never>] = [:]
    /// The wait for recovery and the final reads, which Ctrl-C ends.
    var finalReads: Task<Void, Never>?
    private let ends: AsyncStream<RunEnd>
    private let ending: AsyncStream<RunEnd>.Continuation

    /// Where a run is between its start and its verdict.
    enum Phase { case new, starting, running, ending, over }

    /// Everything that exists while the run lives.
    struct Parts: Sendable {
        let directory: RunDirectory
        let host: ProcessHost
        let plan: AddressPlan
        let network: NetworkControl
        let supervisor: NodeSupervisor
        let journal: LineFile
        let clock: RunClock
        let recorder: HistoryRecorder
        let board: ProgressBoard
        let recent: RecentOperations
        /// Where wrapped commands and users find external servers.
        let externalEndpoints: [(link: ExternalLink, endpoint: Endpoint)]
        var timeline: Timeline?
        /// When the schedule began.
        var timelineOrigin = Instant.start
    }

    /// Why a run ends.
    enum RunEnd: Sendable {
        case time, workload, command, asked, interrupted, allNodesEnded
        case failed(RunError)
    }

    /// Prepares a run; nothing exists yet.
    package init(_ settings: RunSettings) {
        self.settings = settings
        self.scenario = settings.scenario.resolvingBlocks()
        self.length = RunLength(settings.scenario, wanted: settings.duration)
        (self.ends, self.ending) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    // MARK: - From start to verdict

    /// Runs to the end, and leaves nothing behind.
    ///
    /// What goes wrong after the run directory exists is part of the outcome.
    ///
    /// - Throws: `RunError` or `InputError` when there could not even be a run directory.
    package func execute() async throws -> RunOutcome {
        if let outcome = try await self.start() { return outcome }
        return await self.finish()
    }

    /// Brings everything up to where the nodes are ready and the schedule has begun.
    ///
    /// - Returns: The outcome when that did not work; nothing is left behind then.
    /// - Throws: As ``execute()``.
    package func start() async throws -> RunOutcome? {
        self.phase = .starting
        do {
            try await self.setUp()
            if self.memory.isInterrupted { throw CancellationError() }
            self.phase = .running
            return nil
        } catch {
            self.phase = .ending
            if !self.memory.isInterrupted && self.memory.failure == nil {
                self.memory.failure =
                    error as? RunError
                    ?? RunError((error as? InputError)?.description ?? "\(error)")
            }
            await self.endEverything()
            guard let directory = self.holdings.directory else {
                self.phase = .over
                throw error
            }
            return await self.conclude(Observations(), directory)
        }
    }

    /// Waits for the end of a run that has started, ends it in order and judges it.
    package func finish() async -> RunOutcome {
        let reason = await self.drive()
        self.phase = .ending
        return await self.end(in: reason)
    }

    /// Waits until something ends the run.
    private func drive() async -> RunEnd {
        let tasks = self.startDrivers()
        // The stream ends without an element only when this task is cancelled.
        var reason: RunEnd?
        for await end in self.ends where self.isFinal(end) {
            reason = end
            break
        }
        if reason == nil { self.memory.isInterrupted = true }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        return reason ?? .interrupted
    }

    /// Whether something ends the run; one with code around it goes on until that code returns.
    private func isFinal(_ end: RunEnd) -> Bool {
        switch end {
        case .asked, .interrupted, .failed: true
        case .time, .workload, .command, .allNodesEnded: !self.settings.isScripted
        }
    }

    /// Ends the run as its time would; returns at once.
    package func requestEnd() { self.ending.yield(.asked) }

    /// The user wants out: the run ends in order, and its exit code says so. Returns at once.
    package func interrupt() async {
        self.memory.isInterrupted = true
        switch self.phase {
        case .starting:
            // Whoever waits for nodes to be ready learns that they have ended.
            await self.holdings.supervisor?.shutdown()
        case .running: self.ending.yield(.interrupted)
        case .ending: self.finalReads?.cancel()
        case .new, .over: break
        }
    }

    func end(because reason: RunEnd) {
        if case .failed(let error) = reason, self.memory.failure == nil {
            self.memory.failure = error
        }
        self.ending.yield(reason)
    }

    // MARK: - What is remembered

    func keep(_ parts: Parts) { self.parts = parts }
    func keep(timeline: Timeline, origin: Instant) {
        self.parts?.timeline = timeline
        self.parts?.timelineOrigin = origin
    }
    func forgetParts() {
        self.parts = nil
        self.phase = .over
    }

    /// The parts of a run that has started and is not over.
    func live() throws(CommandError) -> Parts {
        guard let parts = self.parts else {
            throw CommandError(.conflict, "the run has not started or is over")
        }
        return parts
    }

    // MARK: - Who is told

    /// Tells everybody something that happened.
    func tell(_ text: String, at now: Instant? = nil) {
        self.settings.console.show(.event(now ?? self.parts?.clock.now ?? .start, text))
    }

    /// Tells everybody something that people should know; it stays in the result.
    func warn(_ text: String) {
        if self.passOn(warning: text) { self.journal("warning", ["message": .string(text)]) }
    }

    /// Tells a warning that the journal has already; `false` when everybody knows it.
    @discardableResult
    func passOn(warning text: String) -> Bool {
        if self.memory.warnings.contains(text) { return false }
        self.memory.warnings.append(text)
        self.settings.console.show(.warning(text))
        self.feed.publish(.warning(text, at: self.parts?.clock.now ?? .start))
        return true
    }

    /// Tells something that keeps the run from proving what it was to prove.
    func doubt(_ text: String) {
        if self.memory.doubts.contains(text) { return }
        self.memory.doubts.append(text)
        self.warn(text)
    }

    /// Writes an event of the run down, in the order in which things happened.
    func journal(_ event: String, _ details: JSONObject, at now: Instant? = nil) {
        guard let parts = self.parts else { return }
        let entry = JournalEntry(at: now ?? parts.clock.now, event: event, details: details)
        parts.journal.append(entry.json)
    }
}

/// What a run remembers for its verdict.
struct RunMemory {
    var warnings: [String] = []
    /// What keeps the run from proving what it was to prove.
    var doubts: [String] = []
    var deaths: [(death: NodeDeath, at: Instant)] = []
    /// The nodes that ended by themselves and have not been started again.
    var endedThemselves: Set<NodeName> = []
    /// Lines from before the schedule began, which it sees when it begins.
    var earlyLines: [NodeLine] = []
    /// The schedule's entries that happened at least once.
    var happened: Set<String> = []
    var isInterrupted = false
    var hasToldAllEnded = false
    /// The clients, which remember between the load and the end what they did.
    var workload: (any Workload)?
    /// Whether the load is over.
    var hasLoadEnded = false
    /// Who waits for that.
    var loadWaiters: [CheckedContinuation<Void, Never>] = []
    /// Why chaos itself could not go on.
    var failure: RunError?
    /// The wrapped command.
    var wrapped: HostedProcess?
    /// The captures that have not ended, with the file of each.
    var captures: [(id: String, file: String)] = []
}

/// What must be closed in the end, as far as it exists.
struct Holdings {
    var directory: RunDirectory?
    var files: [LineFile] = []
    /// Where a wrapped command reports its operations.
    var reports: (pipe: LinePipe, reports: HistoryReports)?
    /// Holds the addresses of this run.
    var lease: (any Sendable)?
    var host: ProcessHost?
    var proxy: Proxy?
    var lab: Lab?
    var supervisor: NodeSupervisor?
    var bridge: MaelstromBridge?
    var bypasses: BypassWatch?
    var recognition: NodeRecognition?
    var news: NodeNewsReader?
    var control: ControlServer?
}
