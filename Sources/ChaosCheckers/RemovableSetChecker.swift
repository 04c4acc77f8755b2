import ChaosCore

/// Checks a set with removals by its final reads: an element that was added is in all of them unless somebody
/// tried to remove it, and one whose removal was acknowledged is in none.
///
/// Elements are added once, and removed by somebody who knew them. **lost**, **resurrected**, **invented** (nobody
/// added it), **duplicated** (twice in one read). Linear in the size of the reads. Unknown without final
/// reads.
package struct RemovableSetChecker: Checker {
    package init() {}

    package var name: String { "or-set" }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        func arguments(_ function: String, acknowledged: Bool) -> Set<JSONValue> {
            Set(
                invocations.filter {
                    $0.begin.function == function
                        && (acknowledged ? $0.outcome == .ok : $0.outcome != .fail)
                }.map(\.begin.value))
        }
        let finals = invocations.filter {
            $0.begin.function == "read" && $0.begin.isFinal && $0.outcome == .ok
        }
        let added = arguments("add", acknowledged: true)
        let tried = arguments("add", acknowledged: false)
        let removed = arguments("remove", acknowledged: true)
        let doubtful = arguments("remove", acknowledged: false)
        var found: [(name: String, line: String)] = []
        for read in finals {
            let node = read.begin.node ?? "process \(read.begin.process)"
            let elements = read.end?.value.arrayValue ?? []
            let there = Set(elements)
            var seen: Set<JSONValue> = []
            for element in elements where !seen.insert(element).inserted {
                found.append(
                    ("duplicated", "\(element.text) is twice in the final read of \(node)"))
            }
            func note(_ name: String, _ elements: Set<JSONValue>, _ what: String) {
                for element in elements.sorted(by: { $0.text < $1.text }) {
                    found.append((name, "\(element.text) \(what) the final read of \(node)"))
                }
            }
            note(
                "lost", added.subtracting(doubtful).subtracting(there),
                "was added, and is absent from")
            note("resurrected", removed.intersection(there), "was removed, and is in")
            note("invented", there.subtracting(tried), "was never added, and is in")
        }
        return self.finding(found, finals: finals.count, added: added.count, removed: removed.count)
    }

    private func finding(
        _ found: [(name: String, line: String)], finals: Int, added: Int, removed: Int
    ) -> Finding {
        var names: [String] = []
        for (name, _) in found where !names.contains(name) { names.append(name) }
        let counts = names.map { name in "\(found.count { $0.name == name }) \(name)" }
        let verdict: Verdict = finals == 0 ? .unknown : found.isEmpty ? .valid : .invalid
        let summary =
            switch verdict {
            case .unknown: "no final read was answered"
            case .invalid: counts.joined(separator: ", ")
            case .valid:
                "\(counted(added, "element")) added, \(removed) removed, as \(counted(finals, "final read")) show"
            }
        return Finding(
            checker: self.name, verdict: verdict, summary: summary, anomalies: names,
            evidence: found.prefix(16).map { "\($0.name): \($0.line)" },
            statistics: [
                "added_count": .int(Int64(added)), "removed_count": .int(Int64(removed)),
                "final_read_count": .int(Int64(finals)),
            ])
    }
}
