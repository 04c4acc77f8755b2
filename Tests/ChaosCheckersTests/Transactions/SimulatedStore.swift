import ChaosCheckers
import ChaosCore

/// A store of lists or registers, and clients that run transactions on it.
struct SimulatedStore {
    /// How transactions are kept apart.
    enum Isolation {
        /// Each takes effect at one moment between call and return.
        case strictSerializable
        /// Reads show one moment; a transaction fails when somebody else wrote its keys since.
        case snapshot
        /// Nothing: each step takes effect at a moment of its own.
        case none
    }

    var isolation = Isolation.strictSerializable
    var hasLists = true
    var keys = 5
    var writesPerKey = 12
    var maxSteps = 4
    var outcomes = (fail: Ratio(percent: 3), info: Ratio(percent: 3))
    /// Whether one transaction at the end reads everything.
    var readsAllAtTheEnd = false

    private struct Running {
        var steps: [(isRead: Bool, key: Int, value: Int64)]
        var results: [JSONValue] = []
        var snapshot: [[Int64]] = []
        var hasFailed = false
        var isDone = false
    }

    func history(_ count: Int, clients: Int, seed: UInt64) -> History {
        var generator = Seed(seed).derived("store").generator
        var history = History()
        var lists: [[Int64]] = []
        var versions: [Int] = []
        var written: [Int64] = []
        var active: [Int] = []
        for key in 0..<self.keys {
            lists.append([])
            versions.append(0)
            written.append(0)
            active.append(key)
        }
        var running: [Running?] = Array(repeating: nil, count: clients)
        var processes = Array(0..<clients)
        var started = 0

        func event(_ client: Int, _ kind: Operation.Kind, _ value: JSONValue) {
            let index = history.operations.count
            history.append(
                Operation(
                    index: index, process: processes[client], kind: kind, function: "txn",
                    value: value, time: Instant(nanoseconds: Int64(index) * 1_000)))
        }
        func text(_ steps: [(isRead: Bool, key: Int, value: Int64)], _ results: [JSONValue])
            -> JSONValue
        {
            .array(
                steps.enumerated().map { index, step in
                    let name: JSONValue = step.isRead ? "r" : self.hasLists ? "append" : "w"
                    let result: JSONValue =
                        step.isRead
                        ? (index < results.count ? results[index] : .null) : .int(step.value)
                    return [name, .int(Int64(step.key)), result]
                })
        }
        func value(_ list: [Int64]) -> JSONValue {
            if self.hasLists { return .array(list.map { .int($0) }) }
            return list.last.map { .int($0) } ?? .null
        }
        /// Does one step; `mine` is what the transaction itself wrote so far, for snapshots.
        func apply(_ transaction: inout Running, on lists: inout [[Int64]]) {
            let step = transaction.steps[transaction.results.count]
            if step.isRead {
                transaction.results.append(value(lists[step.key]))
            } else {
                lists[step.key].append(step.value)
                transaction.results.append(.int(step.value))
            }
        }
        func applyAll(_ transaction: inout Running) {
            while transaction.results.count < transaction.steps.count {
                apply(&transaction, on: &lists)
            }
        }

        while true {
            let client = generator.next(below: clients)
            guard var transaction = running[client] else {
                if started == count {
                    if running.allSatisfy({ $0 == nil }) { break }
                    continue
                }
                started += 1
                var steps: [(isRead: Bool, key: Int, value: Int64)] = []
                for _ in 0...generator.next(below: self.maxSteps) {
                    let slot = generator.next(below: active.count)
                    let key = active[slot]
                    if generator.next(below: 2) == 0 {
                        steps.append((true, key, 0))
                        continue
                    }
                    written[key] += 1
                    steps.append((false, key, written[key]))
                    if written[key] == Int64(self.writesPerKey) {
                        active[slot] = lists.count
                        lists.append([])
                        versions.append(0)
                        written.append(0)
                    }
                }
                running[client] = Running(steps: steps, snapshot: lists)
                event(client, .invoke, text(steps, []))
                continue
            }
            if !transaction.isDone {
                switch self.isolation {
                case .strictSerializable:
                    transaction.hasFailed = generator.chance(self.outcomes.fail)
                    if !transaction.hasFailed { applyAll(&transaction) }
                    transaction.isDone = true
                case .none:
                    apply(&transaction, on: &lists)
                    transaction.isDone = transaction.results.count == transaction.steps.count
                case .snapshot:
                    // Keys that came up since are empty in the snapshot.
                    var mine = transaction.snapshot
                    while mine.count < lists.count { mine.append([]) }
                    let keys = Set(transaction.steps.filter { !$0.isRead }.map(\.key))
                    let before = mine
                    transaction.hasFailed = keys.contains { lists[$0] != before[$0] }
                    if !transaction.hasFailed {
                        while transaction.results.count < transaction.steps.count {
                            apply(&transaction, on: &mine)
                        }
                        for key in keys { lists[key] = mine[key] }
                    }
                    transaction.isDone = true
                }
                running[client] = transaction
                continue
            }
            running[client] = nil
            let isUnknown = generator.chance(self.outcomes.info)
            if isUnknown {
                event(client, .info, text(transaction.steps, []))
                processes[client] += clients
            } else if transaction.hasFailed {
                event(client, .fail, text(transaction.steps, []))
            } else {
                event(client, .ok, text(transaction.steps, transaction.results))
            }
        }
        if self.readsAllAtTheEnd {
            var all = Running(steps: lists.indices.map { (true, $0, 0) })
            event(0, .invoke, text(all.steps, []))
            applyAll(&all)
            event(0, .ok, text(all.steps, all.results))
        }
        return history
    }
}
