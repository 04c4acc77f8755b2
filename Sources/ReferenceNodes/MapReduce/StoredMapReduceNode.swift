import ChaosCore
import NodeKit

/// Map-reduce by way of a store, Redis, so that what tasks make outlives whoever made it, and goes through nobody's messages:
///
///     submit ──▶ SET mr/JOB/chunk/M                                           the master, for each chunk
///     map M      GET mr/JOB/chunk/M ──▶ SET mr/JOB/map/M/R                    a worker, for each reduce task R
///     reduce R   MGET mr/JOB/map/0/R mr/JOB/map/1/R … ──▶ SET mr/JOB/reduce/R     a worker, when all chunks are mapped
///     result     MGET mr/JOB/reduce/0 mr/JOB/reduce/1 …                       the master, when all is reduced
///
/// A task may be done twice, by somebody who was believed dead as well: it writes the same under the same keys. Only then does its worker say
/// that it is done, and nothing depends on whether that is heard.
struct StoredMapReduceNode: MapReduceNode, CallingNode {
    /// What a variant does otherwise.
    enum Trait: Sendable {
        /// A task is lent for ever.
        case neverExpires
        /// A task is lent however often its workers died of it.
        case neverGivesUp
        /// The results of reduce tasks are added up as they are reported.
        case addsReports
        /// Map tasks append their output to what is there.
        case appends
        /// A worker that is not heard of is lent another task, and must not report the first one.
        case relends
        /// The input is cut anywhere.
        case cutsAnywhere
        /// The master has no log.
        case forgets
        /// Each process spreads keys over reduce tasks in its own way, as Swift's `Hasher` does.
        case spreadsItsOwnWay
        /// The output of each attempt has keys of its own; of the first one that is reported it is read.
        case commitsAttempts
    }

    private let traits: Set<Trait>
    var membership = Membership(id: "", members: [], seed: 0)
    var master: MapReduceMaster
    var worker = MapReduceWorker()
    var calls = Calls<StoredMapReduceNode>()
    /// Commands that the store has not answered, to be sent again when the next timer fires.
    private var unanswered: [@Sendable (inout StoredMapReduceNode) -> [Effect]] = []

    init(_ traits: Set<Trait> = []) {
        self.traits = traits
        let dispatcher = TaskDispatcher(
            lease: traits.contains(.neverExpires) ? nil : .milliseconds(600),
            attemptsMax: traits.contains(.neverGivesUp) ? .max : TaskDispatcher.attemptsMax,
            relends: traits.contains(.relends))
        self.master =
            traits.contains(.cutsAnywhere)
            ? MapReduceMaster(dispatcher) { MapReduceJob.byteChunks(of: $0) }
            : MapReduceMaster(dispatcher)
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        guard case .timer = input else { return self.live(input, at: now) }
        let unanswered = self.unanswered
        self.unanswered = []
        return unanswered.flatMap { $0(&self) } + self.live(input, at: now)
    }

    var keepsLog: Bool { !self.traits.contains(.forgets) }

    // MARK: The store

    /// Sends commands one after the other, each until it is answered: whatever a task writes may be written twice.
    private mutating func store(
        _ commands: [[String]], replies: [JSONValue] = [],
        then: @escaping @Sendable (inout Self, [JSONValue]) -> [Effect]
    ) -> [Effect] {
        guard replies.count < commands.count else { return then(&self, replies) }
        return self.redis(commands[replies.count]) { node, answer, _ in
            if case .value(let value) = answer {
                return node.store(commands, replies: replies + [value], then: then)
            }
            node.unanswered.append { $0.store(commands, replies: replies, then: then) }
            return []
        }
    }

    private static func key(_ job: String, _ parts: String...) -> String {
        (["mr", job] + parts).joined(separator: "/")
    }

    /// Where a map task's output for a reduce task is.
    private func outputKey(_ task: TaskID, _ attempt: String, for reducer: Int) -> String {
        let place =
            self.traits.contains(.commitsAttempts) ? "\(task.index)-\(attempt)" : "\(task.index)"
        return Self.key(task.job, "map", place, "\(reducer)")
    }

    // MARK: The master

    mutating func begin(_ name: String) -> [Effect] {
        let chunks = self.master.jobs[name]?.chunks ?? []
        let commands = chunks.enumerated().map { ["SET", Self.key(name, "chunk", "\($0)"), $1] }
        return self.store(commands) { node, _ in node.goOn(name) }
    }

    /// Puts up the tasks of the phase that a job is in; one begins when the other is over.
    private mutating func goOn(_ name: String) -> [Effect] {
        guard let job = self.master.jobs[name], job.outcome == nil else { return [] }
        if job.finishedCount(.map) < job.chunks.count {
            self.master.addTasks(of: name, .map, count: job.chunks.count)
        } else if job.finishedCount(.reduce) < MapReduceJob.reduceCount {
            self.master.addTasks(of: name, .reduce, count: MapReduceJob.reduceCount)
        } else {
            return self.merge(name)
        }
        return []
    }

    func order(for task: TaskID, of job: MapReduceMaster.Job) -> JSONObject {
        if task.phase == .map { return [:] }
        let attempts = job.chunks.indices.map { index in
            job.finished[TaskID(job: task.job, phase: .map, index: index)] ?? ""
        }
        return ["attempts": .array(attempts.map { .string($0) })]
    }

    mutating func take(_ report: Message, of task: TaskID) -> [Effect] {
        if self.traits.contains(.relends) {
            let lent = self.master.dispatcher.task(of: report.source)
            if lent != task.text { return self.giveUp(report, lent) }
        }
        let noted = self.noteFinished(report, of: task)
        if self.traits.contains(.addsReports), task.phase == .reduce {
            return (noted ?? []) + self.add(task)
        }
        return noted.map { $0 + self.goOn(task.job) } ?? []
    }

    /// Gives out the sum of what all reduce tasks have found.
    private mutating func merge(_ name: String) -> [Effect] {
        let keys = (0..<MapReduceJob.reduceCount).map { Self.key(name, "reduce", "\($0)") }
        return self.store([["MGET"] + keys]) { node, replies in
            guard node.master.running.contains(name) else { return [] }
            guard let sums = Self.sum(of: replies) else {
                return node.end(name, .failed("the store has lost a result"))
            }
            return node.end(name, .counts(sums))
        }
    }

    /// Adds up counts that came from the store; `nil` where some are missing.
    private static func sum(of replies: [JSONValue]) -> [String: Int64]? {
        var sums: [String: Int64] = [:]
        for reply in replies.flatMap({ $0.arrayValue ?? [$0] }) {
            guard let text = reply.stringValue, let json = try? JSONValue(parsing: text),
                let counts = MapReduceJob.counts(json)
            else { return nil }
            MapReduceJob.merge(counts, into: &sums)
        }
        return sums
    }

    // MARK: A worker

    mutating func compute(_ task: TaskID, _ order: Message) -> [Effect] {
        switch task.phase {
        case .map: self.map(task, order)
        case .reduce: self.reduce(task, order)
        }
    }

    private mutating func map(_ task: TaskID, _ order: Message) -> [Effect] {
        self.store([["GET", Self.key(task.job, "chunk", "\(task.index)")]]) { node, replies in
            guard let text = replies.first?.stringValue else { return node.drop() }
            let (counts, end) = node.count(text, order)
            let attempt = order["attempt"]?.stringValue ?? ""
            let verb = node.traits.contains(.appends) ? "RPUSH" : "SET"
            let parts = MapReduceJob.spread(counts, salt: node.salt).enumerated()
            let commands = parts.map { reducer, part in
                [
                    verb, node.outputKey(task, attempt, for: reducer), MapReduceJob.json(part).text,
                ]
            }
            return end + node.store(commands) { node, _ in node.report() }
        }
    }

    /// Where this process sends keys: to where all do, unless it has its own way.
    private var salt: UInt64 {
        guard self.traits.contains(.spreadsItsOwnWay) else { return 0 }
        var randomness = self.membership.randomness
        return randomness.next()
    }

    private mutating func reduce(_ task: TaskID, _ order: Message) -> [Effect] {
        let keys = (order["attempts"]?.arrayValue ?? []).enumerated().map { index, attempt in
            self.outputKey(
                TaskID(job: task.job, phase: .map, index: index), attempt.stringValue ?? "",
                for: task.index)
        }
        let commands =
            self.traits.contains(.appends)
            ? keys.map { ["LRANGE", $0, "0", "-1"] } : [["MGET"] + keys]
        return self.store(commands) { node, replies in
            guard let sums = Self.sum(of: replies) else { return node.drop() }
            let key = Self.key(task.job, "reduce", "\(task.index)")
            return node.store([["SET", key, MapReduceJob.json(sums).text]]) { node, _ in
                node.report()
            }
        }
    }

    /// Lets a task go whose input is not there. Its next worker finds it, or it is given up in the end.
    private mutating func drop() -> [Effect] {
        self.worker = MapReduceWorker()
        return []
    }

    // MARK: Flaws

    /// Adds up what a reduce task has found, whether it was reported before or not.
    private mutating func add(_ task: TaskID) -> [Effect] {
        let key = Self.key(task.job, "reduce", "\(task.index)")
        return self.store([["GET", key]]) { node, replies in
            let counts = Self.sum(of: replies) ?? [:]
            guard var job = node.master.jobs[task.job], job.outcome == nil else { return [] }
            MapReduceJob.merge(counts, into: &job.results[task, default: [:]])
            node.master.jobs[task.job] = job
            guard job.results.count == MapReduceJob.reduceCount else { return [] }
            var sums: [String: Int64] = [:]
            for counts in job.results.values { MapReduceJob.merge(counts, into: &sums) }
            return node.end(task.job, .counts(sums))
        }
    }

    /// Knows one task of each worker, and falls over a report of another one, with all its jobs.
    private mutating func giveUp(_ report: Message, _ lent: String?) -> [Effect] {
        let task = report["task"]?.stringValue ?? ""
        let reason = "no match for \(task) of \(report.source), which has \(lent ?? "nothing")"
        return self.master.running.flatMap { self.end($0, .failed(reason)) }
    }
}
