import ChaosCore
import ChaosScenario

/// One row of the verdict matrix: a lesson in one of its forms, and what must come of it.
package struct MatrixRow: Sendable {
    /// The forms.
    package enum Kind: Hashable, Sendable {
        /// The variant that breaks, left in peace: it is right.
        case withoutFaults
        /// The file as it is.
        case trigger
        /// The variant that survives, under the same.
        case repaired(by: String)
        /// The file with so many seeds.
        case seeds(Int)
    }

    /// The lesson.
    package let lesson: Lesson
    /// Its form.
    package let kind: Kind

    init(_ lesson: Lesson, _ kind: Kind) {
        self.lesson = lesson
        self.kind = kind
    }

    /// The lesson's title and the options that make the form: what a person types behind `chaos test`,
    /// but for the folder.
    package var id: String { ([self.lesson.title] + self.options).joined(separator: " ") }

    private var options: [String] {
        switch self.kind {
        case .withoutFaults: ["--without-faults"]
        case .trigger: []
        case .repaired(let variant): ["--variant", variant]
        case .seeds(let count): ["--seeds", "1..\(count)"]
        }
    }

    /// The words behind `chaos test`, one run each.
    package var runs: [[String]] {
        switch self.kind {
        case .seeds(let count):
            (1...count).map { [self.lesson.file, "--seed", String($0)] }
        case .withoutFaults, .trigger, .repaired:
            [[self.lesson.file] + self.options + ["--seed", "1"]]
        }
    }

    /// What must come of it: a verdict, and the anomaly that must be among the findings.
    package var expectation: Scenario.Expectation {
        switch self.kind {
        case .withoutFaults, .repaired: .init(verdict: "valid")
        case .trigger, .seeds: self.lesson.scenario.expectation ?? .init(verdict: "valid")
        }
    }

    /// Whether something must have been struck by faults.
    package var mustBeHit: Bool { self.kind != .withoutFaults && self.lesson.scenario.hasFaults }

    /// Some of the rows, chosen by a text: another commit, other rows.
    package static func sample(_ rows: [MatrixRow], count: Int, by key: String) -> [MatrixRow] {
        let drawn = rows.indices.sorted {
            (Self.draw(rows[$0], key), $0) < (Self.draw(rows[$1], key), $1)
        }
        return drawn.prefix(count).sorted().map { rows[$0] }
    }

    private static func draw(_ row: MatrixRow, _ key: String) -> UInt64 {
        Seed(0).derived("matrix", key).derived(row.id).value
    }
}
