import ChaosCore

/// Finds the anomalies of list-append histories that need no cycle.
struct ListAppendAnomalies {
    let history: TransactionHistory
    let versions: ListVersions
    private(set) var anomalies: [TransactionAnomaly] = []

    init(_ history: TransactionHistory, _ versions: ListVersions) {
        self.history = history
        self.versions = versions
        self.findAbortedReads()
        self.findIntermediateReads()
        self.findDirtyUpdates()
        self.findInternal()
        self.findLostUpdates()
    }

    private mutating func add(_ name: String, _ lines: String...) {
        self.anomalies.append(TransactionAnomaly(name: name, lines: lines))
    }

    private func text(_ value: JSONValue) -> String { TransactionHistory.text(value) }

    /// G1a: a read shows a value whose append failed. The first failed value of each key's order is found once;
    /// every read that is long enough shows it.
    private mutating func findAbortedReads() {
        var firstFailed: [Int?] = self.versions.orders.map { order in
            order.firstIndex { number in
                number >= 0
                    && self.history.transactions[self.versions.elements[Int(number)].transaction]
                        .outcome == .fail
            }
        }
        for read in self.versions.reads {
            var failed: Int32?
            if read.isCompatible {
                guard let position = firstFailed[read.key], read.values.count > position else {
                    continue
                }
                failed = self.versions.orders[read.key][position]
                // One case a key tells enough.
                firstFailed[read.key] = nil
            } else {
                failed = read.values.compactMap {
                    self.versions.number(of: $0, key: read.key)
                }.first { number in
                    self.history.transactions[self.versions.elements[Int(number)].transaction]
                        .outcome == .fail
                }
            }
            guard let failed else { continue }
            let element = self.versions.elements[Int(failed)]
            self.add(
                "G1a",
                "\(self.text(element.value)) of \(self.history.name(element.key)) was read, though its append failed",
                "written by \(self.history.text(of: element.transaction))",
                "read by \(self.history.text(of: read.transaction))")
        }
    }

    /// G1b: a read ends with a value to which its writer appended more in the same transaction.
    private mutating func findIntermediateReads() {
        for read in self.versions.reads where read.isExternal {
            guard let value = read.values.last,
                let number = self.versions.number(of: value, key: read.key)
            else { continue }
            let element = self.versions.elements[Int(number)]
            guard element.isIntermediate, element.transaction != read.transaction else { continue }
            self.add(
                "G1b",
                "\(self.text(value)) of \(self.history.name(read.key)) was read, though its transaction went on to append more",
                "written by \(self.history.text(of: element.transaction))",
                "read by \(self.history.text(of: read.transaction))")
        }
    }

    /// A committed append stands behind a failed one.
    private mutating func findDirtyUpdates() {
        for order in self.versions.orders {
            var failed: ListVersions.Element?
            for number in order where number >= 0 {
                let element = self.versions.elements[Int(number)]
                switch self.history.transactions[element.transaction].outcome {
                case .fail: failed = element
                case .ok:
                    if let failed {
                        self.add(
                            "dirty-update",
                            "\(self.text(element.value)) of \(self.history.name(element.key)) was appended to"
                                + " \(self.text(failed.value)), whose append failed",
                            "failed: \(self.history.text(of: failed.transaction))",
                            "committed: \(self.history.text(of: element.transaction))")
                    }
                    failed = nil
                case .info, .invoke: break
                }
            }
        }
    }

    // MARK: - Inside a transaction

    /// What a transaction must see of a key: all of it once it has read it, its own appends before that.
    private struct Expectation {
        let key: Int
        var base: [JSONValue]?
        var appended: [JSONValue] = []
    }

    private mutating func findInternal() {
        for (position, transaction) in self.history.transactions.enumerated()
        where transaction.isOk && transaction.steps.count > 1 {
            var expectations: [Expectation] = []
            for (offset, step) in transaction.steps.enumerated() {
                var index = expectations.firstIndex { $0.key == step.key }
                if index == nil {
                    index = expectations.count
                    expectations.append(Expectation(key: step.key))
                }
                guard let index else { continue }
                if step.kind != .read {
                    expectations[index].appended.append(step.value)
                    continue
                }
                let values = step.value.arrayValue ?? []
                let expectation = expectations[index]
                let own = expectation.appended
                if let base = expectation.base, values != base + own {
                    self.add(
                        "internal",
                        "the transaction read \(self.text(.array(values))) of \(self.history.name(step.key)) where its own"
                            + " steps had left \(self.text(.array(base + own)))",
                        self.history.text(of: position))
                } else if expectation.base == nil, !own.isEmpty,
                    Array(values.suffix(own.count)) != own
                {
                    self.add(
                        "internal",
                        "the transaction read \(self.text(.array(values))) of \(self.history.name(step.key)) where its own"
                            + " appends had left […\(own.map { self.text($0) }.joined(separator: " "))]",
                        self.history.text(of: position))
                } else {
                    let later = transaction.steps[(offset + 1)...].first {
                        $0.kind != .read && $0.key == step.key && values.contains($0.value)
                    }
                    if let later {
                        self.add(
                            "future-read",
                            "the transaction read \(self.text(later.value)) of \(self.history.name(step.key)) before it"
                                + " appended it", self.history.text(of: position))
                    }
                }
                expectations[index].base = values
                expectations[index].appended = []
            }
        }
    }

    // MARK: - Lost updates

    /// Two ok transactions read the same version of a key and appended to it.
    private mutating func findLostUpdates() {
        struct Version: Hashable {
            let key: Int
            let last: JSONValue?
        }
        var appended: [Int: Set<Int>] = [:]
        for element in self.versions.elements
        where self.history.transactions[element.transaction].isOk {
            appended[element.transaction, default: []].insert(element.key)
        }
        var first: [Version: Int] = [:]
        var told: Set<Version> = []
        for read in self.versions.reads
        where read.isExternal && appended[read.transaction]?.contains(read.key) == true {
            let version = Version(key: read.key, last: read.values.last)
            guard let other = first[version] else {
                first[version] = read.transaction
                continue
            }
            guard other != read.transaction, told.insert(version).inserted else { continue }
            self.add(
                "lost-update",
                "two transactions read \(self.text(.array(read.values))) of \(self.history.name(read.key)) and appended to it",
                self.history.text(of: other), self.history.text(of: read.transaction))
        }
    }
}
