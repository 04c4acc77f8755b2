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

        /// How it ended, for the log.
        var record: JSONObject {
            switch self {
            case .counts(let counts): ["counts": MapReduceJob.json(counts)]
            case .failed(let reason): ["reason": .string(reason)]
            }
        }
    }

    var dispatcher: TaskDispatcher
    /// Splits an input into chunks.
    let cut: @Sendable (String) -> [String]
    var jobs: [String: Job] = [:]
    var log = LogCompaction()

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
            if let name = record["over"]?.stringValue {
                // Of a job that is over nothing is asked but its result.
                self.jobs[name] = Job(function: .words, chunks: [])
                self.conclude(name, record)
            } else if let name = record["job"]?.stringValue, let job = self.job(record) {
                self.jobs[name] = job
            } else if let task = record["finished"]?.stringValue.flatMap(TaskID.init) {
                self.jobs[task.job]?.finished[task] = record["attempt"]?.stringValue ?? ""
                self.jobs[task.job]?.results[task] = MapReduceJob.counts(record["counts"])
            } else if let name = record["done"]?.stringValue {
                self.conclude(name, record)
            }
        }
    }

    private mutating func conclude(_ name: String, _ record: JSONValue) {
        self.jobs[name]?.outcome =
            MapReduceJob.counts(record["counts"]).map { .counts($0) }
            ?? .failed(record["reason"]?.stringValue ?? "")
        self.jobs[name]?.resultCount = 1
    }

    /// What the next life has to know: the results of jobs that are over, and of others all that is done.
    var snapshot: [JSONValue] {
        self.jobs.sorted { $0.key < $1.key }.flatMap { name, job -> [JSONValue] in
            if let outcome = job.outcome {
                var record = outcome.record
                record["over"] = .string(name)
                return [.object(record)]
            }
            let begin: JSONValue = [
                "job": .string(name), "fn": .string(job.function.rawValue),
                "input": .string(job.chunks.joined()),
            ]
            let finished = job.finished.sorted { $0.key.text < $1.key.text }
                .map { task, attempt -> JSONValue in
                    var record: JSONObject = [
                        "finished": .string(task.text), "attempt": .string(attempt),
                    ]
                    if let counts = job.results[task] {
                        record["counts"] = MapReduceJob.json(counts)
                    }
                    return .object(record)
                }
            return [begin] + finished
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
