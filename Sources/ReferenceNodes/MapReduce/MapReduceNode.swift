import ChaosCore
import NodeKit

/// A node of a map-reduce cluster: the first one is the master, all others are workers.
struct MapReduceNode: Node {
    let flaw: MapReduceFlaw?
    var membership = Membership(id: "", members: [], seed: 0)
    var master: MapReduceMaster
    var worker = MapReduceWorker()

    init(_ flaw: MapReduceFlaw? = nil) {
        self.flaw = flaw
        self.master = MapReduceMaster(
            TaskDispatcher(lease: flaw == .neverExpires ? nil : .milliseconds(600)))
    }

    var isMaster: Bool { self.membership.id == self.membership.members.first }
    var masterName: String { self.membership.members.first ?? "" }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            if !self.isMaster { return self.beginWork() }
            self.master.recall(membership.life.records)
            return self.resume() + [.setTimer(MapReduceMaster.timer, after: .zero)]
        case .timer(MapReduceMaster.timer):
            return self.dispatch(at: now)
                + [.setTimer(MapReduceMaster.timer, after: MapReduceMaster.interval)]
        case .timer(MapReduceWorker.pulse): return self.pulse()
        case .timer: return self.compute()
        case .message(let message):
            return self.isMaster
                ? self.lead(message, at: now) : self.work(message)
        }
    }
}
