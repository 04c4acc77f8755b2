import ChaosCheckers
import ChaosCore

/// The last lines of a run on a terminal.
package enum ResultText {
    /// How much evidence of one finding is printed; all of it is in `results.json`.
    private static let evidenceLines = 8
    /// How many links of one clean cut are named.
    private static let namedLinks = 8

    /// Verdict and reasons, findings with evidence, faults, leak proof, warnings and deaths, and
    /// last the command that repeats the run.
    package static func lines(_ result: RunResult, _ style: TerminalStyle) -> [String] {
        var lines = [Self.verdictLine(result, style)]
        lines += result.reasons.map { "  \($0)" }
        let sections = [
            Self.findings(result.findings, style), StatisticsText.lines(result.statistics, style),
            Self.faults(result.faults, style),
            Self.cutLines(result), Self.deaths(result.deaths, style),
            result.warnings.map { style.text(StyledText("warning: ", .uncertain)) + $0 },
        ]
        for section in sections where !section.isEmpty { lines += [""] + section }
        lines += ["", "run     \(result.directory)", "repeat  \(result.repeatCommand)"]
        return lines
    }

    /// `INVALID  demo  seed 42  30.2s`, and why the exit code is another.
    static func verdictLine(_ result: RunResult, _ style: TerminalStyle) -> String {
        let tone: StyledText.Tone =
            switch result.verdict {
            case .valid?: .good
            case .invalid?: .bad
            case .unknown?: .uncertain
            case nil: .plain
            }
        let word = style.text(StyledText(result.verdictWord.uppercased(), tone))
        var line =
            "\(word)  \(result.scenario)  seed \(result.seed.value)"
            + "  \(result.elapsed.roundedText)"
        if let expectation = result.expectation { line += "  expected \(expectation)" }
        let isPlain =
            switch (result.verdict, result.exitCode) {
            case (.valid?, 0), (nil, 0), (.invalid?, 1), (.unknown?, 2): true
            default: false
            }
        if !isPlain || result.isExitOfCommand {
            line += "  exit \(result.exitCode): \(result.exitReason)"
        }
        return line
    }

    private static func findings(_ findings: [Finding], _ style: TerminalStyle) -> [String] {
        findings.flatMap { finding in
            let tone: StyledText.Tone =
                switch finding.verdict {
                case .valid: .good
                case .invalid: .bad
                case .unknown: .uncertain
                }
            let verdict = style.text(StyledText(finding.verdict.rawValue, tone))
            var lines = ["\(finding.checker)  \(verdict)  \(finding.summary)"]
            lines += finding.evidence.prefix(Self.evidenceLines).map { "    \($0)" }
            let rest = finding.evidence.count - Self.evidenceLines
            if rest > 0 { lines.append("    \(counted(rest, "more line")) in results.json") }
            return lines
        }
    }

    private static func faults(_ faults: [RunResult.Fault], _ style: TerminalStyle) -> [String] {
        if faults.isEmpty { return [] }
        var table = TextTable(
            ["ID", "FAULT", "FROM", "TO", "TOUCHED", "HITS"],
            right: ["FROM", "TO", "TOUCHED", "HITS"])
        for fault in faults {
            table.add([
                StyledText(fault.id), StyledText(fault.text),
                StyledText(fault.begin.sinceStart.roundedText),
                StyledText(fault.end?.sinceStart.roundedText ?? "end"),
                StyledText("\(fault.touched)", fault.touched == 0 ? .uncertain : .plain),
                StyledText("\(fault.hits)"),
            ])
        }
        return table.lines(style)
    }

    /// The leak proof: one line a cut when nothing crossed, one a link when something did.
    static func cutLines(_ result: RunResult) -> [String] {
        // Runs have thousands of cuts: each is looked at once.
        var ids: [String] = []
        var cutsByID: [String: [RunResult.Cut]] = [:]
        for cut in result.cuts {
            if cutsByID[cut.id] == nil { ids.append(cut.id) }
            cutsByID[cut.id, default: []].append(cut)
        }
        return ids.flatMap { id -> [String] in
            let cuts = cutsByID[id] ?? []
            let leaks = cuts.filter { $0.crossedBytes > 0 }
            let clean = cuts.filter { $0.crossedBytes == 0 }
            var lines = leaks.map { cut in
                "\(id): \(counted(cut.crossedBytes, "byte")) crossed \(cut.link) during"
                    + " \(Self.period(cut, result.elapsed))"
            }
            guard let first = clean.first else { return lines }
            let links =
                clean.count <= Self.namedLinks
                ? clean.map(\.link.description).joined(separator: ", ")
                : "any of \(leaks.isEmpty ? "its" : "the other") \(clean.count) links"
            lines.append(
                "\(id): 0 bytes crossed \(links) during \(Self.period(first, result.elapsed))")
            return lines
        }
    }

    /// `12.0–18.0 s`.
    private static func period(_ cut: RunResult.Cut, _ elapsed: Duration) -> String {
        func tenths(_ time: Duration) -> String {
            let count = (time.wholeNanoseconds + 50_000_000) / 100_000_000
            return "\(count / 10).\(count % 10)"
        }
        return "\(tenths(cut.from.sinceStart))–\(tenths(cut.to?.sinceStart ?? elapsed)) s"
    }

    private static func deaths(_ deaths: [RunResult.Death], _ style: TerminalStyle) -> [String] {
        deaths.flatMap { death in
            let name = style.text(StyledText(death.node.text, .bad))
            return ["\(name) died at \(death.at.sinceStart.roundedText): \(death.status)"]
                + death.lastLines.map { "    \($0)" }
        }
    }
}
