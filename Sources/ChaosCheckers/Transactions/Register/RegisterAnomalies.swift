import ChaosCore

/// Finds the anomalies of register histories that need no cycle.
struct RegisterAnomalies {
    let history: TransactionHistory
    let versions: RegisterVersions
    private(set) var anomalies: [TransactionAnomaly] = []

    init(_ history: TransactionHistory, _ versions: RegisterVersions) {
        self.history = history
        self.versions = versions
        self.findDirtyReads()
        self.findDirtyUpdates()
        self.findInternal()
        self.findLostUpdates()
    }

    private mutating func add(_ name: String, _ lines: String...) {
        self.anomalies.append(TransactionAnomaly(name: name, lines: lines))
    }

    private func text(_ value: JSONValue) -> String { TransactionHistory.text(value) }

    private func outcome(_ version: RegisterVersions.Version) -> Operation.Kind {
        self.history.transactions[version.transaction].outcome
    }

    /// G1a: a failed write was read. G1b: a write that its transaction overwrote was read.
    private mutating func findDirtyReads() {
        for version in self.versions.versions
        where !self.versions.ambiguousKeys.contains(version.key) {
            let others = version.readers.filter { Int($0) != version.transaction }
            guard let reader = others.first else { continue }
            let what =
                "\(self.text(version.value)) of \(self.history.name(version.key)) was read, though"
            let lines = [
                "written by \(self.history.text(of: version.transaction))",
                "read by \(self.history.text(of: Int(reader)))",
            ]
            if self.outcome(version) == .fail {
                self.add("G1a", "\(what) its write failed", lines[0], lines[1])
            } else if version.isIntermediate {
                self.add("G1b", "\(what) its transaction wrote over it", lines[0], lines[1])
            }
        }
    }

    private mutating func findDirtyUpdates() {
        for edge in self.versions.order where !self.versions.isInitial(edge.from) {
            let failed = self.versions.versions[Int(edge.from)]
            let later = self.versions.versions[Int(edge.to)]
            guard self.outcome(failed) == .fail, self.outcome(later) == .ok else { continue }
            self.add(
                "dirty-update",
                "\(self.text(later.value)) of \(self.history.name(later.key)) was written over"
                    + " \(self.text(failed.value)), whose write failed",
                "failed: \(self.history.text(of: failed.transaction))",
                "committed: \(self.history.text(of: later.transaction))")
        }
    }

    private mutating func findInternal() {
        for (position, transaction) in self.history.transactions.enumerated()
        where transaction.isOk && transaction.steps.count > 1 {
            var known: [(key: Int, value: JSONValue)] = []
            for (offset, step) in transaction.steps.enumerated() {
                let entry = known.firstIndex { $0.key == step.key }
                if step.kind == .read, let entry, known[entry].value != step.value {
                    self.add(
                        "internal",
                        "the transaction read \(self.text(step.value)) of \(self.history.name(step.key)) where its own"
                            + " steps had left \(self.text(known[entry].value))",
                        self.history.text(of: position))
                } else if step.kind == .read, entry == nil,
                    transaction.steps[(offset + 1)...].contains(where: {
                        $0.kind == .write && $0.key == step.key && $0.value == step.value
                    })
                {
                    self.add(
                        "future-read",
                        "the transaction read \(self.text(step.value)) of \(self.history.name(step.key)) before it wrote it",
                        self.history.text(of: position))
                }
                if let entry {
                    known[entry].value = step.value
                } else {
                    known.append((step.key, step.value))
                }
            }
        }
    }

    private mutating func findLostUpdates() {
        var first: [Int32: Int] = [:]
        var told: Set<Int32> = []
        for read in self.versions.reads where !self.versions.ambiguousKeys.contains(read.key) {
            let writes = self.history.transactions[read.transaction].steps.contains {
                $0.kind == .write && $0.key == read.key
            }
            guard writes else { continue }
            guard let other = first[read.version] else {
                first[read.version] = read.transaction
                continue
            }
            guard told.insert(read.version).inserted else { continue }
            self.add(
                "lost-update",
                "two transactions read \(self.versions.text(read.version)) of \(self.history.name(read.key)) and wrote over it",
                self.history.text(of: other), self.history.text(of: read.transaction))
        }
    }
}
