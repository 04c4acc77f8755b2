import ChaosCore
import ChaosScenario
import OrderedCollections

/// Starts the nodes of a run, watches them, and carries out what is done to them.
///
/// Every operation returns when it has taken effect: a killed node is reaped and its whole family
/// gone, a paused one is stopped down to the last process. Operations on one node go one after
/// the other, on different nodes at once.
package actor NodeSupervisor {
    /// What nodes are started with.
    package struct Surroundings: Sendable {
        /// Who starts processes.
        package var host: ProcessHost
        /// Who listens where.
        package var plan: AddressPlan
        /// Where logs and the nodes' own directories go.
        package var directory: RunDirectory
        package var seed: Seed
        /// What nodes inherit, under their own variables.
        package var environment: OrderedDictionary<String, String>
        /// Where commands and relative directories start, absolute.
        package var workingDirectory: String
        /// What `{here}` stands for, absolute.
        package var here: String
        /// The time since the run started.
        package var now: @Sendable () -> Instant
        /// Who talks to the nodes that speak on standard input and output.
        package var dialogue: (any NodeDialogue)?
        /// Where each node runs, if not where chaos does.
        package var placement: @Sendable (NodeName) -> SpawnRequest.Placement?

        package init(
            host: ProcessHost, plan: AddressPlan, directory: RunDirectory, seed: Seed,
            environment: OrderedDictionary<String, String>, workingDirectory: String,
            here: String? = nil, dialogue: (any NodeDialogue)? = nil,
            placement: @escaping @Sendable (NodeName) -> SpawnRequest.Placement? = { _ in nil },
            now: @escaping @Sendable () -> Instant
        ) {
            self.host = host
            self.plan = plan
            self.directory = directory
            self.seed = seed
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.here = here ?? workingDirectory
            self.now = now
            self.dialogue = dialogue
            self.placement = placement
        }
    }

    /// How long a change that the kernel makes at once may take to show.
    static let confirmationLimit = Duration.seconds(5)
    /// How long the pipes of a dead family may stay open.
    static let outputLimit = Duration.seconds(1)

    let surroundings: Surroundings
    let observer: NodeObserver
    var records: OrderedDictionary<NodeName, NodeRecord> = [:]
    var isEnding = false
    /// Nodes are being started together, and one of them has ended: the others need not be awaited.
    var hasStartFailed = false
    private var isStarting = false

    package init(_ surroundings: Surroundings, observer: NodeObserver = NodeObserver()) {
        self.surroundings = surroundings
        self.observer = observer
    }

    /// The nodes in order and what they are doing.
    package var states: [(node: NodeName, state: NodeState)] {
        self.records.map { ($0.key, $0.value.state) }
    }

    /// What a node is doing, or nil when there is no such node.
    package func state(of node: NodeName) -> NodeState? { self.records[node]?.state }

    /// The first process of a node, while it has one.
    package func processID(of node: NodeName) -> ProcessID? {
        guard let record = self.records[node], record.state.isRunning else { return nil }
        return record.process?.id
    }

    /// How often a node was started again, by whomever.
    package func restarts(of node: NodeName) -> Int {
        max(0, (self.records[node]?.generation ?? 0) - 1)
    }

    /// Starts nodes and waits until each is ready.
    ///
    /// - Throws: `NodeFailures` with one failure for each node that could not start, ended, or
    ///   was not ready in time. The others stay up.
    package func start(_ specs: [NodeSpec]) async throws(NodeFailures) {
        var failures: [NodeFailure] = []
        for spec in specs {
            do throws(NodeFailure) {
                let record = try self.makeRecord(spec)
                self.records[spec.name] = record
                await self.acquire(record)
                defer { self.release(record) }
                try await self.spawn(record)
            } catch {
                failures.append(error)
            }
        }
        self.hasStartFailed = !failures.isEmpty
        self.isStarting = true
        defer { (self.isStarting, self.hasStartFailed) = (false, false) }
        let failed = Set(failures.map(\.node))
        for spec in specs where !failed.contains(spec.name) {
            do throws(NodeFailure) {
                try await self.waitUntilReady(spec.name)
            } catch  where error.isGivenUp {
                // Somebody else's failure is the reason, and is reported.
            } catch {
                failures.append(error)
            }
        }
        if !failures.isEmpty { throw NodeFailures(failures: failures) }
    }

    /// Ends all nodes: SIGTERM, after the grace SIGKILL. Returns when no process is left.
    package func shutdown(grace: Duration = .seconds(2)) async {
        self.isEnding = true
        for record in self.records.values { record.pendingRestart?.cancel() }
        await self.surroundings.host.shutdown(grace: grace)
        for record in self.records.values {
            await record.output?.waitForEnd(atMost: Self.outputLimit)
            if record.state.isRunning, let status = record.process?.endedAs {
                self.change(record, to: .exited(status))
            } else if record.state == .restarting {
                self.change(record, to: .killed)
            }
            // What cannot be written any more was reported as a line already.
            try? record.log.close()
        }
    }

    /// Begins an operation on a node, behind those that were asked for before.
    func acquire(_ record: NodeRecord) async {
        guard record.isBusy else {
            record.isBusy = true
            return
        }
        await withCheckedContinuation { record.queued.append($0) }
    }

    /// Ends an operation. The next one finds the node still busy, so nobody slips in between.
    func release(_ record: NodeRecord) {
        if record.queued.isEmpty {
            record.isBusy = false
        } else {
            record.queued.removeFirst().resume()
        }
    }

    /// Who talks to this node, if it speaks on standard input and output.
    func dialogue(with spec: NodeSpec) -> (any NodeDialogue)? {
        spec.speech == .maelstrom ? self.surroundings.dialogue : nil
    }

    func record(_ node: NodeName) throws(NodeFailure) -> NodeRecord {
        if let record = self.records[node] { return record }
        throw NodeFailure(
            node, "a node of the run must have this name",
            hint: Suggestion.hint(for: node.text, among: self.records.keys.map(\.text)))
    }

    func change(_ record: NodeRecord, to state: NodeState) {
        record.state = state
        let now = self.surroundings.now()
        record.log.append(NodeLog.note("\(state)", at: now))
        self.observer.onEvent(.changed(record.spec.name, state, at: now))
        if self.isStarting, case .exited = state {
            self.hasStartFailed = true
            for other in self.records.values { self.wake(other) }
        }
        self.wake(record)
    }

    func wake(_ record: NodeRecord) {
        let waiting = record.waiting
        record.waiting = []
        for continuation in waiting { continuation.resume() }
    }
}

/// Why some nodes could not be started, in the order of the nodes.
package struct NodeFailures: Error, Sendable, CustomStringConvertible {
    package let failures: [NodeFailure]

    /// One failure after the other.
    package var description: String {
        self.failures.map(\.description).joined(separator: "\n")
    }
}
