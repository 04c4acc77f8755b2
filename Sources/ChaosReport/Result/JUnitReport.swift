import ChaosCheckers
import ChaosCore

/// JUnit XML, as CI systems read it: a suite for each scenario, a test case for each seed.
///
/// A run that is as it should be passes, also when the scenario expected `invalid`. `invalid` is a
/// failure. `unknown`, a node that died and everything else is an error with that type, not a
/// skipped test: CI would show a skipped test as green, and nothing was proved.
package enum JUnitReport {
    /// The file's content.
    package static func render(_ results: [RunResult]) -> String {
        var scenarios: [String] = []
        for result in results where !scenarios.contains(result.scenario) {
            scenarios.append(result.scenario)
        }
        var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
        lines.append("<testsuites name=\"chaos\"\(Self.totals(results))>")
        for scenario in scenarios {
            let cases = results.filter { $0.scenario == scenario }
            let name = Markup.attribute(scenario)
            lines.append("  <testsuite name=\"\(name)\"\(Self.totals(cases))>")
            for result in cases { lines += Self.testCase(result) }
            lines.append("  </testsuite>")
        }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func totals(_ results: [RunResult]) -> String {
        let failures = results.filter { Self.outcome(of: $0)?.element == "failure" }.count
        let errors = results.filter { Self.outcome(of: $0)?.element == "error" }.count
        let time = results.reduce(Duration.zero) { $0 + $1.elapsed }
        return " tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\""
            + " skipped=\"0\" time=\"\(Self.seconds(time))\""
    }

    private static func testCase(_ result: RunResult) -> [String] {
        var lines = [
            "    <testcase classname=\"\(Markup.attribute(result.scenario))\""
                + " name=\"seed \(result.seed.value)\" time=\"\(Self.seconds(result.elapsed))\">"
        ]
        if let outcome = Self.outcome(of: result) {
            let message = Markup.attribute(result.reasons.first ?? result.exitReason)
            let text = ResultText.lines(result, .plain).joined(separator: "\n")
            lines.append(
                "      <\(outcome.element) type=\"\(outcome.type)\" message=\"\(message)\">"
                    + "\(Markup.escaped(text))</\(outcome.element)>")
        }
        lines.append(
            "      <system-out>\(Markup.escaped("repeat: \(result.repeatCommand)"))</system-out>")
        lines.append("    </testcase>")
        return lines
    }

    private static func outcome(of result: RunResult) -> (element: String, type: String)? {
        switch result.exitCode {
        case 0: nil
        case 1: ("failure", "invalid")
        case 2: ("error", "unknown")
        case 75: ("error", "died")
        case 130: ("error", "interrupted")
        default: ("error", "exit-\(result.exitCode)")
        }
    }

    private static func seconds(_ time: Duration) -> String {
        let milliseconds = max(0, time.wholeNanoseconds / 1_000_000)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
