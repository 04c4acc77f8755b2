import ChaosCore
import ChaosReport
import ChaosScenario

/// The verdict matrix as a page: a table for each system, a line for each lesson.
package enum MatrixTable {
    /// The page, in Markdown. Files are linked from `docs/`.
    ///
    /// - Parameters:
    ///   - outcomes: All rows of some systems.
    ///   - systems: All systems that there are.
    ///   - earlier: A page on which the other systems' tables are found.
    package static func page(
        _ outcomes: [RowOutcome], of systems: [String], after earlier: String = ""
    ) -> String {
        let known = self.sections(of: earlier)
        let sections = systems.sorted().compactMap { system in
            let rows = outcomes.filter { $0.row.lesson.system == system }
            return rows.isEmpty ? known[system] : self.section(system, rows)
        }
        return ([Self.introduction] + sections).joined(separator: "\n\n") + "\n"
    }

    private static func section(_ system: String, _ outcomes: [RowOutcome]) -> String {
        let missed = outcomes.count { !$0.isAsExpected }
        let runs = outcomes.reduce(0) { $0 + $1.results.count }
        return
            (["\(Self.mark)\(system)", "", Self.heading, Self.rule] + self.lines(outcomes) + [
                "",
                "\(outcomes.count) rows, \(runs) runs: \(outcomes.count - missed) as expected, "
                    + "\(missed) not.",
            ]).joined(separator: "\n")
    }

    /// The tables of a page, by system.
    private static func sections(of page: String) -> [String: String] {
        var sections: [String: [Substring]] = [:]
        var system: String?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(Self.mark) { system = String(line.dropFirst(Self.mark.count)) }
            if let system { sections[system, default: []].append(line) }
        }
        return sections.mapValues { lines in
            let end = lines.lastIndex { !$0.isEmpty } ?? -1
            return lines[...end].joined(separator: "\n")
        }
    }

    private static let mark = "## "

    private static let introduction = [
        "# The verdict matrix", "",
        "Written by `chaos matrix --table`; do not edit. Each line is a file under `examples/`: a wrong variant of a",
        "system that is valid in peace, invalid under what the file does to it, and the variant that survives",
        "the same; or a right one over many seeds. *Hits* counts what the faults struck in the last column's",
        "runs; *longest* is the longest run of the line.",
    ].joined(separator: "\n")
    private static let heading =
        "| lesson | faults | without faults | variant under them | survives them | hits | longest |"
    private static let rule = "|---|---|---|---|---|--:|--:|"

    private static func lines(_ outcomes: [RowOutcome]) -> [String] {
        var titles: [String] = []
        for outcome in outcomes where !titles.contains(outcome.row.lesson.title) {
            titles.append(outcome.row.lesson.title)
        }
        return titles.map { title in
            Self.line(outcomes.filter { $0.row.lesson.title == title })
        }
    }

    private static func line(_ outcomes: [RowOutcome]) -> String {
        let lesson = outcomes[0].row.lesson
        var cells = ["", "", ""]
        for outcome in outcomes {
            switch outcome.row.kind {
            case .withoutFaults: cells[0] = outcome.text
            case .trigger: cells[1] = "`\(lesson.spec.variant)` \(outcome.text)"
            case .repaired(let variant): cells[2] = "`\(variant)` \(outcome.text)"
            case .seeds: cells[2] = "`\(lesson.spec.variant)` \(outcome.text)"
            }
        }
        let last = outcomes[outcomes.count - 1]
        let longest = outcomes.map(\.longest).max() ?? .zero
        let file = "[\(lesson.name)](../examples/\(lesson.title).yaml)"
        return "| "
            + ([file, Self.faults(of: outcomes)] + cells + [
                lesson.scenario.hasFaults ? "\(last.hits)" : "", longest.roundedText,
            ]).joined(separator: " | ") + " |"
    }

    /// What was done to the runs, without its times, each once.
    private static func faults(of outcomes: [RowOutcome]) -> String {
        guard let lesson = outcomes.first?.row.lesson, lesson.scenario.hasFaults else { return "" }
        if case .seeds = outcomes[0].row.kind { return "drawn by each seed" }
        var texts: [String] = []
        for fault in outcomes.flatMap(\.results).flatMap(\.faults) where !texts.contains(fault.text)
        {
            texts.append(fault.text)
        }
        let shown = texts.prefix(3).joined(separator: "; ")
        return texts.count > 3 ? shown + "; …" : shown
    }
}
