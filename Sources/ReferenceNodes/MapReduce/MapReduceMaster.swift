import ChaosCore
import NodeKit

/// What a master knows of its jobs.
struct MapReduceMaster {
    static let timer = "dispatch"
    static let interval = Duration.milliseconds(50)

    /// A job, from its submission to its result.
    struct Job {
        let function: MapReduceJob.Function
        let chunks: [String]
        /// The tasks that are done, each with the attempt whose report was the first one.
        var finished: [TaskID: String] = [:]
        /// What tasks have found, where it came in messages.
        var results: [TaskID: [String: Int64]] = [:]
        var outcome: Outcome?
        /// How often a task of it was lent, in this life of the master's.
        var attemptCount: Int64 = 0
        /// How often its result was given out.
        var resultCount: Int64 = 0
    }

    /// How a job ended.
    enum Outcome {
        case counts([String: Int64])
        case failed(String)
    }

    var dispatcher: TaskDispatcher
    /// Splits an input into chunks.
    let cut: @Sendable (String) -> [String]
    var jobs: [String: Job] = [:]

    init(
        _ dispatcher: TaskDispatcher,
        cut: @escaping @Sendable (String) -> [String] = { MapReduceJob.chunks(of: $0) }
    ) {
        self.dispatcher = dispatcher
        self.cut = cut
    }

    /// What a job must have.
    static var rule: String {
        let functions = MapReduceJob.Function.allCases.map(\.rawValue).joined(separator: ", ")
        return "a 'job' without '/', a text in 'input', and in 'fn' one of \(functions)"
    }

    /// The jobs that are not over, in order.
    var running: [String] { self.jobs.filter { $0.value.outcome == nil }.keys.sorted() }

    /// Takes in what the log says.
    mutating func recall(_ records: [JSONValue]) {
        for record in records {
            if let name = record["job"]?.stringValue, let job = self.job(record) {
                self.jobs[name] = job
            } else if let task = record["finished"]?.stringValue.flatMap(TaskID.init) {
                self.jobs[task.job]?.finished[task] = record["attempt"]?.stringValue ?? ""
                self.jobs[task.job]?.results[task] = MapReduceJob.counts(record["counts"])
            } else if let name = record["done"]?.stringValue {
                if let counts = MapReduceJob.counts(record["counts"]) {
                    self.jobs[name]?.outcome = .counts(counts)
                } else {
                    self.jobs[name]?.outcome = .failed(record["reason"]?.stringValue ?? "")
                }
                self.jobs[name]?.resultCount = 1
            }
        }
    }

    /// Reads a job from a client's request, or from the log.
    func job(_ value: JSONValue) -> Job? {
        guard
            let function = value["fn"]?.stringValue.flatMap(MapReduceJob.Function.init(rawValue:)),
            let input = value["input"]?.stringValue, !input.isEmpty
        else { return nil }
        return Job(function: function, chunks: self.cut(input))
    }

    /// Puts up the tasks of one phase of a job that are not done yet.
    mutating func addTasks(of job: String, _ phase: TaskID.Phase, count: Int) {
        let done = self.jobs[job]?.finished ?? [:]
        let tasks = (0..<count).map { TaskID(job: job, phase: phase, index: $0) }
        self.dispatcher.add(tasks.filter { done[$0] == nil }.map(\.text))
    }
}

extension MapReduceMaster.Job {
    /// How many tasks of a phase are done.
    func finishedCount(_ phase: TaskID.Phase) -> Int {
        self.finished.keys.count { $0.phase == phase }
    }
}
