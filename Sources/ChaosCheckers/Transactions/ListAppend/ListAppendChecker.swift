import ChaosCore

/// Judges transactions that read lists and append to them.
///
/// Every value is appended to a key once, so a read shows who came before (Elle: Kingsbury and Alvaro, VLDB 2020). Sound: what it
/// reports happened. Not complete: orders that nobody observed are not known. Linear in the size of the
/// history except for the search of a short cycle in a history that has some, which has a budget.
package struct ListAppendChecker: Checker {
    /// How many edges the search of cycles may follow when nobody says otherwise.
    package static let defaultBudget = 50_000_000

    /// What must hold.
    package let models: [ConsistencyModel]
    package let budget: Int

    package init(
        models: [ConsistencyModel] = [.strictSerializable], budget: Int = Self.defaultBudget
    ) {
        self.models = models
        self.budget = budget
    }

    package var name: String { "list-append" }

    package func check(_ history: History) -> Finding {
        let transactions: TransactionHistory
        do {
            transactions = try TransactionHistory(history, write: .append)
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        let versions = ListVersions(transactions)
        var report = TransactionReport(
            checker: self.name, models: self.models, history: transactions)
        report.anomalies =
            transactions.wrongReplyAnomalies + versions.anomalies
            + ListAppendAnomalies(transactions, versions).anomalies
        for key in versions.ambiguousKeys.sorted().prefix(1) {
            report.gaps.append(
                "a value was appended to \(transactions.name(key)) twice, so its versions cannot be"
                    + " told apart")
        }
        let graph = self.graph(transactions, versions)
        let explainer = CycleExplainer(history: transactions) { edge, from, to in
            Self.reason(edge, from, to, transactions, versions)
        }
        report.search(graph, explainer, budget: self.budget)
        return report.finding
    }

    /// All dependencies of the data and of the orders.
    private func graph(
        _ history: TransactionHistory, _ versions: ListVersions
    ) -> DependencyGraph {
        // Of what nobody knows to have happened, only that counts whose effect was seen.
        var counts = history.transactions.map(\.isOk)
        for element in versions.elements
        where element.position >= 0 && history.transactions[element.transaction].outcome == .info {
            counts[element.transaction] = true
        }
        var graph = DependencyGraph(transactionCount: history.transactions.count)
        for (key, order) in versions.orders.enumerated() {
            var previous: Int32 = -1
            for number in order {
                guard number >= 0 else {
                    previous = -1
                    continue
                }
                let writer = versions.elements[Int(number)].transaction
                if !counts[writer] { continue }
                if previous >= 0 {
                    graph.add(
                        DependencyGraph.Edge(
                            from: Int32(versions.elements[Int(previous)].transaction),
                            to: Int32(writer), kind: .ww, key: Int32(key), first: previous,
                            second: number))
                }
                previous = number
            }
        }
        self.addReads(history, versions, counts, to: &graph)
        graph.addOrders(history.transactions, counts)
        return graph
    }

    private func addReads(
        _ history: TransactionHistory, _ versions: ListVersions, _ counts: [Bool],
        to graph: inout DependencyGraph
    ) {
        // For each key who read all that was ever seen, and what no read showed though it happened.
        var readAll: [[Int32]] = Array(repeating: [], count: versions.orders.count)
        for read in versions.reads
        where read.isExternal && read.isCompatible && !versions.ambiguousKeys.contains(read.key) {
            let order = versions.orders[read.key]
            let length = read.values.count
            guard length <= order.count else { continue }
            let last = length > 0 ? order[length - 1] : -1
            if last >= 0, counts[versions.elements[Int(last)].transaction] {
                graph.add(
                    DependencyGraph.Edge(
                        from: Int32(versions.elements[Int(last)].transaction),
                        to: Int32(read.transaction), kind: .wr, key: Int32(read.key), first: last))
            }
            if length > 0 && last < 0 { continue }
            if length == order.count {
                readAll[read.key].append(Int32(read.transaction))
                continue
            }
            let next = order[length]
            if next >= 0, counts[versions.elements[Int(next)].transaction] {
                graph.add(
                    DependencyGraph.Edge(
                        from: Int32(read.transaction),
                        to: Int32(versions.elements[Int(next)].transaction), kind: .rw,
                        key: Int32(read.key), first: last, second: next))
            }
        }
        for (key, readers) in readAll.enumerated() where !readers.isEmpty {
            // Of several appends of one transaction the first is the next version.
            var targets: [(node: Int32, second: Int32)] = []
            for number in versions.unobserved[key] {
                let element = versions.elements[Int(number)]
                guard history.transactions[element.transaction].isOk,
                    targets.last?.node != Int32(element.transaction)
                else { continue }
                targets.append((Int32(element.transaction), number))
            }
            let last = versions.orders[key].last ?? -1
            graph.add(from: readers, to: targets, kind: .rw, key: Int32(key), first: last)
            if last >= 0 {
                let writer = versions.elements[Int(last)].transaction
                if counts[writer] {
                    for target in targets {
                        graph.add(
                            DependencyGraph.Edge(
                                from: Int32(writer), to: target.node, kind: .ww, key: Int32(key),
                                first: last, second: target.second))
                    }
                }
            }
        }
    }

    private static func reason(
        _ edge: DependencyGraph.Edge, _ from: String, _ to: String, _ history: TransactionHistory,
        _ versions: ListVersions
    ) -> String {
        let key = history.name(Int(edge.key))
        func value(_ number: Int32) -> String {
            TransactionHistory.text(versions.elements[Int(number)].value)
        }
        let last = edge.first >= 0 ? "up to \(value(edge.first))" : "empty"
        switch edge.kind {
        case .wr: return "\(to) read \(key) with \(value(edge.first)), which \(from) had appended"
        case .rw:
            return
                "\(from) read \(key) \(last), without \(value(edge.second)), which \(to) appended"
        default:
            return "\(to) appended \(value(edge.second)) to \(key) after \(from) had appended"
                + " \(value(edge.first))"
        }
    }
}
