import Foundation

/// The result for programs: every sample, and what the tables show.
struct JSONReport: Codable {
    struct Series: Codable {
        let target: String
        /// By repeat; `null` where the measurement failed.
        let samples: [Double?]
        let spread: Spread?
        /// What the ratio is a ratio to.
        let reference: String
        let ratio: Spread?
    }

    struct Entry: Codable {
        let figure: String
        let title: String
        let unit: String
        let isHigherBetter: Bool
        let targets: [Series]
    }

    let command: String
    let startedAt: String
    let machine: Machine
    let versions: [String]
    let plan: Plan
    let problems: [String]
    let figures: [Entry]

    init(_ outcome: BenchOutcome, command: String) {
        self.command = command
        self.startedAt = ISO8601DateFormatter().string(from: outcome.startedAt)
        self.machine = outcome.machine
        self.versions = outcome.versions
        self.plan = outcome.plan
        self.problems = outcome.problems
        self.figures = Figure.allCases.map { figure in
            Entry(
                figure: figure.rawValue, title: figure.title(outcome.plan), unit: figure.unit,
                isHigherBetter: figure.isHigherBetter,
                targets: Target.allCases.compactMap { target in
                    let samples = outcome.samples.series(figure, target)
                    if samples.isEmpty { return nil }
                    return Series(
                        target: target.rawValue, samples: samples,
                        spread: outcome.samples.spread(figure, target),
                        reference: target.reference.rawValue,
                        ratio: outcome.samples.ratio(figure, target))
                })
        }
    }

    /// Writes the report to a file.
    func write(to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
}
