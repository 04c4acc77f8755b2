import ChaosCore
import OrderedCollections

/// Asks that something of everything worked: Maelstrom's `stats`.
///
/// An operation of which not one ended as `ok` was not tested, whatever the other checkers say, and a
/// system that never does what it is asked for is not right. Where the only reason was that the
/// object was in another state (a short run whose compare-and-sets all came too late), nobody knows.
/// Linear.
package struct StatisticsChecker: Checker {
    /// What clients do to themselves and never succeeds.
    private static let excused: Set<String> = ["crash"]

    package init() {}

    package var name: String { "stats" }

    package func check(_ history: History) -> Finding {
        let statistics = OperationStatistics(history)
        let silent = statistics.byFunction.filter {
            $0.value.ok == 0 && !Self.excused.contains($0.key)
        }
        let failed = silent.filter { $0.value.refused < $0.value.count }
        let all = statistics.all
        let text = "\(all.ok) of \(counted(all.count, "operation")) ok"
        let lines = silent.map { name, tally in
            "no '\(name)' ended as ok (\(tally.fail) fail, \(tally.info) info)"
        }
        let verdict: Verdict =
            all.count == 0
            ? .unknown : !failed.isEmpty ? .invalid : silent.isEmpty ? .valid : .unknown
        let errors = statistics.errors.sorted { $0.value > $1.value }.prefix(4).map {
            "\($0.value) times: \($0.key)"
        }
        return Finding(
            checker: self.name, verdict: verdict,
            summary: all.count == 0
                ? "there were no operations" : ([text] + lines).joined(separator: ", "),
            anomalies: failed.isEmpty ? [] : ["never-ok"],
            evidence: verdict == .valid ? [] : errors, statistics: statistics.json)
    }
}
