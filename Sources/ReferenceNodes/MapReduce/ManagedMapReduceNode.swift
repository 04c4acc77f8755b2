import ChaosCore
import NodeKit

/// Map-reduce whose chunks and results are in the messages: the master sends a chunk to a worker, gets its counts back, and adds up what all
/// chunks have come to.
struct ManagedMapReduceNode: MapReduceNode {
    enum Flaw: Sendable {
        /// A task is lent for ever.
        case neverExpires
        /// A task is lent however often its workers died of it.
        case neverGivesUp
        /// Merges what it had before it notes the last result.
        case mergesTooEarly
        /// A job that is over ends again with each report of a task of it.
        case endsAgain
    }

    private let flaw: Flaw?
    var membership = Membership(id: "", members: [], seed: 0)
    var master: MapReduceMaster
    var worker = MapReduceWorker()

    init(_ flaw: Flaw? = nil) {
        self.flaw = flaw
        self.master = MapReduceMaster(
            TaskDispatcher(
                lease: flaw == .neverExpires ? nil : .milliseconds(600),
                attemptsMax: flaw == .neverGivesUp ? .max : TaskDispatcher.attemptsMax))
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] { self.live(input, at: now) }

    // MARK: The master

    mutating func begin(_ job: String) -> [Effect] {
        self.master.addTasks(of: job, .map, count: self.master.jobs[job]?.chunks.count ?? 0)
        return self.conclude(job)
    }

    func order(for task: TaskID, of job: MapReduceMaster.Job) -> JSONObject {
        ["input": .string(job.chunks[task.index])]
    }

    mutating func take(_ report: Message, of task: TaskID) -> [Effect] {
        let before = self.master.jobs[task.job]?.results ?? [:]
        let counts = MapReduceJob.counts(report["counts"]) ?? [:]
        guard let noted = self.noteFinished(report, of: task, counts: counts) else {
            return self.flaw == .endsAgain ? self.conclude(task.job) : []
        }
        return noted + self.conclude(task.job, self.flaw == .mergesTooEarly ? before : nil)
    }

    /// Ends a job whose tasks are all done.
    private mutating func conclude(
        _ name: String, _ results: [TaskID: [String: Int64]]? = nil
    ) -> [Effect] {
        guard let job = self.master.jobs[name], job.finished.count == job.chunks.count else {
            return []
        }
        var sums: [String: Int64] = [:]
        for counts in (results ?? job.results).values { MapReduceJob.merge(counts, into: &sums) }
        return self.end(name, .counts(sums))
    }

    // MARK: A worker

    mutating func compute(_ task: TaskID, _ order: Message) -> [Effect] {
        let (counts, effects) = self.count(order["input"]?.stringValue ?? "", order)
        return effects + self.report(["counts": MapReduceJob.json(counts)])
    }
}
