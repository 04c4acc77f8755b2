import ChaosCore

/// Judges jobs of map-reduce: compares every result with what the checker counts itself, exactly.
///
/// Operations: `job` (`{job, fn, input}`, where `fn` counts `words` or `lines` of `input`; completion: `{key: count}`), and in the end
/// `results` (completion: `{job: how often its result was given out}`).
/// - **wrong-result**: a count is not that of the input.
/// - **not-finished**: a job had no result in time.
/// - **failed-job**: a job was given up. One with ``poison`` in its input has to be: nobody lives to count that.
/// - **two-results**: the result of a job was given out more than once.
///
/// Linear in the inputs.
package struct JobChecker: Checker {
    /// The word that kills whoever counts it.
    package static let poison = "poison"

    package init() {}

    package var name: String { "jobs" }

    package func check(_ history: History) -> Finding {
        var found: [(name: String, line: String)] = []
        var rightCount = 0
        var keyCount = 0
        var givenUpCount = 0
        do {
            for invocation in history.invocations {
                switch invocation.begin.function {
                case "job":
                    let (expected, job) = try Self.oracle(invocation.begin)
                    switch invocation.outcome {
                    case .fail where expected[Self.poison] != nil: givenUpCount += 1
                    case .ok:
                        let lines = try Self.differences(invocation, expected)
                        found += lines.map {
                            ("wrong-result", "\(job) of \(invocation.place): \($0)")
                        }
                        if lines.isEmpty {
                            rightCount += 1
                            keyCount += expected.count
                        }
                    case .fail:
                        let reason = invocation.end?.error ?? "no reason given"
                        found.append(("failed-job", "\(job) of \(invocation.place): \(reason)"))
                    case .info, .invoke:
                        found.append(("not-finished", "\(job) of \(invocation.place)"))
                    }
                case "results" where invocation.outcome == .ok:
                    for member in invocation.end?.value.objectValue?.members ?? []
                    where member.value.intValue ?? 0 > 1 {
                        let line =
                            "\(member.key) had \(member.value.text) results, at \(invocation.place)"
                        found.append(("two-results", line))
                    }
                default: continue
                }
            }
        } catch {
            return Finding(checker: self.name, verdict: .unknown, summary: error.sentence)
        }
        return Finding(
            checker: self.name, found: found,
            gap: rightCount == 0 ? "no job was finished" : nil,
            praise: "\(counted(rightCount, "job")) with \(counted(keyCount, "count")), all exact"
                + (givenUpCount > 0 ? ", and \(givenUpCount) given up that nobody could do" : ""),
            statistics: [
                "job_count": .int(Int64(rightCount)), "given_up_count": .int(Int64(givenUpCount)),
            ])
    }

    /// What a job must come to, and its name.
    private static func oracle(
        _ operation: Operation
    ) throws(InputError) -> (counts: [String: Int64], job: String) {
        let value = operation.value
        guard let input = value["input"]?.stringValue, let function = value["fn"]?.stringValue,
            ["words", "lines"].contains(function)
        else {
            throw InputError.wrongValue(operation, mustBe: "{job, fn: words or lines, input}")
        }
        var counts: [String: Int64] = [:]
        let parts =
            function == "lines"
            ? input.split(whereSeparator: \.isNewline) : input.split(whereSeparator: \.isWhitespace)
        for part in parts { counts[String(part), default: 0] += 1 }
        return (counts, value["job"]?.stringValue ?? "a job")
    }

    private static func differences(
        _ invocation: Invocation, _ expected: [String: Int64]
    ) throws(InputError) -> [String] {
        guard let end = invocation.end else { return [] }
        guard let members = end.value.objectValue?.members else {
            throw InputError.wrongValue(end, mustBe: "{key: count}")
        }
        var lines: [String] = []
        var seen: Set<String> = []
        for member in members {
            seen.insert(member.key)
            let count = expected[member.key] ?? 0
            if member.value.intValue != count {
                lines.append("'\(member.key)' \(member.value.text) times instead of \(count)")
            }
        }
        for (key, count) in expected.sorted(by: { $0.key < $1.key }) where !seen.contains(key) {
            lines.append("'\(key)' not at all instead of \(count)")
        }
        return lines
    }
}
