import ChaosCore
import NodeKit

/// A node of a map-reduce cluster: the first one is the master, all others are workers.
///
/// Masters and workers of both kinds say the same to each other. Where input and output of tasks are, and when a job is over, is up to the
/// kinds: ``ManagedMapReduceNode`` has everything in messages, ``StoredMapReduceNode`` in a store.
protocol MapReduceNode: Node {
    var membership: Membership { get set }
    var master: MapReduceMaster { get set }
    var worker: MapReduceWorker { get set }

    /// As the master: puts up what is not done yet of a job that was submitted, in this life or in an earlier one.
    mutating func begin(_ job: String) -> [Effect]
    /// As the master: what a worker has to know for a task, besides its name.
    func order(for task: TaskID, of job: MapReduceMaster.Job) -> JSONObject
    /// As the master: takes in that a worker says that a task is done.
    mutating func take(_ report: Message, of task: TaskID) -> [Effect]
    /// As the master: whether its next life is to know anything.
    var keepsLog: Bool { get }
    /// As a worker: does a task, and ends with ``report(_:)``.
    mutating func compute(_ task: TaskID, _ order: Message) -> [Effect]
}

extension MapReduceNode {
    var isMaster: Bool { self.membership.id == self.membership.members.first }
    var masterName: String { self.membership.members.first ?? "" }

    var keepsLog: Bool { true }

    /// As the master: writes something down for its next life.
    mutating func note(_ record: JSONValue) -> [Effect] {
        guard self.keepsLog else { return [] }
        let effect = Effect.append(record)
        _ = self.master.log.isDue(after: [effect])
        return [effect]
    }

    /// As the master: writes its log anew where it is long.
    private mutating func compact() -> [Effect] {
        guard self.master.log.isDue(after: []) else { return [] }
        return [self.master.log.rewrite(as: self.master.snapshot)]
    }

    /// Lives as a master or as a worker.
    mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            if !self.isMaster { return self.beginWork() }
            self.master.recall(membership.life.records)
            self.master.log.start(membership.life)
            var effects: [Effect] = []
            for job in self.master.running { effects += self.begin(job) }
            return effects + [.setTimer(MapReduceMaster.timer, after: .zero)]
        case .timer(MapReduceMaster.timer):
            return self.dispatch(at: now) + self.compact()
                + [.setTimer(MapReduceMaster.timer, after: MapReduceMaster.interval)]
        case .timer(MapReduceWorker.pulse): return self.pulse()
        case .timer:
            guard let task = self.worker.task, let order = self.worker.order else { return [] }
            return self.compute(task, order)
        case .message(let message):
            return self.isMaster ? self.lead(message, at: now) : self.work(message)
        }
    }
}
