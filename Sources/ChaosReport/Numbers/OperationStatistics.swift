import ChaosCheckers
import ChaosCore

/// What the operations of one name came to.
struct OperationStatistics {
    /// The operations' name.
    let function: String
    /// How many were invoked, and how they ended; those without an answer are unknown.
    private(set) var count = 0
    private(set) var ok = 0
    private(set) var fail = 0
    var unknown: Int { self.count - self.ok - self.fail }
    /// How long those that ended ok took, shortest first.
    private var times: [Duration] = []

    /// The statistics of a history, by name in order of appearance.
    static func all(_ history: History) -> [OperationStatistics] {
        var all: [OperationStatistics] = []
        for invocation in history.invocations {
            let name = invocation.begin.function
            let place = all.firstIndex { $0.function == name } ?? all.count
            if place == all.count { all.append(OperationStatistics(function: name)) }
            all[place].add(invocation)
        }
        for place in all.indices { all[place].times.sort() }
        return all
    }

    private init(function: String) { self.function = function }

    private mutating func add(_ invocation: Invocation) {
        self.count += 1
        switch invocation.outcome {
        case .ok:
            self.ok += 1
            if let end = invocation.end { self.times.append(end.time - invocation.begin.time) }
        case .fail: self.fail += 1
        case .info, .invoke: break
        }
    }

    /// How long at most so large a share took (nearest rank); nil when none ended ok.
    func quantile(_ share: Double) -> Duration? {
        if self.times.isEmpty { return nil }
        let rank = (share * Double(self.times.count)).rounded(.up)
        return self.times[min(max(Int(rank) - 1, 0), self.times.count - 1)]
    }
}
