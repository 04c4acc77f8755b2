import ChaosCore
import NodeKit

/// What a worker is at.
struct MapReduceWorker {
    static let pulse = "pulse"
    static let interval = Duration.milliseconds(150)
    /// How long a task takes, as far as the processor is concerned. Long enough to be struck by something.
    static let effort = Duration.milliseconds(60)

    var task: TaskID?
    /// The `work` message that it came with.
    var order: Message?
}

// A worker: one task at a time. It says again and again that it is at it, or that it has nothing to do, so no single
// message matters.

extension MapReduceNode {
    mutating func beginWork() -> [Effect] {
        [self.announce, .setTimer(MapReduceWorker.pulse, after: MapReduceWorker.interval)]
    }

    private var announce: Effect { .send(to: self.masterName, ["type": "ready"]) }

    mutating func pulse() -> [Effect] {
        let sign =
            self.worker.task.map { task in
                Effect.send(
                    to: self.masterName, ["type": "working", "task": .string(task.text)])
            } ?? self.announce
        return [sign, .setTimer(MapReduceWorker.pulse, after: MapReduceWorker.interval)]
    }

    mutating func work(_ message: Message) -> [Effect] {
        guard message.type == "work" else {
            let known = ["submit", "result", "results", HTTPRequest.messageType]
                .contains(message.type)
            return [
                known
                    ? .error(
                        to: message, .temporarilyUnavailable, "'\(self.masterName)' is the master")
                    : .unsupported(message)
            ]
        }
        guard self.worker.task == nil, let task = message["task"]?.stringValue.flatMap(TaskID.init)
        else { return [] }
        self.worker.task = task
        self.worker.order = message
        return [.setTimer("compute", after: MapReduceWorker.effort)]
    }

    /// Counts what is in a chunk. A poisoned one is the end of whoever eats it.
    func count(_ text: String, _ order: Message) -> (counts: [String: Int64], effects: [Effect]) {
        let function =
            order["fn"]?.stringValue.flatMap(MapReduceJob.Function.init(rawValue:)) ?? .words
        let counts = MapReduceJob.counts(function, text)
        return (counts, counts["poison"] == nil ? [] : [.crash("ate poison")])
    }

    /// Says that the task is done, and asks for the next one.
    mutating func report(_ members: JSONObject = [:]) -> [Effect] {
        guard let task = self.worker.task, let order = self.worker.order else { return [] }
        self.worker = MapReduceWorker()
        var body: JSONObject = [
            "type": "finished", "task": .string(task.text), "phase": .string(task.phase.rawValue),
            "attempt": order["attempt"] ?? nil,
        ]
        for member in members.members { body[member.key] = member.value }
        return [.send(to: self.masterName, body), self.announce]
    }
}
