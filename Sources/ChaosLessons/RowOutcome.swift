import ChaosCheckers
import ChaosCore
import ChaosReport
import ChaosScenario

/// What became of a row: as it must be, or why not.
package struct RowOutcome: Sendable {
    /// The longest that a run of the matrix may take, before times are scaled.
    package static let limit = Duration.seconds(15)

    /// The row.
    package let row: MatrixRow
    /// The results of its runs.
    package let results: [RunResult]
    /// What is not as it must be, in sentences.
    package let problems: [String]

    /// Judges a row.
    ///
    /// - Parameters:
    ///   - results: What its runs came to; a run that ended without one is a sentence.
    ///   - limit: The longest that one may take.
    package init(
        _ row: MatrixRow, _ results: [Result<RunResult, RowFailure>],
        limit: Duration = RowOutcome.limit
    ) {
        self.row = row
        self.results = results.compactMap { try? $0.get() }
        self.problems = results.flatMap { result in
            switch result {
            case .failure(let failure): [failure.sentence]
            case .success(let result): Self.problems(of: result, row, limit)
            }
        }
    }

    /// Whether everything is as it must be.
    package var isAsExpected: Bool { self.problems.isEmpty }

    private static func problems(
        of result: RunResult, _ row: MatrixRow, _ limit: Duration
    ) -> [String] {
        let expected = row.expectation
        let run = "seed \(result.seed.value)"
        let verdict = result.verdict?.rawValue ?? "no verdict"
        var problems: [String] = []
        if verdict != expected.verdict {
            let why = (result.reasons.first ?? result.findings.first?.summary).map { ": \($0)" }
            problems.append("\(run): \(verdict), expected \(expected.verdict)\(why ?? "")")
        } else if let anomaly = expected.anomaly,
            !result.findings.contains(where: { $0.anomalies.contains(anomaly) })
        {
            problems.append("\(run): no '\(anomaly)' among the findings")
        } else if result.exitCode != 0 {
            problems.append("\(run): \(verdict), and the exit code is \(result.exitCode)")
        }
        if row.mustBeHit, result.faults.allSatisfy({ $0.hits == 0 }) {
            problems.append("\(run): no fault struck anything")
        }
        if result.elapsed > limit {
            problems.append(
                "\(run): took \(result.elapsed.roundedText), \(limit.roundedText) are allowed")
        }
        return problems
    }

    /// The names of what went wrong, without doubles, in the order of the findings.
    package var anomalies: [String] {
        var names: [String] = []
        for name in self.results.flatMap(\.findings).flatMap(\.anomalies)
        where !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// How much the faults struck, over all runs.
    package var hits: Int { self.results.flatMap(\.faults).reduce(0) { $0 + $1.hits } }

    /// How long the longest run took.
    package var longest: Duration { self.results.map(\.elapsed).max() ?? .zero }

    /// The verdict as a row shows it: `invalid: lost`, `valid, 20 seeds`.
    package var text: String {
        if !self.isAsExpected { return "NOT AS EXPECTED" }
        let verdict = self.row.expectation.verdict
        if verdict == "invalid" {
            return "invalid: " + (self.row.expectation.anomaly ?? self.anomalies.first ?? "?")
        }
        return self.results.count > 1 ? "\(verdict), \(self.results.count) seeds" : verdict
    }
}

/// A run that came to no result.
package struct RowFailure: Error, Hashable, Sendable {
    /// One sentence without a full stop.
    package let sentence: String

    package init(_ sentence: String) { self.sentence = sentence }
}
