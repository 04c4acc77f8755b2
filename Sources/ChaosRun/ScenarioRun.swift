import ChaosCheckers
import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario
import ChaosWorkloads
import Foundation
import Synchronization

// A run from its start to its verdict:
//
//   directory ─ addresses ─ proxy ─ control socket ─ nodes ready ─ schedule, workload, command
//   … until time, workload, command or user end it …
//   schedule and injections end ─ settle ─ final reads ─ nodes end ─ verdict ─ files

/// One run of a scenario.
package actor ScenarioRun {
    let settings: RunSettings
    let scenario: Scenario
    /// What subscribers of the control socket see.
    let feed = EventFeed()
    /// What happens in the run, in order.
    private(set) var parts: Parts?
    private(set) var warnings: [String] = []
    private(set) var deaths: [(death: NodeDeath, at: Instant)] = []
    private(set) var wrappedExit: Int32?
    private(set) var isInterrupted = false
    /// Holds the addresses of this run.
    var lease: (any Sendable)?
    /// Leases that will end injections by themselves.
    var leases: [String: Task<Void, Never>] = [:]
    private let ends: AsyncStream<RunEnd>
    private let ending: AsyncStream<RunEnd>.Continuation

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
        let historyFile: LineFile
        /// Where wrapped commands and users find external servers.
        let externalEndpoints: [(link: ExternalLink, endpoint: Endpoint)]
        var control: ControlServer?
        var timeline: Timeline?
        /// When the schedule began.
        var timelineOrigin = Instant.start
    }

    /// Why a run ends.
    enum RunEnd: Sendable {
        case time, workload, command, asked, interrupted
        case allNodesEnded
        case failed(String)
    }

    /// Prepares a run; nothing exists yet.
    package init(_ settings: RunSettings) {
        self.settings = settings
        self.scenario = settings.scenario
        (self.ends, self.ending) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    // MARK: - From start to verdict

    /// Runs to the end.
    ///
    /// - Throws: `RunError` when the run could not start, or could not go on.
    package func execute() async throws -> RunOutcome {
        try await self.start()
        let reason = await self.drive()
        return try await self.finish(because: reason)
    }

    /// Brings everything up to where the nodes are ready and the schedule has begun.
    package func start() async throws {
        do { try await self.setUp() } catch {
            await self.tearDown()
            throw error
        }
    }

    /// Waits until something ends the run.
    private func drive() async -> RunEnd {
        let tasks = self.startDrivers()
        defer { for task in tasks { task.cancel() } }
        for await reason in self.ends { return reason }
        return .interrupted
    }

    /// Ends the run as its time would; returns at once.
    package func requestEnd() { self.ending.yield(.asked) }

    /// The user wants out: the run ends in order, and its exit code says so.
    package func interrupt() {
        self.isInterrupted = true
        self.ending.yield(.interrupted)
    }

    func end(because reason: RunEnd) { self.ending.yield(reason) }

    // MARK: - What is remembered

    func keep(_ parts: Parts) { self.parts = parts }
    func keep(control: ControlServer) { self.parts?.control = control }
    func keep(timeline: Timeline, origin: Instant) {
        self.parts?.timeline = timeline
        self.parts?.timelineOrigin = origin
    }
    func keep(wrappedExit: Int32) { self.wrappedExit = wrappedExit }

    /// The parts of a run that has started.
    func live() throws(CommandError) -> Parts {
        guard let parts = self.parts else {
            throw CommandError(.conflict, "the run has not started or is over")
        }
        return parts
    }

    /// Tells everybody something that happened.
    func tell(_ text: String, at now: Instant? = nil) {
        self.settings.console.show(.event(now ?? self.parts?.clock.now ?? .start, text))
    }

    /// Tells everybody something that people should know; it stays in the result.
    func warn(_ text: String) {
        if self.warnings.contains(text) { return }
        self.warnings.append(text)
        self.settings.console.show(.warning(text))
        self.feed.publish(.warning(text, at: self.parts?.clock.now ?? .start))
    }

    func note(death: NodeDeath, at now: Instant) { self.deaths.append((death, now)) }

    /// Closes everything that exists, in the order in which nothing is left behind.
    func tearDown() async {
        for lease in self.leases.values { lease.cancel() }
        self.leases = [:]
        guard let parts = self.parts else { return }
        await parts.timeline?.finish()
        await parts.supervisor.shutdown()
        await parts.control?.stop()
        await parts.network.proxy.close()
        parts.journal.closeQuietly()
        parts.historyFile.closeQuietly()
        if let folder = parts.directory.temporaryDirectory {
            try? FileManager.default.removeItem(atPath: folder)
        }
        self.feed.finish()
        self.parts = nil
    }
}

extension LineFile {
    /// Closes the file; a failure has been or will be told by whoever flushes it.
    fileprivate func closeQuietly() { try? self.close() }
}
