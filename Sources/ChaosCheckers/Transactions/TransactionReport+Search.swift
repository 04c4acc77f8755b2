extension TransactionHistory {
    /// The answers that are not answers.
    var wrongReplyAnomalies: [TransactionAnomaly] {
        self.wrongReplies.map { reply in
            TransactionAnomaly(
                name: "wrong-reply",
                lines: ["\(reply.reason)", self.text(of: reply.transaction)])
        }
    }
}

extension DependencyGraph {
    /// Adds the orders of time and of processes over the transactions that count.
    mutating func addOrders(_ transactions: [Transaction], _ counts: [Bool]) {
        // Those that do not count stand apart: nothing leads to them from the data.
        let spans = transactions.map { transaction in
            (
                process: transaction.invocation.begin.process,
                begin: transaction.invocation.begin.index,
                end: transaction.isOk ? transaction.invocation.end?.index : nil
            )
        }
        self.addOrders(spans)
    }
}

extension TransactionReport {
    /// Looks for cycles as far as the models care, and notes what was found.
    mutating func search(_ graph: DependencyGraph, _ explainer: CycleExplainer, budget: Int) {
        let forbidden = self.models.reduce(into: Set<String>()) { $0.formUnion($1.forbidden) }
        let stages = CycleSearch.Stage.allCases.filter { stage in
            stage == .data || forbidden.contains { $0.hasSuffix(stage.suffix) }
        }
        let search = CycleSearch(graph, stages: stages, budget: budget)
        self.anomalies += search.cycles.map { explainer.anomaly($0) }
        self.edgeCount = graph.edges.count
        self.steps = search.steps
        self.budget = budget
        if search.isExhausted {
            self.gaps.append("the budget of \(budget) steps was used up while naming cycles")
        }
    }
}
