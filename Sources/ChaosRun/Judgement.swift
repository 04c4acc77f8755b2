import ChaosCheckers
import ChaosCore
import ChaosEngine
import ChaosScenario

/// What a run knows when everything has ended.
package struct RunFacts: Sendable {
    /// What the checkers found.
    package var findings: [Finding] = []
    /// What was done to the run.
    package var injections: [InjectionRecord] = []
    /// The ids of the schedule's entries that never happened, and why.
    package var neverHappened: [(id: String, reason: String)] = []
    /// The nodes that died although nobody asked them to, and that are still down.
    package var deaths: [NodeName] = []
    /// Whether no node ever sent anything to another one.
    package var areNodesSilent = false
    /// Whether no node ever sent anything to a service either.
    package var areServicesUnused = false
    /// Whether nobody knows what faults struck that were met: the kernel's netem does not tell.
    package var areHitsUnknown = false
    /// The verdict that was expected, if the scenario says one.
    package var expectation: Scenario.Expectation?
    /// The exit code of a wrapped command, if there was one.
    package var wrappedExit: Int32?
    /// Whether the user interrupted the run.
    package var isInterrupted = false
    /// Whether what came over the control socket was a script's doing, and counts like a schedule.
    package var isScripted = false
    /// Sentences that make the verdict unknown, such as connections past the proxy.
    package var doubts: [String] = []
    /// Why chaos itself could not go on, and its exit code for that.
    package var failure: RunError?

    /// Makes the facts of a run in which nothing happened.
    package init() {}

    /// Whether a cut is one between those that never have anything to say to each other.
    fileprivate func isUnusable(_ record: InjectionRecord) -> Bool {
        if record.mode == nil || !self.areNodesSilent { return false }
        return self.areServicesUnused
            || record.pairs.allSatisfy { !$0.source.isService && !$0.target.isService }
    }

    /// Whether a part of the scenario's own network is between those that never have anything to say to
    /// each other: `--latency` is for every workload, also where nodes ask no services.
    fileprivate func isIdle(_ record: InjectionRecord) -> Bool {
        record.origin == .background
            && record.patterns.allSatisfy { pattern in
                if pattern.names(.client) { return false }
                return NodeName.services.contains(where: pattern.names) || self.areNodesSilent
            }
    }
}

extension LinkPattern {
    fileprivate func names(_ node: NodeName) -> Bool {
        self.sources.matches(node) || self.targets.matches(node)
    }
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
        let (doubts, warnings) = Self.doubts(facts)
        var reasons = facts.failure.map { [$0.description] } ?? []
        reasons += facts.findings.filter { $0.verdict == .invalid }.map(Self.sentence)
        reasons += doubts
        reasons += facts.findings.filter { $0.verdict == .unknown }.map(Self.sentence)
        var verdict = facts.findings.isEmpty ? nil : Verdict.combined(facts.findings.map(\.verdict))
        if !doubts.isEmpty || facts.failure != nil {
            verdict = (verdict ?? .unknown).combined(with: .unknown)
        }
        let expected = Self.expectationMet(facts, verdict: verdict, hasDoubts: !doubts.isEmpty)
        if case .no(let reason, _)? = expected { reasons.insert(reason, at: 0) }
        self.verdict = verdict
        self.reasons = reasons
        self.warnings = warnings
        self.exitCode = Self.exitCode(facts, verdict: verdict, expected: expected)
    }

    private static func sentence(_ finding: Finding) -> String {
        "\(finding.checker): \(finding.summary)"
    }

    /// What makes the verdict unknown, and what is only worth knowing. Vacuity counts the scenario's
    /// own faults; an operator sees at once what a command touches.
    private static func doubts(_ facts: RunFacts) -> (doubts: [String], warnings: [String]) {
        var doubts = facts.doubts
        var warnings: [String] = []
        for record in facts.injections where facts.isScripted || record.origin != .control {
            if record.touched == 0, facts.isIdle(record) { continue }
            if record.touched == 0, facts.isUnusable(record) {
                // What no node ever uses cannot be missed: the run itself is the proof.
                warnings.append(
                    "\(record.id) had nothing to cut, because the nodes never talk to one another:"
                        + " \(record.text)")
            } else if record.touched == 0 {
                doubts.append("\(record.id) touched nothing: \(record.text)")
            } else if record.hits == 0 && !facts.areHitsUnknown {
                let times = record.touched == 1 ? "once" : "\(record.touched) times"
                warnings.append("\(record.id) was met \(times) and never struck: \(record.text)")
            }
        }
        for record in facts.injections where record.crossedBytes > 0 {
            let what = record.crossedBytes == 1 ? "1 byte" : "\(record.crossedBytes) bytes"
            doubts.append("\(what) crossed the cut \(record.id): \(record.text)")
        }
        // Whoever ends a run by hand knows that it was short.
        if !facts.isInterrupted {
            doubts += facts.neverHappened.map { "\($0.id) never happened: \($0.reason)" }
        }
        return (doubts, warnings)
    }

    private enum Met {
        case yes
        case no(String, Int32)
    }

    /// Whether the scenario's expectation holds. A fault that touched nothing proves nothing, so
    /// even an expected verdict counts only without doubts, unless `unknown` itself is expected.
    private static func expectationMet(
        _ facts: RunFacts, verdict: Verdict?, hasDoubts: Bool
    ) -> Met? {
        guard let expectation = facts.expectation else { return nil }
        let found = verdict?.rawValue ?? "none"
        if found != expectation.verdict {
            return .no(
                "the scenario expects the verdict '\(expectation.verdict)', found '\(found)'",
                verdict == .unknown ? ChaosExit.unknown : ChaosExit.invalid)
        }
        if hasDoubts && expectation.verdict != Verdict.unknown.rawValue {
            return .no(
                "the verdict is the expected one, but not everything was put to the test",
                ChaosExit.unknown)
        }
        let anomalies = facts.findings.flatMap(\.anomalies)
        if let wanted = expectation.anomaly, !anomalies.contains(wanted) {
            let list = anomalies.isEmpty ? "none" : anomalies.joined(separator: ", ")
            return .no(
                "the scenario expects the anomaly '\(wanted)', found '\(list)'", ChaosExit.invalid)
        }
        return .yes
    }

    /// Interrupted; then chaos's own failure; then a wrapped command's code; then the gravest of
    /// invalid, a dead node and unknown.
    private static func exitCode(_ facts: RunFacts, verdict: Verdict?, expected: Met?) -> Int32 {
        if facts.isInterrupted { return ChaosExit.interrupted }
        if let failure = facts.failure { return failure.exitCode }
        if let code = facts.wrappedExit, code != 0 { return code }
        let own: Int32 =
            switch (expected, verdict) {
            case (.yes?, _): ChaosExit.valid
            case (.no(_, let code)?, _): code
            case (nil, .invalid?): ChaosExit.invalid
            case (nil, .unknown?): ChaosExit.unknown
            case (nil, .valid?), (nil, nil): ChaosExit.valid
            }
        if own != ChaosExit.invalid && !facts.deaths.isEmpty { return ChaosExit.nodeDied }
        return own
    }
}
