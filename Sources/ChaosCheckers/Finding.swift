import ChaosCore

/// What one checker found in one history.
package struct Finding: Hashable, Sendable {
    /// The checker's name, as in a scenario's `checks`.
    package var checker: String
    /// What it decided.
    package var verdict: Verdict
    /// One sentence for the last lines of a run.
    package var summary: String
    /// The names of what went wrong, such as `lost`; what `expect: { anomaly: … }` compares with.
    package var anomalies: [String]
    /// Lines that show why, the most telling first.
    package var evidence: [String]
    /// Numbers for `results.json`.
    package var statistics: JSONObject

    package init(
        checker: String, verdict: Verdict, summary: String, anomalies: [String] = [],
        evidence: [String] = [], statistics: JSONObject = [:]
    ) {
        self.checker = checker
        self.verdict = verdict
        self.summary = summary
        self.anomalies = anomalies
        self.evidence = evidence
        self.statistics = statistics
    }

    /// The finding as `results.json` has it.
    package var json: JSONValue {
        [
            "checker": .string(self.checker), "verdict": .string(self.verdict.rawValue),
            "summary": .string(self.summary),
            "anomalies": .array(self.anomalies.map { .string($0) }),
            "evidence": .array(self.evidence.map { .string($0) }),
            "statistics": .object(self.statistics),
        ]
    }
}

/// Judges a history.
///
/// A checker says `invalid` only with evidence it can print, and `unknown` when it saw too little.
package protocol Checker: Sendable {
    /// The name by which a scenario asks for it.
    var name: String { get }

    /// Judges; the same history always gets the same finding.
    func check(_ history: History) -> Finding

    /// The checker that knows what was done to the cluster, and which nodes are down on purpose.
    func told(of disturbances: [Disturbance], absent: [String]) -> any Checker
}

extension Checker {
    /// Most checkers judge by the history alone.
    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker { self }
}
