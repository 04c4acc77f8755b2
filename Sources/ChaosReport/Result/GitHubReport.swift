import ChaosCore

/// What GitHub's pages show of runs: an annotation for each that is not as it should be, and a summary
/// of all (docs.github.com, "Workflow commands for GitHub Actions").
package enum GitHubReport {
    /// The workflow command that annotates a run; nil for one that is as it should be.
    ///
    /// - Parameter file: The scenario's file, where there is one.
    package static func annotation(_ result: RunResult, file: String?) -> String? {
        if result.isPassed { return nil }
        var properties = file.map { ["file=\(Self.property($0))"] } ?? []
        properties.append("title=\(Self.property("chaos: \(result.scenario)"))")
        let text =
            ([Self.headline(result)] + result.reasons + ["repeat: \(result.repeatCommand)"])
            .joined(separator: "\n")
        return "::error \(properties.joined(separator: ","))::\(Self.data(text))"
    }

    /// The step's summary in Markdown: a row for each run, then those that are not as they should be.
    package static func summary(_ results: [RunResult]) -> String {
        let passed = results.count { $0.isPassed }
        var lines = [
            "### chaos: \(passed) of \(counted(results.count, "run")) as expected", "",
            "| | scenario | seed | verdict | lasted | |", "|---|---|---|---|---|---|",
        ]
        for result in results {
            let cells = [
                result.isPassed ? "✅" : "❌", result.scenario, "\(result.seed.value)",
                result.verdictWord, result.elapsed.roundedText, result.reasons.first ?? "",
            ]
            lines.append("| " + cells.map(Self.cell).joined(separator: " | ") + " |")
        }
        for result in results where !result.isPassed {
            // A fence longer than any in the text cannot be closed by it.
            let text = ResultText.lines(result, .plain).joined(separator: "\n")
            let fence = String(
                repeating: "`", count: max(3, Self.longestRun(of: "`", in: text) + 1))
            lines += [
                "", "<details><summary>\(Markup.escaped(Self.headline(result)))</summary>", "",
                fence, text, fence, "", "</details>",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func headline(_ result: RunResult) -> String {
        "\(result.scenario), seed \(result.seed.value): \(result.verdictWord), exit"
            + " \(result.exitCode) (\(result.exitReason))"
    }

    private static func cell(_ text: String) -> String {
        var cell = ""
        for character in Markup.escaped(text) {
            switch character {
            case "|": cell += "\\|"
            case "\n", "\r", "\r\n": cell += " "
            default: cell.append(character)
            }
        }
        return cell
    }

    private static func longestRun(of wanted: Character, in text: String) -> Int {
        var longest = 0
        var run = 0
        for character in text {
            run = character == wanted ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }

    /// Text behind the `::` of a command.
    private static func data(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": output += "%25"
            case "\r": output += "%0D"
            case "\n": output += "%0A"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// Text in a property, where `:` and `,` mean something too.
    private static func property(_ text: String) -> String {
        var output = ""
        for scalar in self.data(text).unicodeScalars {
            switch scalar {
            case ":": output += "%3A"
            case ",": output += "%2C"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
