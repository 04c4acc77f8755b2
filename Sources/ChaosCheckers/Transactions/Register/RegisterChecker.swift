import ChaosCore

/// Judges transactions that read and write registers, every value written once.
///
/// What ``RegisterVersions`` knows of the order of versions gives the dependencies (Elle's rw-register). It sees less than
/// ``ListAppendChecker`` does. Linear in the size of the history except for the search of a short cycle, which has a
/// budget.
package struct RegisterTransactionChecker: Checker {
    /// What must hold.
    package let models: [ConsistencyModel]
    /// Whether each process sees a key's versions in order.
    package let hasSequentialKeys: Bool
    /// Whether each key is linearizable by itself.
    package let hasLinearizableKeys: Bool
    package let budget: Int

    package init(
        models: [ConsistencyModel] = [.strictSerializable], hasSequentialKeys: Bool = false,
        hasLinearizableKeys: Bool = false, budget: Int = ListAppendChecker.defaultBudget
    ) {
        self.models = models
        self.hasSequentialKeys = hasSequentialKeys
        self.hasLinearizableKeys = hasLinearizableKeys
        self.budget = budget
    }

    package var name: String { "rw-register" }

    package func check(_ history: History) -> Finding {
        let transactions: TransactionHistory
        do {
            transactions = try TransactionHistory(history, write: .write)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        var promises: RegisterVersions.Promises = []
        if self.hasSequentialKeys { promises.insert(.sequentialKeys) }
        if self.hasLinearizableKeys { promises.insert(.linearizableKeys) }
        let versions = RegisterVersions(transactions, promises: promises)
        var report = TransactionReport(
            checker: self.name, models: self.models, history: transactions)
        report.anomalies =
            transactions.wrongReplyAnomalies + versions.anomalies
            + RegisterAnomalies(transactions, versions).anomalies
        for key in versions.ambiguousKeys.sorted().prefix(1) {
            report.gaps.append(
                "a value was written to \(transactions.name(key)) twice, so its versions cannot be"
                    + " told apart")
        }
        let explainer = CycleExplainer(history: transactions) { edge, from, to in
            Self.reason(edge, from, to, transactions, versions)
        }
        report.search(
            self.graph(transactions, versions), explainer, budget: self.budget)
        return report.finding
    }

    private func graph(
        _ history: TransactionHistory, _ versions: RegisterVersions
    ) -> DependencyGraph {
        var counts = history.transactions.map(\.isOk)
        for version in versions.versions
        where !version.readers.isEmpty && !versions.ambiguousKeys.contains(version.key)
            && history.transactions[version.transaction].outcome == .info
        {
            counts[version.transaction] = true
        }
        var graph = DependencyGraph(transactionCount: history.transactions.count)
        for (number, version) in versions.versions.enumerated()
        where counts[version.transaction] && !versions.ambiguousKeys.contains(version.key) {
            for reader in version.readers {
                graph.add(
                    DependencyGraph.Edge(
                        from: Int32(version.transaction), to: reader, kind: .wr,
                        key: Int32(version.key), first: Int32(number)))
            }
        }
        // The next versions of each version, so that readers and writers meet in few edges.
        var next: [Int32: [Int32]] = [:]
        var order: [Int32] = []
        for edge in versions.order {
            if next[edge.from] == nil { order.append(edge.from) }
            next[edge.from, default: []].append(edge.to)
        }
        for version in order {
            let writers = (next[version] ?? []).filter {
                counts[versions.versions[Int($0)].transaction]
            }
            guard let first = writers.first else { continue }
            let key = Int32(versions.versions[Int(first)].key)
            let targets = writers.map { (Int32(versions.versions[Int($0)].transaction), $0) }
            graph.add(
                from: versions.readers(of: version), to: targets, kind: .rw, key: key,
                first: version)
            if versions.isInitial(version) { continue }
            let writer = versions.versions[Int(version)].transaction
            guard counts[writer] else { continue }
            graph.add(
                from: [Int32(writer)], to: targets, kind: .ww, key: key, first: version)
        }
        graph.addOrders(history.transactions, counts)
        return graph
    }

    private static func reason(
        _ edge: DependencyGraph.Edge, _ from: String, _ to: String, _ history: TransactionHistory,
        _ versions: RegisterVersions
    ) -> String {
        let key = history.name(Int(edge.key))
        let first = versions.text(edge.first)
        switch edge.kind {
        case .wr: return "\(to) read \(first) of \(key), which \(from) had written"
        case .rw:
            return
                "\(from) read \(first) of \(key), which comes before \(versions.text(edge.second)),"
                + " which \(to) wrote"
        default:
            return
                "\(to) wrote \(versions.text(edge.second)) to \(key), which comes after \(first),"
                + " which \(from) wrote"
        }
    }
}
