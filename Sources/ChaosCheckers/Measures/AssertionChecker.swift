import ChaosCore
import OrderedCollections

/// Compares what a run measured with what was asked for: `msgs_per_op < 30`.
///
/// Measures have dotted names in a tree of numbers; times are milliseconds, shares go from 0 to 1. One
/// that the run has no number for makes the verdict unknown.
package struct AssertionChecker: Checker {
    /// One thing that must hold.
    package struct Assertion: Hashable, Sendable {
        /// The measure's dotted name, such as `stable_latency.p50`.
        package let measure: String
        /// How it is compared.
        package let comparison: Comparison
        /// With what.
        package let limit: Double
        /// As it was written, such as `< 400ms`.
        package let text: String
    }

    /// How two numbers are compared.
    package enum Comparison: String, CaseIterable, Sendable {
        case atMost = "<="
        case atLeast = ">="
        case equal = "=="
        case unequal = "!="
        case below = "<"
        case above = ">"

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .atMost: left <= right
            case .atLeast: left >= right
            case .equal: left == right
            case .unequal: left != right
            case .below: left < right
            case .above: left > right
            }
        }
    }

    package let assertions: [Assertion]
    /// What the run measured, as ``measures(history:findings:net:)`` puts it together.
    package var measures: JSONObject = [:]

    package init(_ assertions: [Assertion]) { self.assertions = assertions }

    package var name: String { "assert" }

    package func check(_ history: History) -> Finding {
        var failed: [String] = []
        var missing: [String] = []
        var held: [String] = []
        var found: [(key: String, value: JSONValue)] = []
        for assertion in self.assertions {
            let what = "\(assertion.measure) \(assertion.text)"
            guard let value = self.value(of: assertion.measure) else {
                let hint = Suggestion.nearest(to: assertion.measure, among: self.names)
                missing.append(
                    "\(what): the run has no such measure"
                        + (hint.map { ", did you mean '\($0)'?" } ?? ""))
                continue
            }
            found.append((assertion.measure, .double(value)))
            let shown = "\(what), found \(Self.text(value))"
            if assertion.comparison.holds(value, assertion.limit) {
                held.append(shown)
            } else {
                failed.append(shown)
            }
        }
        let verdict: Verdict =
            !failed.isEmpty ? .invalid : !missing.isEmpty || held.isEmpty ? .unknown : .valid
        let summary =
            switch verdict {
            case .invalid: failed[0]
            case .unknown: missing.first ?? "nothing was asserted"
            case .valid: held.joined(separator: "; ")
            }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary,
            anomalies: failed.isEmpty ? [] : ["assertion"],
            evidence: verdict == .valid ? [] : failed.dropFirst() + missing.dropFirst() + held,
            statistics: JSONObject(found))
    }

    private func value(of measure: String) -> Double? {
        JSONValue.object(self.measures).value(at: measure)?.doubleValue
    }

    /// All measures that the run has a number for.
    private var names: [String] {
        func names(_ value: JSONValue, _ path: String) -> [String] {
            if value.doubleValue != nil { return [path] }
            return (value.objectValue?.members ?? []).flatMap { member in
                names(member.value, path.isEmpty ? member.key : "\(path).\(member.key)")
            }
        }
        return names(.object(self.measures), "")
    }

    private static func text(_ value: Double) -> String {
        let thousandths = (value * 1000).rounded()
        guard let whole = Int64(exactly: thousandths) else { return "\(value)" }
        return Decimals.text(whole, per: 1000)
    }
}

extension AssertionChecker {
    /// Reads `< 30` or `< 400ms`; several conditions are separated by commas.
    ///
    /// - Throws: `InputError` for a condition that is none.
    package static func conditions(
        of measure: String, parsing text: String
    ) throws(InputError) -> [Assertion] {
        var assertions: [Assertion] = []
        for part in text.split(separator: ",") {
            let part = part.trimmingSpaces
            // The longer ones come first.
            guard
                let comparison = Comparison.allCases.first(where: { part.hasPrefix($0.rawValue) }),
                let limit = Self.number(part.dropFirst(comparison.rawValue.count).trimmingSpaces)
            else {
                throw InputError(
                    "a condition is a comparison and a number, such as '< 30' or '< 400ms'",
                    found: "\(measure) \(part)")
            }
            assertions.append(
                Assertion(
                    measure: measure, comparison: comparison, limit: limit, text: String(part)))
        }
        return assertions
    }

    /// Splits `msgs_per_op < 30` into the measure and its condition.
    ///
    /// - Throws: `InputError` when there is no comparison.
    package static func split(
        _ text: String
    ) throws(InputError) -> (measure: String, condition: String) {
        guard let place = text.firstIndex(where: { "<>=!".contains($0) }) else {
            throw InputError(
                "an assertion is a measure, a comparison and a number", found: text,
                hint: "for example 'msgs_per_op < 30' or 'stable_latency.p50 < 400ms'")
        }
        let measure = text[..<place].trimmingSpaces
        if measure.isEmpty {
            throw InputError("an assertion begins with a measure", found: text)
        }
        let condition = String(text[place...].trimmingSpaces)
        _ = try Self.conditions(of: String(measure), parsing: condition)
        return (String(measure), condition)
    }

    /// A number, a time in milliseconds, or a percentage as a share.
    private static func number(_ text: Substring) -> Double? {
        if let number = Double(String(text)), number.isFinite { return number }
        if text.hasSuffix("%") { return Double(String(text.dropLast())).map { $0 / 100 } }
        guard let time = try? Duration(parsing: String(text)) else { return nil }
        return Double(time.wholeNanoseconds) / 1e6
    }

    /// Everything that can be asserted of a run: counts and latencies of operations, the numbers of
    /// its findings by checker, the latencies of a set as `stable_latency`, the net, and as `bytes_per_op` what crossed between nodes.
    ///
    /// - Parameter bytes: How many bytes links between nodes delivered; `nil` where that is not known.
    package static func measures(
        history: History, findings: [Finding], net: JSONObject?, bytes: Int? = nil
    ) -> JSONObject {
        let statistics = OperationStatistics(history)
        var measures = statistics.all.json
        for (name, tally) in statistics.byFunction { measures[name] = .object(tally.json) }
        for finding in findings {
            measures[finding.checker] = .object(finding.statistics)
            for member in finding.statistics.members
            where measures[member.key] == nil && member.value.doubleValue != nil {
                measures[member.key] = member.value
            }
            if let latencies = finding.statistics["stable_latencies_ms"]?.objectValue {
                let names = ["0": "p0", "0.5": "p50", "0.95": "p95", "0.99": "p99", "1": "max"]
                measures["stable_latency"] = .object(
                    JSONObject(latencies.members.map { (names[$0.key] ?? $0.key, $0.value) }))
            }
        }
        let operations = history.operations.count { $0.kind == .invoke }
        if let bytes, operations > 0 {
            measures["bytes_per_op"] = .double(Double(bytes) / Double(operations))
        }
        if let net {
            measures["net"] = .object(net)
            if let perOperation = net["servers"]?["msgs_per_op"] {
                measures["msgs_per_op"] = perOperation
            }
        }
        return measures
    }
}
