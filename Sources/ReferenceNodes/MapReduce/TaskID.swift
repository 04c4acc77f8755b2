/// A task of a job: `j1/map/3` counts the chunk 3 of the job `j1`, `j1/reduce/0` adds up what all map tasks have for
/// the reduce task 0.
struct TaskID: Hashable, Sendable {
    enum Phase: String, Sendable {
        case map, reduce
    }

    let job: String
    let phase: Phase
    let index: Int
}

extension TaskID {
    /// Reads a task's name; `nil` where it is none.
    init?(_ text: String) {
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count == 3, let phase = Phase(rawValue: parts[1]), let index = Int(parts[2])
        else { return nil }
        self.init(job: parts[0], phase: phase, index: index)
    }

    /// The task's name.
    var text: String { "\(self.job)/\(self.phase.rawValue)/\(self.index)" }
}
