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
        /// The tasks that are done.
        var finished: Set<String> = []
        /// What each task has found.
        var results: [String: [String: Int64]] = [:]
        var outcome: Outcome?
        /// How often its result was given out.
        var resultCount: Int64 = 0
    }

    /// How a job ended.
    enum Outcome {
        case counts([String: Int64])
        case failed(String)
    }

    var dispatcher: TaskDispatcher
    var jobs: [String: Job] = [:]

    init(_ dispatcher: TaskDispatcher) { self.dispatcher = dispatcher }

    /// The jobs that are not over, in order.
    var running: [String] { self.jobs.filter { $0.value.outcome == nil }.keys.sorted() }

    /// Takes in what the log says.
    mutating func recall(_ records: [JSONValue]) {
        for record in records {
            if let name = record["job"]?.stringValue, let job = Job(record) {
                self.jobs[name] = job
            } else if let task = record["finished"]?.stringValue, let id = TaskID(task) {
                self.jobs[id.job]?.finished.insert(task)
                self.jobs[id.job]?.results[task] = MapReduceJob.counts(record["counts"])
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
}

extension MapReduceMaster.Job {
    /// Reads a job from a client's request, or from the log.
    init?(_ value: JSONValue) {
        guard
            let function = value["fn"]?.stringValue.flatMap(MapReduceJob.Function.init(rawValue:)),
            let input = value["input"]?.stringValue, !input.isEmpty
        else { return nil }
        self.init(
            function: function,
            chunks: MapReduceJob.chunks(of: input))
    }
}

/// The name of a task: `j1/3`, for the chunk 3 of the job `j1`.
struct TaskID {
    let job: String
    let index: Int

    init(_ job: String, _ index: Int) {
        self.job = job
        self.index = index
    }

    init?(_ text: String) {
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count == 2, let index = Int(parts[1]) else { return nil }
        self.init(parts[0], index)
    }

    var text: String { "\(self.job)/\(self.index)" }
}
