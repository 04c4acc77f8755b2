import ChaosCheckers
import ChaosCore
import ChaosEngine
import ChaosScenario

/// What a run knows when everything has ended.
package struct RunFacts: Sendable {
    /// What the checkers found.
    package var findings: [Finding]
    /// What was done to the run.
    package var injections: [InjectionRecord]
    /// The nodes that died although nobody asked them to, and that nobody brought back.
    package var deaths: [NodeName]
    /// The verdict that was expected, if the scenario says one.
    package var expectation: Scenario.Expectation?
    /// The exit code of a wrapped command, if there was one.
    package var wrappedExit: Int32?
    /// Whether the user interrupted the run.
    package var isInterrupted: Bool
    /// Sentences that make the verdict unknown, such as connections past the proxy.
    package var doubts: [String]
}

/// What a run comes to: pure, so that every rule of section 11 can be tested.
package struct Judgement: Hashable, Sendable {
    /// The verdict of all checks together, or `nil` when nothing was checked.
    package var verdict: Verdict?
    /// Why, in sentences, the most important first.
    package var reasons: [String]
    /// What people should know although it changes nothing.
    package var warnings: [String]
    /// The process's exit code.
    package var exitCode: Int32

    /// Judges.
    package init(_ facts: RunFacts) {
        var doubts = facts.doubts
        var warnings: [String] = []
        for record in facts.injections where record.origin == .schedule && record.end != nil {
            if record.touched == 0 {
                doubts.append("\(record.id) touched nothing: \(record.text)")
            } else if record.hits == 0 {
                warnings.append(
                    "\(record.id) was met \(record.touched) times and never struck: \(record.text)")
            }
        }
        for record in facts.injections where record.crossedBytes > 0 {
            doubts.append("\(record.crossedBytes) bytes crossed the cut \(record.id): \(record.text)")
        }
        var reasons = facts.findings.filter { $0.verdict == .invalid }.map {
            "\($0.checker): \($0.summary)"
        }
        reasons += doubts
        reasons += facts.findings.filter { $0.verdict == .unknown }.map {
            "\($0.checker): \($0.summary)"
        }
        var verdict = facts.findings.isEmpty ? nil : Verdict.combined(facts.findings.map(\.verdict))
        if !doubts.isEmpty { verdict = (verdict ?? .unknown).combined(with: .unknown) }
        let expected = Self.expectationMet(facts, verdict: verdict, hasDoubts: !doubts.isEmpty)
        if case .no(let reason)? = expected { reasons.insert(reason, at: 0) }
        self.verdict = verdict
        self.reasons = reasons
        self.warnings = warnings
        self.exitCode = Self.exitCode(facts, verdict: verdict, expected: expected)
    }

    private enum Met { case yes, no(String) }

    /// Whether the scenario's expectation holds. A fault that touched nothing proves nothing, so
    /// even an expected verdict counts only without doubts, unless `unknown` itself is expected.
    private static func expectationMet(
        _ facts: RunFacts, verdict: Verdict?, hasDoubts: Bool
    ) -> Met? {
        guard let expectation = facts.expectation else { return nil }
        let found = verdict?.rawValue ?? "none"
        if found != expectation.verdict {
            return .no("the scenario expects the verdict \(expectation.verdict), found '\(found)'")
        }
        if hasDoubts && expectation.verdict != Verdict.unknown.rawValue {
            return .no("the verdict is the expected one, but a fault proved nothing")
        }
        let anomalies = facts.findings.flatMap(\.anomalies)
        if let wanted = expectation.anomaly, !anomalies.contains(wanted) {
            let list = anomalies.isEmpty ? "none" : anomalies.joined(separator: ", ")
            return .no("the scenario expects the anomaly '\(wanted)', found '\(list)'")
        }
        return .yes
    }

    private static func exitCode(_ facts: RunFacts, verdict: Verdict?, expected: Met?) -> Int32 {
        if facts.isInterrupted { return ChaosExit.interrupted }
        if let code = facts.wrappedExit, code != 0 { return code }
        switch expected {
        case .yes: return facts.deaths.isEmpty ? ChaosExit.valid : ChaosExit.nodeDied
        case .no: return verdict == .unknown ? ChaosExit.unknown : ChaosExit.invalid
        case nil: break
        }
        if verdict == .invalid { return ChaosExit.invalid }
        if !facts.deaths.isEmpty { return ChaosExit.nodeDied }
        return verdict == .unknown ? ChaosExit.unknown : ChaosExit.valid
    }
}
