import ChaosCore

/// What is known about the versions of every key of a register history: who wrote and read what, and which versions came
/// before which.
///
/// A register hides its past, so much less is known than of a list: nothing comes before the initial version (`null`), and what a
/// transaction read before it wrote, or wrote first, came before what it wrote. Keys that promise more let more be
/// inferred.
struct RegisterVersions {
    /// How versions of one key may be ordered beyond what single transactions show.
    struct Promises: OptionSet, Hashable, Sendable {
        let rawValue: Int

        /// Each process sees the versions of a key in their order.
        static let sequentialKeys = Promises(rawValue: 1)
        /// Each key is linearizable by itself.
        static let linearizableKeys = Promises(rawValue: 2)
    }

    /// A value that some transaction tried to write.
    struct Version {
        let key: Int
        let value: JSONValue
        let transaction: Int
        /// Whether the same transaction wrote the key again afterwards.
        var isIntermediate = false
        /// The ok transactions that read it from outside.
        var readers: [Int32] = []
    }

    /// The versions; after them one initial version for every key.
    private(set) var versions: [Version] = []
    /// The readers of each key's initial version.
    private(set) var initialReaders: [[Int32]]
    /// Which version came before which, as a graph whose nodes are versions.
    private(set) var order: [DependencyGraph.Edge] = []
    /// What each ok transaction read from outside: transaction, key, version.
    private(set) var reads: [(transaction: Int, key: Int, version: Int32)] = []
    private(set) var anomalies: [TransactionAnomaly] = []
    private(set) var ambiguousKeys: Set<Int> = []

    private var numbers: [[JSONValue: Int32]]

    init(_ history: TransactionHistory, promises: Promises) {
        self.initialReaders = Array(repeating: [], count: history.keys.count)
        self.numbers = Array(repeating: [:], count: history.keys.count)
        self.collectWrites(history)
        self.collectReads(history)
        self.orderInsideTransactions(history)
        if promises.contains(.linearizableKeys) {
            self.orderByTime(history)
        } else if promises.contains(.sequentialKeys) {
            self.orderByProcess(history)
        }
        self.dropCycles(history)
        self.orderInitial()
    }

    /// The number that stands for a key's initial version.
    func initial(of key: Int) -> Int32 { Int32(self.versions.count + key) }

    func isInitial(_ version: Int32) -> Bool { Int(version) >= self.versions.count }

    /// The ok transactions that read a version.
    func readers(of version: Int32) -> [Int32] {
        self.isInitial(version)
            ? self.initialReaders[Int(version) - self.versions.count]
            : self.versions[Int(version)].readers
    }

    /// The number of a value of a key, the initial one included; `nil` when nobody tried to write it.
    func number(of value: JSONValue, key: Int) -> Int32? {
        if let number = self.numbers[key][value] { return number }
        if value == .null { return self.initial(of: key) }
        return .none
    }

    private mutating func collectWrites(_ history: TransactionHistory) {
        for (position, transaction) in history.transactions.enumerated() {
            var last: [(key: Int, version: Int)] = []
            for step in transaction.steps where step.kind == .write {
                let number = self.versions.count
                self.versions.append(
                    Version(key: step.key, value: step.value, transaction: position))
                if let entry = last.firstIndex(where: { $0.key == step.key }) {
                    self.versions[last[entry].version].isIntermediate = true
                    last[entry].version = number
                } else {
                    last.append((step.key, number))
                }
                if self.numbers[step.key].updateValue(Int32(number), forKey: step.value) != nil {
                    self.ambiguousKeys.insert(step.key)
                }
            }
        }
    }

    private mutating func collectReads(_ history: TransactionHistory) {
        for (position, transaction) in history.transactions.enumerated() where transaction.isOk {
            var seen: [Int] = []
            for step in transaction.steps {
                if seen.contains(step.key) { continue }
                seen.append(step.key)
                guard step.kind == .read else { continue }
                guard let version = self.number(of: step.value, key: step.key) else {
                    self.anomalies.append(
                        TransactionAnomaly(
                            name: "garbage-read",
                            lines: [
                                "nobody wrote \(TransactionHistory.text(step.value)) to \(history.name(step.key)):"
                                    + " \(history.text(of: position))"
                            ]))
                    continue
                }
                self.reads.append((position, step.key, version))
                if self.isInitial(version) {
                    self.initialReaders[step.key].append(Int32(position))
                } else {
                    self.versions[Int(version)].readers.append(Int32(position))
                }
            }
        }
    }

    // MARK: - Orders

    private mutating func add(_ first: Int32, before second: Int32) {
        if first != second && !self.isInitial(second) {
            self.order.append(DependencyGraph.Edge(from: first, to: second, kind: .ww))
        }
    }

    /// Writes follow the reads and writes before them in the same transaction.
    private mutating func orderInsideTransactions(_ history: TransactionHistory) {
        for transaction in history.transactions {
            var last: [(key: Int, version: Int32)] = []
            for step in transaction.steps {
                guard step.kind == .write || transaction.isOk,
                    let version = self.number(of: step.value, key: step.key)
                else { continue }
                guard let entry = last.firstIndex(where: { $0.key == step.key }) else {
                    last.append((step.key, version))
                    continue
                }
                if step.kind == .write { self.add(last[entry].version, before: version) }
                last[entry].version = version
            }
        }
    }

    /// For each transaction and key the version it met first and the one it left.
    private func visits(_ history: TransactionHistory) -> [(
        transaction: Int, key: Int, first: Int32, last: Int32
    )] {
        var visits: [(transaction: Int, key: Int, first: Int32, last: Int32)] = []
        for (position, transaction) in history.transactions.enumerated() where transaction.isOk {
            let start = visits.count
            for step in transaction.steps {
                guard let version = self.number(of: step.value, key: step.key) else { continue }
                let known = visits[start...].firstIndex { $0.key == step.key }
                if let known {
                    visits[known].last = version
                } else {
                    visits.append((position, step.key, version, version))
                }
            }
        }
        return visits
    }

    private mutating func orderByProcess(_ history: TransactionHistory) {
        struct Place: Hashable {
            let process: Int
            let key: Int
        }
        var last: [Place: Int32] = [:]
        for visit in self.visits(history) {
            let process = history.transactions[visit.transaction].invocation.begin.process
            let place = Place(process: process, key: visit.key)
            if let previous = last[place] { self.add(previous, before: visit.first) }
            last[place] = visit.last
        }
    }

    private mutating func orderByTime(_ history: TransactionHistory) {
        struct Mark {
            let place: Int
            let visit: Int
            let isReturn: Bool
        }
        let visits = self.visits(history)
        var marks: [Mark] = []
        for (index, visit) in visits.enumerated() {
            let invocation = history.transactions[visit.transaction].invocation
            marks.append(Mark(place: invocation.begin.index, visit: index, isReturn: false))
            if let end = invocation.end {
                marks.append(Mark(place: end.index, visit: index, isReturn: true))
            }
        }
        marks.sort { ($0.place, $0.visit) < ($1.place, $1.visit) }
        // For each key the visits that returned and that no later one is known to follow.
        var frontier: [Int: [Int]] = [:]
        var before: [Int: [Int]] = [:]
        for mark in marks {
            let key = visits[mark.visit].key
            guard mark.isReturn else {
                before[mark.visit] = frontier[key] ?? []
                continue
            }
            let earlier = before.removeValue(forKey: mark.visit) ?? []
            for previous in earlier {
                self.add(visits[previous].last, before: visits[mark.visit].first)
            }
            frontier[key] = (frontier[key] ?? []).filter { !earlier.contains($0) } + [mark.visit]
        }
    }

    /// Finds keys whose versions come before themselves, and forgets their order.
    private mutating func dropCycles(_ history: TransactionHistory) {
        let count = self.versions.count + history.keys.count
        let adjacency = Adjacency(nodeCount: count, self.order)
        let components = StronglyConnected(
            nodeCount: count, self.order, adjacency, DependencyKinds(.ww))
        var broken: [Int: [DependencyGraph.Edge]] = [:]
        for edge in self.order where components.isOnCycle(edge) {
            broken[self.versions[Int(edge.to)].key, default: []].append(edge)
        }
        for (key, edges) in broken.sorted(by: { $0.key < $1.key }) {
            if self.ambiguousKeys.contains(key) { continue }
            let pairs = edges.prefix(6).map { edge in
                "\(self.text(edge.from)) before \(self.text(edge.to))"
            }
            self.anomalies.append(
                TransactionAnomaly(
                    name: "cyclic-versions",
                    lines: ["of \(history.name(key)): \(pairs.joined(separator: ", "))"]))
        }
        let dropped = Set(broken.keys).union(self.ambiguousKeys)
        self.order.removeAll { dropped.contains(self.versions[Int($0.to)].key) }
    }

    /// The initial version comes before those that nothing else is known to come before.
    private mutating func orderInitial() {
        var hasPrevious = Array(repeating: false, count: self.versions.count)
        for edge in self.order { hasPrevious[Int(edge.to)] = true }
        for (number, version) in self.versions.enumerated()
        where !hasPrevious[number] && !self.ambiguousKeys.contains(version.key)
            && version.value != .null
        {
            self.add(self.initial(of: version.key), before: Int32(number))
        }
    }

    /// A version's value.
    func text(_ version: Int32) -> String {
        self.isInitial(version)
            ? "nil" : TransactionHistory.text(self.versions[Int(version)].value)
    }
}
