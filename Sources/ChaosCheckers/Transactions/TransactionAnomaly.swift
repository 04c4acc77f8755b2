import ChaosCore

/// Something in a history of transactions that some consistency model forbids.
struct TransactionAnomaly {
    /// Its name in the literature, such as `G-single`.
    let name: String
    /// Lines that explain it; the first one stands alone.
    let lines: [String]
    /// The transactions and dependencies as a graph in DOT (graphviz.org), for cycles.
    var graph: String?
}

/// Turns cycles into words and graphs.
struct CycleExplainer {
    let history: TransactionHistory
    /// Says why an edge of the data holds; the transactions are named T1, T2, ….
    let reason: (DependencyGraph.Edge, _ from: String, _ to: String) -> String

    func anomaly(_ cycle: DependencyCycle) -> TransactionAnomaly {
        let nodes = cycle.edges.map(\.from)
        var names: [Int32: String] = [:]
        for node in nodes where names[node] == nil { names[node] = "T\(names.count + 1)" }
        func name(_ node: Int32) -> String { names[node] ?? "T?" }
        var lines = [
            (nodes + nodes.prefix(1)).map(name).joined(separator: " → ")
        ]
        var told: Set<Int32> = []
        for node in nodes where told.insert(node).inserted {
            lines.append("\(name(node)) = \(self.history.text(of: Int(node)))")
        }
        for edge in cycle.edges {
            let why = self.why(edge, name(edge.from), name(edge.to))
            lines.append("\(name(edge.from)) before \(name(edge.to)): \(why)")
        }
        lines.append("so each of them would have to come before itself")
        return TransactionAnomaly(
            name: cycle.anomaly, lines: lines, graph: self.graph(cycle, name))
    }

    private func why(_ edge: DependencyGraph.Edge, _ from: String, _ to: String) -> String {
        let before = self.history.transactions[Int(edge.from)].invocation
        let after = self.history.transactions[Int(edge.to)].invocation
        switch edge.kind {
        case .ww, .wr, .rw: return "\(self.reason(edge, from, to)) (\(edge.kind))"
        case .process:
            return "process \(before.begin.process) ran \(from) before \(to) (process)"
        case .realtime:
            return "\(from) had returned at index \(before.end?.index ?? 0) when \(to) was"
                + " called at index \(after.begin.index) (realtime)"
        }
    }

    private func graph(_ cycle: DependencyCycle, _ name: (Int32) -> String) -> String {
        func quoted(_ text: String) -> String {
            "\""
                + text.split(separator: "\\", omittingEmptySubsequences: false)
                .joined(separator: "\\\\").split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\\\"") + "\""
        }
        var lines = ["digraph \(quoted(cycle.anomaly)) {", "  node [shape=box];"]
        var told: Set<Int32> = []
        for node in cycle.edges.map(\.from) where told.insert(node).inserted {
            let steps = self.history.transactions[Int(node)].steps.map { self.history.text($0) }
            lines.append(
                "  \(name(node)) [label=\(quoted(name(node) + ": " + steps.joined(separator: ", ")))];"
            )
        }
        for edge in cycle.edges {
            let key = edge.key >= 0 ? " \(self.history.name(Int(edge.key)))" : ""
            lines.append(
                "  \(name(edge.from)) -> \(name(edge.to)) [label=\(quoted("\(edge.kind)\(key)"))];")
        }
        return (lines + ["}"]).joined(separator: "\n")
    }
}

/// Turns anomalies into a finding, judged by consistency models.
struct TransactionReport {
    let checker: String
    let models: [ConsistencyModel]
    let history: TransactionHistory
    var anomalies: [TransactionAnomaly] = []
    /// What keeps the history from proving more.
    var gaps: [String] = []
    var edgeCount = 0
    var steps = 0
    var budget = 0

    /// How many cases of one anomaly are explained, and how many anomalies get a graph.
    private static let shown = 3
    private static let graphs = 8

    var finding: Finding {
        let forbidden = self.models.reduce(into: Set<String>()) { $0.formUnion($1.forbidden) }
        var counts: [(name: String, count: Int)] = []
        for anomaly in self.anomalies {
            if let index = counts.firstIndex(where: { $0.name == anomaly.name }) {
                counts[index].count += 1
            } else {
                counts.append((anomaly.name, 1))
            }
        }
        let bad = counts.filter { forbidden.contains($0.name) }
        let allowed = counts.filter { !forbidden.contains($0.name) }
        let okCount = self.history.transactions.count { $0.isOk }
        var gaps = self.gaps
        if okCount == 0 { gaps.insert("no transaction is known to have taken effect", at: 0) }
        let verdict: Verdict = !bad.isEmpty ? .invalid : gaps.isEmpty ? .valid : .unknown
        let names = self.models.map(\.name).joined(separator: ", ")
        let ruledOut = ConsistencyModel.ruledOut(by: counts.map(\.name))
        let summary: String =
            switch verdict {
            case .invalid:
                "not \(names): " + bad.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
                    + (ruledOut.weakest.isEmpty
                        ? "" : "; not even \(ruledOut.weakest.joined(separator: ", "))")
            case .unknown: gaps.joined(separator: "; ")
            case .valid:
                "\(counted(okCount, "transaction")) \(okCount == 1 ? "is" : "are") \(names)"
                    + (allowed.isEmpty
                        ? ""
                        : ", with "
                            + allowed.map { "\($0.count) \($0.name)" }
                            .joined(separator: ", "))
            }
        return Finding(
            checker: self.checker, verdict: verdict, summary: summary,
            anomalies: bad.map(\.name), evidence: self.evidence(bad, forbidden),
            statistics: self.statistics(counts, allowed.map(\.name), ruledOut))
    }

    private func evidence(
        _ bad: [(name: String, count: Int)], _ forbidden: Set<String>
    ) -> [String] {
        bad.flatMap { entry in
            let cases = self.anomalies.filter { $0.name == entry.name }
            var lines = cases.prefix(Self.shown).flatMap { anomaly in
                anomaly.lines.enumerated().map { index, line in
                    index == 0 ? "\(anomaly.name) \(line)" : "  \(line)"
                }
            }
            if cases.count > Self.shown {
                lines.append("\(entry.name): \(cases.count - Self.shown) more")
            }
            return lines
        }
    }

    private func statistics(
        _ counts: [(name: String, count: Int)], _ allowed: [String],
        _ ruledOut: (weakest: [String], others: [String])
    ) -> JSONObject {
        func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
        let transactions = self.history.transactions
        return [
            "consistency_models": list(self.models.map(\.name)),
            "transaction_count": .int(Int64(transactions.count)),
            "ok_count": .int(Int64(transactions.count { $0.isOk })),
            "fail_count": .int(Int64(transactions.count { $0.outcome == .fail })),
            "info_count": .int(Int64(transactions.count { $0.outcome == .info })),
            "key_count": .int(Int64(self.history.keys.count)),
            "dependency_count": .int(Int64(self.edgeCount)),
            "anomaly_counts": .object(
                JSONObject(counts.map { ($0.name, .int(Int64($0.count))) })),
            "allowed_anomalies": list(allowed), "not": list(ruledOut.weakest),
            "also_not": list(ruledOut.others), "step_count": .int(Int64(self.steps)),
            "budget": .int(Int64(self.budget)),
            "graphs": .array(
                self.anomalies.filter { $0.graph != nil }.prefix(Self.graphs).map { anomaly in
                    [
                        "anomaly": .string(anomaly.name),
                        "dot": .string(anomaly.graph ?? ""),
                    ]
                }),
        ]
    }
}
