import ChaosCheckers

/// In which way a run failed: the same for two runs that show the same defect, as far as their results tell.
package struct FailureSignature: Hashable, Sendable, CustomStringConvertible {
    /// `set-full: lost`, `linearizable`, `n2 died`; sorted, never empty.
    package let parts: [String]

    /// The way in which a run failed; nil of one that did not, or of which nobody knows.
    package init?(_ result: RunResult) {
        var parts: Set<String> = []
        for finding in result.findings where finding.verdict == .invalid {
            if finding.anomalies.isEmpty { parts.insert(finding.checker) }
            for anomaly in finding.anomalies { parts.insert("\(finding.checker): \(anomaly)") }
        }
        if result.exitCode == 75 {
            for death in result.deaths { parts.insert("\(death.node) died") }
        }
        if parts.isEmpty { return nil }
        self.parts = parts.sorted()
    }

    /// Whether two failures have something in common.
    package func isLike(_ other: FailureSignature) -> Bool {
        self.parts.contains(where: other.parts.contains)
    }

    /// The parts on one line.
    package var description: String { self.parts.joined(separator: ", ") }
}
